"""``render``: what other programs need, made from the settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jupyterhub_libretexts.cli.output import say, tell
from jupyterhub_libretexts.cli.parsers import Commands, Parser, add_files, command

if TYPE_CHECKING:
    import argparse

__all__ = ["NAME", "register", "run"]

NAME = "render"


def register(commands: Commands[Parser]) -> None:
    """Add the command."""
    made = command(
        commands,
        NAME,
        run,
        summary="print the objects that a cluster needs before the first server",
        details="Namespaces, rights, quotas and network policies, for `kubectl apply -f -` or as files:\n"
        "one for the cluster and one for each organisation.",
        examples=(
            "render manifests libretexts.yaml | kubectl apply -f -",
            "render manifests libretexts.yaml -o manifests/",
            "render manifests libretexts.yaml --calico --hub-namespace hub",
        ),
    )
    made.add_argument("what", choices=("manifests",), help="what to print")
    add_files(made)
    made.add_argument("-o", "--output", metavar="DIR", type=Path, help="write files into this folder")
    made.add_argument("--hub-namespace", default="jupyterhub", metavar="NAME", help="default: jupyterhub")
    made.add_argument("--hub-service-account", default="hub", metavar="NAME", help="default: hub")
    made.add_argument(
        "--calico", action="store_true", help="add pools of addresses and the wall, which only Calico knows"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print or write them."""
    from jupyterhub_libretexts.core.manifests import as_text, manifests
    from jupyterhub_libretexts.core.objects import HubPlace
    from jupyterhub_libretexts.settings.load import load

    hub = HubPlace(arguments.hub_namespace, arguments.hub_service_account)
    files = manifests(load(arguments.files), hub, calico=arguments.calico)
    if arguments.output is None:
        tell("".join(as_text(objects) for objects in files.values()).rstrip("\n"))
        return 0
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name, objects in files.items():
        (arguments.output / name).write_text(as_text(objects), encoding="utf8")
    say(f"{len(files)} files written to {arguments.output}")
    return 0
