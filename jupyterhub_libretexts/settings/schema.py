"""The JSON Schema by which editors complete and check the file while it is typed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.settings.models import Settings

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["schema", "schema_text", "write_schema"]

_TITLE = "Settings of a LibreTexts JupyterHub"


def schema() -> dict[str, Any]:
    """The schema, draft 2020-12 (https://json-schema.org/draft/2020-12)."""
    made = Settings.model_json_schema(by_alias=True, mode="validation")
    tidy = _tidy(made)
    tidy["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    tidy["title"] = _TITLE
    return dict(sorted(tidy.items(), key=lambda item: (not item[0].startswith("$s"), item[0] == "$defs")))


def _tidy(part: Any) -> Any:
    """Without the titles that pydantic makes from names, and with null only where something says it.

    A key whose value is null is a key not given, at every place: the schema allows it everywhere.
    """
    if isinstance(part, list):
        return [_tidy(item) for item in part]
    if not isinstance(part, dict):
        return part
    tidy: dict[str, Any] = {}
    for key, value in part.items():
        if key == "title" and isinstance(value, str):
            continue
        if key in {"properties", "$defs"}:
            tidy[key] = {name: _tidy(inner) for name, inner in value.items()}
        elif key in {"default", "examples", "enum", "const"}:
            tidy[key] = value
        else:
            tidy[key] = _tidy(value)
    # A default that is empty, or a section of defaults, says nothing that the keys do not say.
    if tidy.get("default", "") is None or isinstance(tidy.get("default"), (list, dict)):
        del tidy["default"]
    if "patternProperties" in tidy:
        tidy["additionalProperties"] = False
    return _without_null(tidy)


def _without_null(part: dict[str, Any]) -> dict[str, Any]:
    """A choice between something and null, as that something: editors then complete it."""
    options = part.get("anyOf")
    if not isinstance(options, list) or {"type": "null"} not in options:
        return part
    rest = [option for option in options if option != {"type": "null"}]
    others = {key: value for key, value in part.items() if key != "anyOf"}
    return {**rest[0], **others} if len(rest) == 1 else {**others, "anyOf": rest}


def schema_text() -> str:
    """The schema as it stands in its file."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def write_schema(path: Path) -> None:
    """Write the schema to a file."""
    path.write_text(schema_text(), encoding="utf-8")
