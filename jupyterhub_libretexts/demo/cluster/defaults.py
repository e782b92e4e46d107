"""What the server fills in where a client left something out."""

from __future__ import annotations

from typing import Any

from .resources import CLAIMS, EVENTS, NAMESPACES, PODS, QUOTAS, SECRETS, SERVICES, Resource

Document = dict[str, Any]

GRACE = 30  # Seconds between a polite and a hard end, the server's own default.
TOLERATION = 300  # Seconds that a pod stays on a node that is not ready.


def fill(resource: Resource, document: Document) -> None:
    """Fill in a new document, in place."""
    spec = document.get("spec")
    if resource is PODS and spec is not None:
        _pod(document, spec)
    elif resource is CLAIMS and spec is not None:
        spec.setdefault("volumeMode", "Filesystem")
        document["status"] = {"phase": "Pending"}
    elif resource is SERVICES and spec is not None:
        _service(spec)
        document.setdefault("status", {"loadBalancer": {}})
    elif resource is SECRETS:
        _secret(document)
    elif resource is NAMESPACES:
        document.setdefault("spec", {})["finalizers"] = ["kubernetes"]
        document["status"] = {"phase": "Active"}
        labels = document["metadata"].setdefault("labels", {})
        labels["kubernetes.io/metadata.name"] = document["metadata"].get("name", "")
    elif resource is EVENTS:
        for key in ("firstTimestamp", "lastTimestamp", "eventTime"):
            document.setdefault(key, None)
        document.setdefault("source", {})
        document.setdefault("reportingComponent", "")
        document.setdefault("reportingInstance", "")
    elif resource is QUOTAS:
        document["status"] = {}
    elif resource.plural == "networkpolicies" and spec is not None:
        spec.setdefault("podSelector", {})
        spec.setdefault("policyTypes", ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"])


def _secret(document: Document) -> None:
    import base64

    document.setdefault("type", "Opaque")
    for key, value in document.pop("stringData", {}).items():
        document.setdefault("data", {})[key] = base64.b64encode(value.encode()).decode()


def _service(spec: Document) -> None:
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    spec.setdefault("internalTrafficPolicy", "Cluster")
    spec.setdefault("ipFamilyPolicy", "SingleStack")
    spec.setdefault("ipFamilies", ["IPv4"])
    for port in spec.get("ports") or ():
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))


def _pod(document: Document, spec: Document) -> None:
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("schedulerName", "default-scheduler")
    spec.setdefault("terminationGracePeriodSeconds", GRACE)
    spec.setdefault("enableServiceLinks", True)
    spec.setdefault("securityContext", {})
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = account
    for container in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        _container(container)
    for volume in spec.get("volumes") or ():
        _volume(volume)
    tolerations = spec.setdefault("tolerations", [])
    for condition in ("not-ready", "unreachable"):
        key = f"node.kubernetes.io/{condition}"
        if not any(each.get("key") in (key, None) and _any_effect(each) for each in tolerations):
            tolerations.append(
                {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": TOLERATION}
            )
    document["status"] = {"phase": "Pending", "qosClass": qos_class(spec)}


def _any_effect(toleration: Document) -> bool:
    return bool(toleration.get("effect", "NoExecute") == "NoExecute")


def _container(container: Document) -> None:
    image = str(container.get("image", ""))
    newest = "@" not in image and (":" not in image.rpartition("/")[2] or image.endswith(":latest"))
    container.setdefault("imagePullPolicy", "Always" if newest else "IfNotPresent")
    container.setdefault("terminationMessagePath", "/dev/termination-log")
    container.setdefault("terminationMessagePolicy", "File")
    resources = container.setdefault("resources", {})
    for name, value in (resources.get("limits") or {}).items():
        resources.setdefault("requests", {}).setdefault(name, value)
    for port in container.get("ports") or ():
        port.setdefault("protocol", "TCP")
    for variable in container.get("env") or ():
        reference = (variable.get("valueFrom") or {}).get("fieldRef")
        if reference:
            reference.setdefault("apiVersion", "v1")


def _volume(volume: Document) -> None:
    for kind in ("secret", "configMap", "projected", "downwardAPI"):
        if kind in volume:
            volume[kind].setdefault("defaultMode", 0o644)
    if len(volume) == 1:
        volume["emptyDir"] = {}


def qos_class(spec: Document) -> str:
    """Guaranteed, Burstable or BestEffort, from the containers' requests and limits."""
    containers = [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    resources = [each.get("resources") or {} for each in containers]
    asked = [
        {name: value for name, value in (each.get(part) or {}).items() if name in ("cpu", "memory")}
        for each in resources
        for part in ("requests", "limits")
    ]
    if not any(asked):
        return "BestEffort"
    for each in resources:
        limits, requests = each.get("limits") or {}, each.get("requests") or {}
        if any(not limits.get(name) or limits[name] != requests.get(name) for name in ("cpu", "memory")):
            return "Burstable"
    return "Guaranteed"
