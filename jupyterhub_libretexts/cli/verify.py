"""``verify``: whether the cluster really is as the settings say, tried and not assumed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.cli.output import paint, say, tell
from jupyterhub_libretexts.cli.parsers import Commands, Parser, add_files, command
from jupyterhub_libretexts.cli.place import add_place, place_of
from jupyterhub_libretexts.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from jupyterhub_libretexts.cli.output import Paint
    from jupyterhub_libretexts.cluster.isolation import Wanted
    from jupyterhub_libretexts.core.changes import Change
    from jupyterhub_libretexts.core.objects import HubPlace, Manifest
    from jupyterhub_libretexts.core.reach import Cell, Target
    from jupyterhub_libretexts.settings.models import Settings

__all__ = ["NAME", "register", "run", "table"]

NAME = "verify"
_INTERNET, _INTERNET_IPV6 = "1.1.1.1:443", "[2606:4700:4700::1111]:443"
_METADATA = "169.254.169.254:80"
_NFS = 2049
_LARGEST_PORT = 65535
_COLUMNS = (
    "hub",
    "hub by its name",
    "proxy",
    "names",
    "nodes",
    "its node over IPv6",
    "API server",
    "internet",
    "metadata",
    "storage",
)


def register(commands: Commands[Parser]) -> None:
    """Add the command."""
    made = command(
        commands,
        NAME,
        run,
        summary="try in the cluster who reaches whom, and compare its objects with the settings",
        details="Starts short-lived pods that stand for servers of each organisation, for the hub, the\n"
        "proxy and a stranger, on two nodes where there are two, and prints who must reach whom and who\n"
        "did. What is refused counts only where a pod without policies reached the same target: else\n"
        "it is not proved. Then every object that differs from the settings is named. The pods run\n"
        "python3 in the organisation's own image and are gone at the end. Uses the cluster that kubectl\n"
        "would use. Exit status: 0 all as it must be, 1 any difference or anything not proved.",
        examples=(
            "verify networks libretexts.yaml",
            "verify networks libretexts.yaml --without metadata --organization ucdavis",
            "verify networks libretexts.yaml --rights | kubectl apply -f -",
        ),
    )
    made.add_argument("what", choices=("networks",), help="what to verify")
    add_files(made)
    made.add_argument(
        "--organization", action="append", default=[], metavar="NAME", help="only these; repeatable"
    )
    made.add_argument("--image", metavar="IMAGE", help="an image with python3 for the probes")
    made.add_argument("--hub-service", default="hub", metavar="NAME", help="the hub's Service (default: hub)")
    made.add_argument(
        "--internet", default=_INTERNET, metavar="ADDRESS:PORT", help="a public target (default: %(default)s)"
    )
    made.add_argument(
        "--internet-ipv6",
        default=_INTERNET_IPV6,
        metavar="[ADDRESS]:PORT",
        help="one of IPv6, tried where servers have addresses of it (default: %(default)s)",
    )
    made.add_argument(
        "--metadata", default=_METADATA, metavar="ADDRESS:PORT", help="the metadata service (%(default)s)"
    )
    made.add_argument(
        "--storage",
        action="append",
        default=[],
        metavar="ADDRESS:PORT",
        help=f"a storage server; by default port {_NFS} of each single address in cluster.storage",
    )
    made.add_argument(
        "--also",
        action="append",
        default=[],
        metavar="ADDRESS:PORT",
        help="a further target that listens, for example in a range of `reach`; repeatable",
    )
    made.add_argument(
        "--without",
        action="append",
        default=[],
        metavar="COLUMN",
        help=f"leave out what this cluster does not have ({', '.join(_COLUMNS)}); repeatable",
    )
    made.add_argument(
        "--objects", action="store_true", help="compare objects only; starts no pod, sends no packet"
    )
    made.add_argument(
        "--timeout",
        type=float,
        default=180.0,
        metavar="SECONDS",
        help="for the probes to start and to end, each (default: 180)",
    )
    made.add_argument(
        "--seconds",
        type=float,
        default=6.0,
        metavar="SECONDS",
        help="how long a probe keeps trying what it does not reach (default: 6)",
    )
    made.add_argument("--rights", action="store_true", help="print the rights that this command needs")
    made.add_argument(
        "--format", choices=("text", "json"), default="text", help="how to print (default: text)"
    )
    add_place(made)


def run(arguments: argparse.Namespace) -> int:
    """Verify, and print what was found."""
    from jupyterhub_libretexts.core.manifests import manifests
    from jupyterhub_libretexts.settings.load import load

    settings = load(arguments.files)
    hub = place_of(arguments)
    files = manifests(settings, hub, cluster_wide=arguments.cluster_wide)
    objects = [item for made in files.values() for item in made]
    if arguments.rights:
        return _rights(settings, hub, objects)
    wanted = _wanted(arguments, settings, hub)
    import asyncio

    found, drift = asyncio.run(_verified(settings, wanted, objects, only_objects=arguments.objects))
    if arguments.format == "json":
        import json

        tell(json.dumps({"cells": [_data(cell) for cell in found], "objects": _objects(drift)}, indent=2))
    else:
        for line in (*table(found, paint()), *_drift(drift)):
            tell(line)
    wrong = sum(not cell.right for cell in found)
    say(f"{len(found)} cells, {wrong} wrong or not proved; {len(drift)} objects differ")
    return 1 if wrong or drift else 0


async def _verified(
    settings: Settings, wanted: Wanted, objects: list[Manifest], *, only_objects: bool
) -> tuple[tuple[Cell, ...], tuple[Change, ...]]:
    from jupyterhub_libretexts.cluster.connection import Connection
    from jupyterhub_libretexts.cluster.isolation import measure
    from jupyterhub_libretexts.cluster.live import ours
    from jupyterhub_libretexts.core.changes import changes
    from jupyterhub_libretexts.core.reach import cells

    async with Connection() as connection:
        drift = changes(await ours(objects, connection), objects)
        if only_objects:
            return (), drift
        return cells(settings, await measure(connection, settings, wanted, say)), drift


def _rights(settings: Settings, hub: HubPlace, objects: Iterable[Manifest]) -> int:
    from jupyterhub_libretexts.cluster.live import compared
    from jupyterhub_libretexts.core.manifests import as_text
    from jupyterhub_libretexts.core.verifier import rights

    tell(as_text(rights(settings, hub, compared(objects))).rstrip("\n"))
    return 0


def _wanted(arguments: argparse.Namespace, settings: Settings, hub: HubPlace) -> Wanted:
    from jupyterhub_libretexts.cluster.isolation import Wanted

    for name in arguments.organization:
        if name not in settings.organizations:
            known = ", ".join(settings.organizations)
            raise UsageError(f"verify: --organization {name}: there is none; the settings have {known}")
    for name in arguments.without:
        if name not in _COLUMNS:
            raise UsageError(f"verify: --without {name}: write one of {', '.join(_COLUMNS)}")
    organizations = tuple(arguments.organization) or tuple(settings.organizations)
    if not organizations and not arguments.objects:
        raise UsageError("verify: the settings have no organisation, so there is nothing to try")
    storage = arguments.storage or [
        f"[{item.network_address}]:{_NFS}" if item.version == 6 else f"{item.network_address}:{_NFS}"  # noqa: PLR2004
        for item in settings.cluster.storage
        if item.num_addresses == 1
    ]
    if settings.cluster.storage and not storage and "storage" not in arguments.without:
        raise UsageError(
            "verify: cluster.storage names ranges; say with --storage ADDRESS:PORT what listens there, or "
            "--without storage"
        )
    return Wanted(
        hub=hub,
        organizations=organizations,
        outside=(
            _target("internet", arguments.internet),
            _target("metadata", arguments.metadata),
            *(_target("storage", item) for item in storage),
            *(_target(item, item) for item in arguments.also),
        ),
        outside_ipv6=(_target("internet over IPv6", arguments.internet_ipv6),),
        hub_service=arguments.hub_service,
        image=arguments.image,
        seconds=arguments.seconds,
        timeout=arguments.timeout,
        without=frozenset(arguments.without),
    )


def _target(column: str, written: str) -> Target:
    from ipaddress import ip_address

    from jupyterhub_libretexts.core.reach import Target

    address, _, port = written.rpartition(":")
    address = address.removeprefix("[").removesuffix("]")
    try:
        ip_address(address)
        number = int(port)
    except ValueError:
        number = 0
    if not 0 < number <= _LARGEST_PORT:
        raise UsageError(f"verify: {written}: write ADDRESS:PORT, for example 192.0.2.1:443")
    return Target(column, address, number)


def table(found: Sequence[Cell], colours: Paint) -> Iterable[str]:
    """The matrix, one line for each cell, and below each wrong one what went against it."""
    head = ("from", "to", "expected", "measured", "tries", "across nodes")
    rows = [
        (
            cell.row,
            cell.column,
            _word(cell.expected),
            _word(cell.measured) if cell.proved or cell.expected else "not proved",
            str(cell.attempts),
            str(cell.across_nodes),
        )
        for cell in found
    ]
    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    yield colours.bold(_line(head, widths))
    for cell, row in zip(found, rows, strict=True):
        line = _line(row, widths)
        yield colours.good(line) if cell.right else colours.bad(f"{line}  ← wrong")
        if not cell.right:
            yield from (f"    {told}" for told in cell.against)
            if not cell.proved and not cell.expected:
                yield "    no pod without policies reached it either, so nothing is known; --without it"


def _line(words: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(word.ljust(width) for word, width in zip(words, widths, strict=True)).rstrip()


def _word(reached: bool | None) -> str:
    return {True: "allowed", False: "refused", None: "both"}[reached]


def _drift(found: Sequence[Change]) -> Iterable[str]:
    words = {"made": "missing", "changed": "differs", "removed": "left over", "kept": "left over"}
    for change in found:
        yield f"{words[change.what.value]}: {change.reference}"
        yield from (f"    {detail}" for detail in change.details)


def _objects(found: Sequence[Change]) -> list[dict[str, Any]]:
    return [
        {
            "what": change.what.value,
            "kind": change.reference.kind,
            "name": change.reference.name,
            "namespace": change.reference.namespace,
            "details": list(change.details),
        }
        for change in found
    ]


def _data(cell: Cell) -> dict[str, Any]:
    return {
        "from": cell.row,
        "to": cell.column,
        "expected": _word(cell.expected),
        "measured": _word(cell.measured),
        "proved": cell.proved or cell.expected,
        "right": cell.right,
        "tries": cell.attempts,
        "acrossNodes": cell.across_nodes,
        "against": list(cell.against),
    }
