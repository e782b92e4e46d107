"""The three patches of the API: JSON patch, merge patch and strategic merge patch.

Each function returns a new document and leaves its arguments alone.
"""

from __future__ import annotations

import copy
from typing import Any

from .answers import bad_request
from .fields import Type, struct_fields

Document = dict[str, Any]


def merged(document: Any, patch: Any) -> Any:
    """JSON merge patch (RFC 7386)."""
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = dict(document) if isinstance(document, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def json_patched(document: Document, operations: list[Document]) -> Document:
    """JSON patch (RFC 6902).

    Raises:
        ApiRefusal: An operation cannot be carried out.
    """
    if not isinstance(operations, list):
        raise bad_request(
            "error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch"
        )
    result = copy.deepcopy(document)
    for operation in operations:
        _apply(result, operation)
    return result


def _apply(result: Document, operation: Document) -> None:
    kind, path = operation.get("op"), str(operation.get("path", ""))
    match kind:
        case "add" | "replace":
            _put(result, path, copy.deepcopy(operation.get("value")), replace=kind == "replace")
        case "remove":
            _take(result, path)
        case "test":
            if _look(result, path) != operation.get("value"):
                raise _failed("testing value", path, "test failed")
        case "move":
            _put(result, path, _take(result, str(operation.get("from"))))
        case "copy":
            _put(result, path, copy.deepcopy(_look(result, str(operation.get("from")))))
        case _:
            raise bad_request(f"Unexpected kind: {kind}")


def _failed(what: str, path: str, why: str) -> Exception:
    refusal = bad_request("the server rejected our request due to an error in our request")
    refusal.status |= {"reason": "Invalid", "code": 422, "message": f"{what} {path} failed: {why}"}
    refusal.code = 422
    return refusal


def _steps(path: str) -> list[str]:
    return [step.replace("~1", "/").replace("~0", "~") for step in path.split("/")[1:]]


def _parent(result: Any, path: str) -> tuple[Any, str]:
    *steps, last = _steps(path) or [""]
    for step in steps:
        result = _child(result, step, path)
    return result, last


def _child(holder: Any, step: str, path: str) -> Any:
    try:
        return holder[int(step)] if isinstance(holder, list) else holder[step]
    except (KeyError, IndexError, ValueError, TypeError):
        raise _failed("doc is missing path:", path, "missing value") from None


def _look(result: Any, path: str) -> Any:
    holder, last = _parent(result, path)
    return _child(holder, last, path)


def _put(result: Any, path: str, value: Any, *, replace: bool = False) -> None:
    holder, last = _parent(result, path)
    if replace:
        _child(holder, last, path)
    if isinstance(holder, list):
        if last == "-":
            holder.append(value)
        elif last.isdigit() and int(last) <= len(holder):
            if replace:
                holder[int(last)] = value
            else:
                holder.insert(int(last), value)
        else:
            raise _failed("add operation does not apply: doc is missing path:", path, "missing value")
    elif isinstance(holder, dict):
        holder[last] = value
    else:
        raise _failed("add operation does not apply: doc is missing path:", path, "missing value")


def _take(result: Any, path: str) -> Any:
    holder, last = _parent(result, path)
    value = _child(holder, last, path)
    del holder[int(last) if isinstance(holder, list) else last]
    return value


def strategically_merged(document: Any, patch: Any, struct: str) -> Any:
    """Strategic merge patch: lists of things with a key are merged by it.

    Raises:
        ApiRefusal: A directive is unknown, or an element lacks its key.
    """
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    directive = patch.get("$patch")
    if directive == "replace":
        return {key: copy.deepcopy(value) for key, value in patch.items() if key != "$patch"}
    if directive == "delete":
        return {}
    kept = patch.get("$retainKeys")
    source = document if isinstance(document, dict) else {}
    result = {key: value for key, value in source.items() if kept is None or key in kept}
    fields = struct_fields(struct) if struct else {}
    for key, value in patch.items():
        if key.startswith(("$deleteFromPrimitiveList/", "$setElementOrder/")):
            _directive(result, key, value)
        elif key.startswith("$"):
            continue
        elif value is None:
            result.pop(key, None)
        else:
            result[key] = _strategic_value(result.get(key), value, fields.get(key))
    for key, value in patch.items():
        if key.startswith("$setElementOrder/"):
            _reorder(result, key.partition("/")[2], value, fields)
    return result


def _strategic_value(old: Any, value: Any, kind: Type | None) -> Any:
    if isinstance(value, list) and kind is not None and kind.merged and kind.items is not None:
        if any(isinstance(item, dict) and item.get("$patch") == "replace" for item in value):
            return [copy.deepcopy(item) for item in value if item.get("$patch") != "replace"]
        if not kind.merge_key:
            return list(dict.fromkeys([*(old or []), *value]))
        return _merge_by_key(old or [], value, kind.merge_key, kind.items.struct)
    if isinstance(value, dict):
        return strategically_merged(old, value, kind.struct if kind else "")
    return copy.deepcopy(value)


def _merge_by_key(old: list[Document], patch: list[Document], key: str, struct: str) -> list[Document]:
    result = list(old)
    for item in patch:
        if key not in item:
            raise bad_request(f"map: {item} does not contain declared merge key: {key}")
        position = next((at for at, each in enumerate(result) if each.get(key) == item[key]), None)
        if item.get("$patch") == "delete":
            result = [each for each in result if each.get(key) != item[key]]
        elif position is None:
            result.append(strategically_merged({}, item, struct))
        else:
            result[position] = strategically_merged(result[position], item, struct)
    return result


def _directive(result: Document, key: str, value: list[Any]) -> None:
    word, _, name = key.partition("/")
    if word == "$deleteFromPrimitiveList" and isinstance(result.get(name), list):
        result[name] = [item for item in result[name] if item not in value]


def _reorder(result: Document, name: str, order: list[Any], fields: dict[str, Type]) -> None:
    items = result.get(name)
    if not isinstance(items, list):
        return
    key = fields[name].merge_key if name in fields else ""
    wanted = [item[key] if key else item for item in order]
    place = {value: at for at, value in enumerate(wanted)}
    result[name] = sorted(items, key=lambda item: place.get(item.get(key) if key else item, len(place)))
