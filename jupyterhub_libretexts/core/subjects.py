"""The parts of a plan, one function for each subject; none of them knows another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from jupyterhub_libretexts import names
from jupyterhub_libretexts.core.parts import Part

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jupyterhub_libretexts.core.catalogue import Entry
    from jupyterhub_libretexts.core.people import Person
    from jupyterhub_libretexts.settings.models import (
        Calico,
        Course,
        Environment,
        Homes,
        Network,
        ServerRules,
    )

__all__ = [
    "PREFIX",
    "home_part",
    "identity_part",
    "landing",
    "network_part",
    "rules_part",
    "version_of",
]

PREFIX = "libretexts.org/"
"""Prefix of every label and annotation of ours."""

_LANDINGS = {"lab": "/lab", "notebook": "/tree", "rstudio": "/rstudio/"}


def identity_part(entry: Entry, size: str, gpu: str | None) -> Part:
    """Labels by which servers are found, counted and selected by policies."""
    chosen = {
        "organization": entry.organization,
        "environment": entry.environment,
        "course": entry.course,
        "size": size,
        "gpu": gpu,
    }
    present = {f"{PREFIX}{key}": value for key, value in chosen.items() if value is not None}
    return Part(
        "plan",
        labels={key: names.label_value(value) for key, value in present.items()},
        # Labels cannot hold every identifier (a course has a slash); annotations hold them whole.
        annotations=present,
    )


def rules_part(source: str, rules: ServerRules) -> Part:
    """What one level (organisation, environment or course) says about servers."""
    volumes: dict[str, Mapping[str, Any]] = {}
    mounts: dict[str, Mapping[str, Any]] = {}
    for secret in rules.secrets:
        if secret.path is not None:
            name = names.slug(f"secret-{secret.secret}")
            volumes[name] = {"secret": {"secretName": secret.secret}}
            mounts[secret.path] = {"name": name, "readOnly": True}
    for data in rules.data:
        if data.claim is not None:
            name = names.slug(f"data-{data.claim}")
            volumes[name] = {"persistentVolumeClaim": {"claimName": data.claim, "readOnly": True}}
        else:
            name = names.slug(f"files-{data.config_map}")
            volumes[name] = {"configMap": {"name": data.config_map}}
        below = {"subPath": data.sub_path} if data.sub_path is not None else {}
        mounts[data.path] = {"name": name, "readOnly": True, **below}
    return Part(
        source,
        node_labels=rules.node_labels,
        volumes=volumes,
        mounts=mounts,
        pull_secrets=dict.fromkeys(rules.pull_secrets, True),
        variables=rules.variables,
        secret_variables={
            secret.variable: {"secretKeyRef": {"name": secret.secret, "key": secret.key}}
            for secret in rules.secrets
            if secret.variable is not None
        },
    )


def network_part(name: str, network: Network, calico: Calico | None) -> Part:
    """What a network says about each server: how much it sends and receives, and further networks.

    Calico bounds bandwidth itself since 3.30 (docs.tigera.io, "Configure QoS Controls"); other
    clusters do it with CNI's bandwidth plugin (kubernetes.io, "Network Plugins", traffic shaping).
    """
    annotations: dict[str, str] = {}
    if network.bandwidth is not None:
        of_calico = calico is not None and version_of(calico) >= (3, 30)
        key = "qos.projectcalico.org/{}Bandwidth" if of_calico else "kubernetes.io/{}-bandwidth"
        for way in ("ingress", "egress"):
            amount = getattr(network.bandwidth, way)
            if amount is not None:
                annotations[key.format(way)] = str(amount)
    if network.attachments:
        annotations["k8s.v1.cni.cncf.io/networks"] = ",".join(network.attachments)
    return Part(f"networks.{name}", annotations=annotations)


def version_of(calico: Calico) -> tuple[int, int]:
    """Calico's version for comparing."""
    major, _, minor = calico.version.partition(".")
    return int(major), int(minor)


def home_part(homes: Homes, organization: str, person: Person, claim: str) -> Part:
    """The home: where it is kept and where it appears.

    Args:
        homes: Where people's files live.
        organization: Whose home it is: a person has one in each of their organisations.
        person: Whose.
        claim: Name of the person's claim, where homes are claims.
    """
    below = f"{names.slug(organization)}/{person.key}"
    source: Mapping[str, Any] = {"persistentVolumeClaim": {"claimName": claim}}
    if homes.kind == "folder":
        source = {"hostPath": {"path": f"{homes.folder}/{below}", "type": "DirectoryOrCreate"}}
    elif homes.zfs is not None:
        source = {"nfs": {"server": homes.zfs.server, "path": f"/{homes.zfs.pool}/home/{below}"}}
    return Part("homes", volumes={"home": source}, mounts={homes.mount: {"name": "home"}})


def landing(environment: Environment, course: Course | None) -> str:
    """The path at which a server opens; with material, by way of nbgitpuller.

    https://nbgitpuller.readthedocs.io/en/latest/link.html describes the link's form.
    """
    opens = _LANDINGS.get(environment.opens, environment.opens)
    if course is None or course.material is None:
        return opens
    folder = urlsplit(course.material).path.rstrip("/").rpartition("/")[2].removesuffix(".git")
    inside = {"/lab": f"lab/tree/{folder}/", "/tree": f"tree/{folder}/"}.get(opens, opens.lstrip("/"))
    query = {"repo": course.material, "urlpath": inside, "targetpath": folder}
    if course.branch is not None:
        query["branch"] = course.branch
    return f"/git-pull?{urlencode(query, quote_via=quote)}"
