"""Lists: consistent, in pages, from the same bytes that watches send."""

from __future__ import annotations

import base64
import binascii
import json
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from .answers import bad_request, expired, version_ahead
from .reading import Query, whole_number
from .store import Entry, Store, encoded

if TYPE_CHECKING:
    from .resources import Resource
    from .selectors import Test

_SNAPSHOTS = 64
"""Lists that are being read in pages at one time; the oldest then answers 410, as after compaction."""
_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new "
    "list without the continue parameter."
)


class Listing:
    """Answers to list requests."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._snapshots: OrderedDict[str, list[Entry]] = OrderedDict()

    def page(self, resource: Resource, namespace: str | None, test: Test | None, query: Query) -> bytes:
        """The encoded list that a query asks for.

        Raises:
            ApiRefusal: A version is ahead (504) or no longer known (410), or the query makes no sense.
        """
        limit = whole_number(query, "limit")
        if query.get("continue"):
            version, start, entries = self._continued(query["continue"])
        else:
            version, start = self._version(query), 0
            entries = self._chosen(resource, namespace, test)
        end = start + limit if limit > 0 else len(entries)
        metadata: dict[str, Any] = {"resourceVersion": str(version)}
        if end < len(entries):
            metadata["continue"] = self._token(version, end, entries)
            if test is None:
                metadata["remainingItemCount"] = len(entries) - end
        head = {"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": metadata}
        items = b",".join(entry.data for entry in entries[start:end])
        return encoded(head)[:-1] + b',"items":[' + items + b"]}"

    def _chosen(self, resource: Resource, namespace: str | None, test: Test | None) -> list[Entry]:
        entries = self._store.entries(resource, namespace)
        return entries if test is None else [entry for entry in entries if test(entry.document)]

    def _version(self, query: Query) -> int:
        asked = query.get("resourceVersion", "")
        if asked and not asked.isdigit():
            raise bad_request(
                f'Invalid value: "{asked}": strconv.ParseUint: parsing "{asked}": invalid syntax'
            )
        if asked and int(asked) > self._store.version:
            raise version_ahead(int(asked), self._store.version)
        if query.get("resourceVersionMatch") == "Exact" and int(asked or 0) != self._store.version:
            raise expired("The resourceVersion for the provided list is too old.")
        return self._store.version

    def _token(self, version: int, start: int, entries: list[Entry]) -> str:
        # The whole list is kept by reference: documents are never changed in place.
        key = f"{version}.{id(entries)}"
        self._snapshots[key] = entries
        self._snapshots.move_to_end(key)
        while len(self._snapshots) > _SNAPSHOTS:
            self._snapshots.popitem(last=False)
        document = {"v": "meta.k8s.io/v1", "rv": version, "start": start, "of": key}
        return base64.urlsafe_b64encode(encoded(document)).decode().rstrip("=")

    def _continued(self, token: str) -> tuple[int, int, list[Entry]]:
        try:
            document = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
            version, start, key = int(document["rv"]), int(document["start"]), str(document["of"])
        except (ValueError, KeyError, TypeError, binascii.Error):
            raise bad_request("continue key is not valid: illegal base64 data at input byte 0") from None
        entries = self._snapshots.get(key)
        if entries is None:
            raise expired(_TOO_OLD)
        return version, start, entries

    def forget(self) -> None:
        """Drop the lists that are being read in pages: their next page answers 410."""
        self._snapshots.clear()
