"""Make ``jupyterhub_libretexts/demo/cluster/fields.json`` from the published schemas of Kubernetes.

Run as ``python tests/demo/make_fields.py``. The test beside it makes the table again and compares.
"""

from __future__ import annotations

import importlib.resources
import json
from pathlib import Path
from typing import Any

from jupyterhub_libretexts.demo.cluster.resources import RESOURCES

SCHEMAS = "kubernetes-json-schema/v1.36.0-local/_definitions.json"
TARGET = Path(__file__).parents[2] / "jupyterhub_libretexts/demo/cluster/fields.json"
LEAVES = {"Quantity": "Quantity", "IntOrString": "IntOrString", "Time": "Time", "MicroTime": "MicroTime"}
FREE = {"FieldsV1", "RawExtension"}


def definitions() -> dict[str, Any]:
    """The schemas that the validation package ships."""
    text = importlib.resources.files("kubernetes_validate").joinpath(SCHEMAS).read_text()
    return json.loads(text)["$defs"]


def name_of(reference: str) -> str:
    """The short name of a type."""
    return reference.rsplit(".", 1)[-1]


def notation(schema: dict[str, Any]) -> str:
    """One field's type as the table writes it."""
    if "$ref" in schema:
        name = name_of(schema["$ref"])
        return LEAVES.get(name, "any" if name in FREE else name)
    kinds = schema.get("type", "object")
    kind = next(each for each in ([kinds] if isinstance(kinds, str) else kinds) if each != "null")
    if kind == "array":
        merged = "merge" in schema.get("x-kubernetes-patch-strategy", "")
        mark = " merge " + schema.get("x-kubernetes-patch-merge-key", "") if merged else ""
        return "[]" + notation(schema["items"]) + mark.rstrip()
    if kind == "object":
        inner = schema.get("additionalProperties")
        return "map[string]" + notation(inner) if isinstance(inner, dict) else "any"
    if kind == "integer":
        return schema.get("format", "int32")
    if kind == "string" and schema.get("format") == "byte":
        return "[]byte"
    return {"boolean": "bool", "number": "float64"}.get(kind, kind)


def table() -> dict[str, dict[str, str]]:
    """Every type reachable from the kinds that the cluster serves."""
    source = definitions()
    by_name: dict[str, list[str]] = {}
    for full in source:
        by_name.setdefault(name_of(full), []).append(full)
    wanted = [resource.schema for resource in RESOURCES] + [
        "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"
    ]
    found: dict[str, dict[str, str]] = {}
    origin: dict[str, str] = {}
    while wanted:
        full = wanted.pop()
        short = name_of(full)
        if short in LEAVES or short in FREE:
            continue
        if origin.setdefault(short, full) != full:
            raise SystemExit(f"two types are called {short}: {full} and {origin[short]}")
        if short in found:
            continue
        properties = source[full].get("properties", {})
        found[short] = {field: notation(schema) for field, schema in sorted(properties.items())}
        text = json.dumps(source[full])
        wanted += [part.split('"')[0] for part in text.split("#/$defs/")[1:]]
    return dict(sorted(found.items()))


def rendered() -> str:
    """The text of the file: one type a line, so that a change of version reads well."""
    lines = [f"{json.dumps(name)}: {json.dumps(fields)}" for name, fields in table().items()]
    return "{\n" + ",\n".join(lines) + "\n}\n"


if __name__ == "__main__":
    TARGET.write_text(rendered())
