"""The page of settings, from the JSON Schema that the models publish."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.settings.models import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

__all__ = ["page", "paths"]

Schema = dict[str, Any]

INTRODUCTION = """\
# Settings

Every key of the file that an operator writes. Keys that are not listed here are refused, with the nearest
spelling; `jupyterhub-libretexts check FILE` says where. `NAME` stands for a name that you choose. Editors
complete and check the file while you type, with the JSON Schema that `jupyterhub-libretexts schema` prints.

This page is generated from the models; do not edit it.
"""
FORMATS = {
    "date": "a day, such as `2026-09-21`",
    "date-time": "a moment, such as `2026-12-05T08:00`",
    "ipv4network": "a range of IPv4 addresses",
    "ipv6network": "a range of IPv6 addresses",
}


def page() -> str:
    """The whole page."""
    schema = Settings.model_json_schema(by_alias=True)
    sections = [INTRODUCTION, section(schema, "", "The file")]
    for name, places in homes_of(schema).items():
        sections.append(section(schema, name, ", ".join(f"`{place}`" for place in places)))
    return "\n".join(sections)


def paths(schema: Schema) -> Iterator[str]:
    """Every key of the document as a dotted path."""
    yield from schema["properties"]
    for name, places in homes_of(schema).items():
        for place in places:
            yield from (f"{place}.{key}" for key in schema["$defs"][name]["properties"])


def homes_of(schema: Schema) -> dict[str, list[str]]:
    """Where in the document each model is used, in the order of the document."""
    places: dict[str, list[str]] = {}

    def visit(model: Schema, prefix: str) -> None:
        for key, value in model["properties"].items():
            for name, steps in references(value):
                place = f"{prefix}{key}{steps}"
                places.setdefault(name, []).append(place)
                visit(schema["$defs"][name], f"{place}.")

    visit(schema, "")
    return places


def references(value: Schema) -> Iterator[tuple[str, str]]:
    """The models that a value leads to, each with the steps down to it."""
    if "$ref" in value:
        yield value["$ref"].rpartition("/")[2], ""
    for part in value.get("anyOf", []):
        yield from references(part)
    if "items" in value:
        yield from ((name, f"[]{steps}") for name, steps in references(value["items"]))
    for part in value.get("patternProperties", {}).values():
        yield from ((name, f".NAME{steps}") for name, steps in references(part))


def section(schema: Schema, name: str, title: str) -> str:
    """One model: what it is, and a table of its keys."""
    model = schema["$defs"][name] if name else schema
    lines = [f"(settings-{name.lower() or 'file'})=", f"## {title}", "", model["description"], ""]
    lines += ["| key | value | default | meaning |", "| --- | --- | --- | --- |"]
    for key, value in model["properties"].items():
        default = "needed" if key in model.get("required", []) else default_of(value)
        lines.append(f"| `{key}` | {cell(kind(value))} | {default} | {cell(meaning(schema, value))} |")
    return "\n".join([*lines, ""])


def meaning(schema: Schema, value: Schema) -> str:
    """What a key is for; the model's own words where the key adds none to them."""
    if "description" in value or "$ref" not in value:
        return str(value.get("description", ""))
    return str(schema["$defs"][value["$ref"].rpartition("/")[2]]["description"])


def cell(words: str) -> str:
    """Text that cannot end a table's cell."""
    return words.replace("|", "\\|").replace("\n", " ")


def default_of(value: Schema) -> str:
    """What counts where a key is left out."""
    default = value.get("default")
    if default is None or default in ([], {}) or isinstance(default, dict):
        return ""
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


def kind(value: Mapping[str, Any]) -> str:
    """What may stand there, in words."""
    if "$ref" in value:
        return f"[keys](#settings-{value['$ref'].rpartition('/')[2].lower()})"
    if "anyOf" in value:
        parts = (kind(part) for part in value["anyOf"] if part.get("type") != "null")
        return " or ".join(dict.fromkeys(parts))
    if exact := value.get("enum", [value["const"]] if "const" in value else []):
        return " · ".join(f"`{option}`" for option in exact)
    if "examples" in value:
        return "such as " + ", ".join(f"`{example}`" for example in value["examples"])
    return KINDS.get(value.get("type", ""), text)(value)


def text(value: Mapping[str, Any]) -> str:
    """Text, by its form or its length."""
    longest = f"text, up to {value['maxLength']} characters" if "maxLength" in value else "text"
    return FORMATS.get(value.get("format", ""), longest)


def mapping(value: Mapping[str, Any]) -> str:
    """A mapping, by what its values are."""
    inner = [*value.get("patternProperties", {}).values()]
    if isinstance(value.get("additionalProperties"), dict):
        inner.append(value["additionalProperties"])
    return "`NAME:` " + (" or ".join(kind(part) for part in inner) if inner else "anything")


def numbers(word: str, value: Mapping[str, Any]) -> str:
    """A number with its bounds."""
    low, high = value.get("minimum"), value.get("maximum")
    if low is not None and high is not None:
        return f"{word}, {low} to {high}"
    return f"{word}, at least {low}" if low is not None else word


KINDS: dict[str, Callable[[Mapping[str, Any]], str]] = {
    "array": lambda value: f"list: {kind(value['items'])}",
    "boolean": lambda _: "`true` · `false`",
    "integer": lambda value: numbers("whole number", value),
    "number": lambda value: numbers("number", value),
    "object": mapping,
}
