"""Brings the text of a file into memory, or says why not; what the text means is decided elsewhere."""

from __future__ import annotations

import codecs
import re
from typing import TYPE_CHECKING

from jupyterhub_libretexts.errors import Place, Problem
from jupyterhub_libretexts.settings.document import LARGEST

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["text_of"]

# https://yaml.org/spec/1.2.2/#51-character-set
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SHORT_OF_A_TEXT = "a text file in UTF-8"


def text_of(path: Path) -> tuple[str | None, list[Problem]]:
    """The text of a file without its byte order mark, or what is wrong with it."""
    file = str(path)
    start = Place(file, 1, 1)
    try:
        with path.open("rb") as stream:
            content = stream.read(LARGEST + 1)
    except FileNotFoundError:
        return None, [Problem(start, "", "there is no such file", "the path of a settings file")]
    except IsADirectoryError:
        return None, [Problem(start, "", "this is a folder, not a file", "the path of a settings file")]
    except PermissionError:
        return None, [Problem(start, "", "the file may not be read by this user", "read permission")]
    except (OSError, ValueError) as problem:
        said = getattr(problem, "strerror", None) or str(problem)
        return None, [Problem(start, "", f"the file cannot be read: {said}", "the path of a settings file")]
    if len(content) > LARGEST:
        most = f"at most {LARGEST // 2**20} MiB"
        return None, [Problem(start, "", "the file is too large for settings", most)]
    return _decoded(file, content)


def _decoded(file: str, content: bytes) -> tuple[str | None, list[Problem]]:
    encoding = "utf-8-sig"
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    elif b"\0" in content:
        return None, [
            Problem(_at(file, content, content.index(b"\0")), "", "this is not text", _SHORT_OF_A_TEXT)
        ]
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as problem:
        place = _at(file, content, problem.start)
        byte = content[problem.start] if problem.start < len(content) else 0
        said = f"the byte 0x{byte:02x} is not {encoding.removesuffix('-sig').upper()}"
        return None, [Problem(place, "", said, f"{_SHORT_OF_A_TEXT}; save it as UTF-8 in the editor")]
    found = _UNPRINTABLE.search(text)
    if found is not None:
        line = text.count("\n", 0, found.start()) + 1
        column = found.start() - text.rfind("\n", 0, found.start())
        said = f"the character U+{ord(found.group()):04X} may not stand in YAML"
        return None, [Problem(Place(file, line, column), "", said, "printable text")]
    return text, []


def _at(file: str, content: bytes, offset: int) -> Place:
    """The place of a byte; its column counts characters where what stands before it is UTF-8."""
    line_start = content.rfind(b"\n", 0, offset) + 1
    before = content[line_start:offset].decode("utf-8", "replace")
    return Place(file, content.count(b"\n", 0, offset) + 1, len(before) + 1)
