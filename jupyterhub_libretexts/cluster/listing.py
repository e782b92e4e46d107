"""Read a large JSON answer piece by piece, so that nothing else in the hub waits for it.

A list of 500 pods takes json.loads some 60 ms, in which the hub serves nobody. Here its elements are
decoded one at a time by the same C decoder, and the event loop gets its turn between slices.
"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

__all__ = ["Breather", "ListReader"]

SLICE_SECONDS: Final = 0.002
WHITESPACE: Final = " \t\r\n"
_decode = json.JSONDecoder().raw_decode


class Breather:
    """Lets the event loop run whenever this task has worked for longer than a slice."""

    __slots__ = ("_seconds", "_since")

    def __init__(self, seconds: float = SLICE_SECONDS) -> None:
        self._seconds = seconds
        self._since = time.monotonic()

    async def breathe(self) -> None:
        """Give way if the slice is used up."""
        if time.monotonic() - self._since > self._seconds:
            await asyncio.sleep(0)
            self._since = time.monotonic()


class ListReader:
    """A Kubernetes list in its JSON form: iterate for its items; ``metadata`` is complete afterwards.

    Raises:
        ValueError: On iteration, when the text is not one JSON object with an ``items`` array.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self.metadata: dict[str, Any] = {}

    def __iter__(self) -> Iterator[dict[str, Any]]:
        place = self._expect("{", 0)
        if self._at(place) == "}":
            return
        while True:
            key, place = _decode(self._text, self._skip(place))
            place = self._expect(":", place)
            if key == "items":
                place = yield from self._items(place)
            else:
                value, place = _decode(self._text, self._skip(place))
                if key == "metadata":
                    self.metadata = value
            if self._at(place) != ",":
                self._expect("}", place)
                return
            place = self._expect(",", place)

    def _items(self, place: int) -> Generator[dict[str, Any], None, int]:
        """Yield the elements of the array at ``place``; the generator's value is the place behind it."""
        if self._text.startswith("null", self._skip(place)):
            return self._skip(place) + 4
        place = self._expect("[", place)
        if self._at(place) == "]":
            return self._expect("]", place)
        while True:
            item, place = _decode(self._text, self._skip(place))
            yield item
            if self._at(place) != ",":
                return self._expect("]", place)
            place = self._expect(",", place)

    def _skip(self, place: int) -> int:
        text = self._text
        while place < len(text) and text[place] in WHITESPACE:
            place += 1
        return place

    def _at(self, place: int) -> str:
        place = self._skip(place)
        return self._text[place : place + 1]

    def _expect(self, mark: str, place: int) -> int:
        place = self._skip(place)
        if not self._text.startswith(mark, place):
            raise ValueError(
                f"expected {mark!r} at character {place}, found {self._text[place : place + 20]!r}"
            )
        return place + 1
