"""The objects of one hub: its pods, services and policies, as zero-to-jupyterhub's chart lays them out.

Labels, ports and what the policies admit are the chart's, so that our rendered policies meet here what
they meet on a site. The proxy is JupyterHub's own protocol in its Python implementation.
"""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]

HUB_PORT, PROXY_PORT, PROXY_API_PORT = 8081, 8000, 8001
APP = {"app": "jupyterhub"}
HUB = {**APP, "component": "hub"}
PROXY = {**APP, "component": "proxy"}
ACCESS_HUB = {"hub.jupyter.org/network-access-hub": "true"}
ACCESS_PROXY_API = {"hub.jupyter.org/network-access-proxy-api": "true"}


def thing(version: str, kind: str, name: str, namespace: str, **rest: Any) -> Object:
    """An object in the hub's namespace."""
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": namespace}, **rest}


def namespace(name: str, standard: str) -> Object:
    """The hub's namespace, in which a Pod Security standard is enforced."""
    labels = {f"pod-security.kubernetes.io/{mode}": standard for mode in ("enforce", "warn")}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def everything(
    space: str,
    image: str,
    configuration: dict[str, str],
    secrets: dict[str, str],
    accounts: dict[str, str],
    settings: dict[str, str],
) -> list[Object]:
    """All objects in the order in which they are made.

    Args:
        space: The namespace.
        image: The hub's image with this project's code.
        configuration: Files of ``/etc/jupyterhub`` by name.
        secrets: Environment variables of the hub.
        accounts: ``accounts.json``, for sign-in.
        settings: The operator's files by name.
    """
    return [
        thing("v1", "ServiceAccount", "hub", space),
        thing("v1", "Secret", "hub", space, stringData=secrets),
        thing("v1", "Secret", "accounts", space, stringData=accounts),
        thing("v1", "ConfigMap", "hub", space, data=configuration),
        thing("v1", "ConfigMap", "settings", space, data=settings),
        thing(
            "v1",
            "PersistentVolumeClaim",
            "hub-db-dir",
            space,
            spec={"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
        ),
        service("hub", space, HUB, {"hub": HUB_PORT}, HUB_PORT),
        service("proxy-api", space, PROXY, {"api": PROXY_API_PORT}, PROXY_API_PORT),
        service("proxy-public", space, PROXY, {"http": PROXY_PORT}, 80),
        policy("hub", space, HUB, [(ACCESS_HUB, HUB_PORT)]),
        policy("proxy", space, PROXY, [(None, PROXY_PORT), (ACCESS_PROXY_API, PROXY_API_PORT)]),
        deployment("proxy", space, {**PROXY, **ACCESS_HUB}, proxy_pod(image)),
        deployment("hub", space, {**HUB, **ACCESS_PROXY_API}, hub_pod(image)),
    ]


def service(name: str, space: str, selector: dict[str, str], ports: dict[str, int], port: int) -> Object:
    """A service with one port."""
    ((label, target),) = ports.items()
    spec = {"selector": selector, "ports": [{"name": label, "port": port, "targetPort": target}]}
    return thing("v1", "Service", name, space, spec=spec)


def policy(
    name: str, space: str, selected: dict[str, str], ways: list[tuple[dict[str, str] | None, int]]
) -> Object:
    """Who may reach these pods: pods of this namespace with labels, or with None everybody."""
    ingress: list[Object] = []
    for labels, port in ways:
        way: Object = {"ports": [{"port": port, "protocol": "TCP"}]}
        if labels is not None:
            way["from"] = [{"podSelector": {"matchLabels": labels}}]
        ingress.append(way)
    spec = {"podSelector": {"matchLabels": selected}, "policyTypes": ["Ingress"], "ingress": ingress}
    return thing("networking.k8s.io/v1", "NetworkPolicy", name, space, spec=spec)


def deployment(name: str, space: str, labels: dict[str, str], pod: Object) -> Object:
    """One pod, never two: a hub's database has one writer."""
    spec = {
        "replicas": 1,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    return thing("apps/v1", "Deployment", name, space, spec=spec)


def pod(container: Object, **rest: Any) -> Object:
    """What both pods have in common: the core node, no root, no rights beyond a process's own."""
    return {
        "nodeSelector": {"libretexts.org/core": "true"},
        # A node that takes no more students (a test cordons it) still takes its hub back.
        "tolerations": [
            {"key": "node.kubernetes.io/unschedulable", "operator": "Exists", "effect": "NoSchedule"}
        ],
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "runAsGroup": 100,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "imagePullPolicy": "Never",
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "capabilities": {"drop": ["ALL"]},
                },
                **container,
            }
        ],
        **rest,
    }


def hub_pod(image: str) -> Object:
    """The hub, with its own service account."""
    container = {
        "name": "hub",
        "image": image,
        "args": ["jupyterhub", "--config", "/etc/jupyterhub/jupyterhub_config.py"],
        "workingDir": "/srv/hub",
        "envFrom": [{"secretRef": {"name": "hub"}}],
        "env": [{"name": "PYTHONUNBUFFERED", "value": "1"}],
        "ports": [{"name": "http", "containerPort": HUB_PORT}],
        # As the chart has it, a hub that is late with an answer keeps its Service's address.
        "readinessProbe": {
            "httpGet": {"path": "/hub/health", "port": "http"},
            "periodSeconds": 1,
            "failureThreshold": 1000,
        },
        "resources": {"requests": {"cpu": "200m", "memory": "256Mi"}},
        "volumeMounts": [
            {"name": "db", "mountPath": "/srv/hub"},
            {"name": "configuration", "mountPath": "/etc/jupyterhub", "readOnly": True},
            {"name": "settings", "mountPath": "/etc/libretexts", "readOnly": True},
            {"name": "accounts", "mountPath": "/etc/accounts", "readOnly": True},
        ],
    }
    volumes = [
        {"name": "db", "persistentVolumeClaim": {"claimName": "hub-db-dir"}},
        {"name": "configuration", "configMap": {"name": "hub"}},
        {"name": "settings", "configMap": {"name": "settings"}},
        {"name": "accounts", "secret": {"secretName": "accounts"}},
    ]
    return pod(container, serviceAccountName="hub", volumes=volumes, terminationGracePeriodSeconds=10)


def proxy_pod(image: str) -> Object:
    """The proxy, with no rights at all."""
    container = {
        "name": "chp",
        "image": image,
        "args": [
            "configurable-http-proxy",
            "--ip=0.0.0.0",
            f"--port={PROXY_PORT}",
            "--api-ip=0.0.0.0",
            f"--api-port={PROXY_API_PORT}",
            f"--default-target=http://hub:{HUB_PORT}",
            f"--error-target=http://hub:{HUB_PORT}/hub/error",
        ],
        "env": [
            {
                "name": "CONFIGPROXY_AUTH_TOKEN",
                "valueFrom": {"secretKeyRef": {"name": "hub", "key": "CONFIGPROXY_AUTH_TOKEN"}},
            }
        ],
        "ports": [
            {"name": "http", "containerPort": PROXY_PORT},
            {"name": "api", "containerPort": PROXY_API_PORT},
        ],
        "readinessProbe": {"tcpSocket": {"port": "http"}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}},
    }
    return pod(container, automountServiceAccountToken=False, terminationGracePeriodSeconds=5)
