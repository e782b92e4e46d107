"""What the API says about itself: versions, groups, kinds, and enough OpenAPI for kubectl."""

from __future__ import annotations

from typing import Any

from .resources import GROUPS, RESOURCES

Document = dict[str, Any]

VERSION = {
    "major": "1",
    "minor": "36",
    "gitVersion": "v1.36.3+embedded",
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "2026-01-01T00:00:00Z",
    "goVersion": "",
    "compiler": "",
    "platform": "linux/embedded",
}
_REVIEWS = ("selfsubjectaccessreviews", "selfsubjectrulesreviews")
AUTHORIZATION = "authorization.k8s.io"
_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]


def discovery(path: str, address: str) -> Document | None:
    """The document at a path of discovery; None when there is none."""
    parts = path.strip("/").split("/")
    match parts:
        case ["version"]:
            return dict(VERSION)
        case ["api"]:
            where = {"clientCIDR": "0.0.0.0/0", "serverAddress": address}
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": [where]}
        case ["apis"]:
            groups = [_group(group, version) for group, version in (*GROUPS, (AUTHORIZATION, "v1"))]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        case ["api", "v1"]:
            return _kinds("", "v1")
        case ["apis", group] if any(group == each for each, _ in GROUPS):
            version = next(version for each, version in GROUPS if each == group)
            return {"kind": "APIGroup", "apiVersion": "v1", **_group(group, version)}
        case ["apis", group, version] if (group, version) in (*GROUPS, (AUTHORIZATION, "v1")):
            return _kinds(group, version)
        case ["openapi", "v3"]:
            roots = dict.fromkeys(each.root for each in RESOURCES)
            urls = {root[1:]: {"serverRelativeURL": f"/openapi/v3{root}"} for root in roots}
            return {"paths": urls}
        case ["openapi", "v3", *rest]:
            return _openapi("/" + "/".join(rest))
        case _:
            return None


def _group(group: str, version: str) -> Document:
    served = {"groupVersion": f"{group}/{version}", "version": version}
    return {"name": group, "versions": [served], "preferredVersion": served}


def _kinds(group: str, version: str) -> Document:
    rows: list[Document] = []
    for each in RESOURCES:
        if (each.group, each.version) != (group, version):
            continue
        row = {
            "name": each.plural,
            "singularName": each.kind.lower(),
            "namespaced": each.namespaced,
            "kind": each.kind,
            "verbs": _VERBS,
        }
        everyday = {"categories": ["all"]} if each.plural in ("pods", "services") else {}
        rows.append({**row, **everyday, "shortNames": list(each.short)})
        if each.status:
            rows.append({**row, "name": f"{each.plural}/status", "verbs": ["get", "patch", "update"]})
        if each.plural == "pods":
            rows.append({**row, "name": "pods/log", "verbs": ["get"]})
            eviction = {"group": "policy", "version": "v1", "kind": "Eviction", "verbs": ["create"]}
            rows.append({**row, "name": "pods/eviction", **eviction})
    if group == AUTHORIZATION:
        kinds = ("SelfSubjectAccessReview", "SelfSubjectRulesReview")
        rows = [
            {"name": name, "singularName": "", "namespaced": False, "kind": kind, "verbs": ["create"]}
            for name, kind in zip(_REVIEWS, kinds, strict=True)
        ]
    whole = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": whole, "resources": rows}


def _openapi(root: str) -> Document | None:
    """The paths of one group: what kubectl looks at to learn that the server checks fields itself."""
    kinds = [each for each in RESOURCES if each.root == root]
    if not kinds:
        return None
    parameters = [
        {"name": name, "in": "query", "schema": {"type": "string"}} for name in ("fieldValidation", "dryRun")
    ]
    paths: Document = {}
    for each in kinds:
        inside = "/namespaces/{namespace}" if each.namespaced else ""
        identity = {"group": each.group, "version": each.version, "kind": each.kind}
        types = ("json-patch", "merge-patch", "strategic-merge-patch")
        content: Document = {f"application/{name}+json": {} for name in types}
        paths[f"{root}{inside}/{each.plural}/{{name}}"] = {
            "patch": {
                "parameters": parameters,
                "requestBody": {"content": content},
                "responses": {},
                "x-kubernetes-action": "patch",
                "x-kubernetes-group-version-kind": identity,
            }
        }
    info = {"title": "Kubernetes (embedded, for trying out and for tests)", "version": VERSION["gitVersion"]}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {"schemas": {}}}


def review(path: str, document: Document) -> Document | None:
    """The answer to a question about rights: everything is allowed, and it says so."""
    name = path.strip("/").rpartition("/")[2]
    if not path.startswith(f"/apis/{AUTHORIZATION}/v1/") or name not in _REVIEWS:
        return None
    if name == "selfsubjectaccessreviews":
        status: Document = {"allowed": True, "reason": "the embedded cluster enforces no rights"}
    else:
        rule = {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}
        urls = {"verbs": ["*"], "nonResourceURLs": ["*"]}
        status = {"resourceRules": [rule], "nonResourceRules": [urls], "incomplete": False}
    return {**document, "status": status}
