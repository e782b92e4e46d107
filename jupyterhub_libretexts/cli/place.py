"""Where the hub runs, as the commands that render and verify take it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyterhub_libretexts.errors import UsageError

if TYPE_CHECKING:
    import argparse

    from jupyterhub_libretexts.cli.parsers import Parser
    from jupyterhub_libretexts.core.objects import HubPlace

__all__ = ["add_place", "place_of"]


def add_place(made: Parser) -> None:
    """Add the options; their defaults are those of Zero to JupyterHub in a namespace `jupyterhub`."""
    where = made.add_argument_group("where the hub runs")
    where.add_argument("--hub-namespace", default="jupyterhub", metavar="NAME", help="default: jupyterhub")
    where.add_argument("--hub-service-account", default="hub", metavar="NAME", help="default: hub")
    where.add_argument(
        "--hub-labels",
        default="app=jupyterhub,component=hub",
        metavar="KEY=VALUE,…",
        help="labels of the hub's pod (default: %(default)s)",
    )
    where.add_argument(
        "--proxy-labels",
        default="app=jupyterhub,component=proxy",
        metavar="KEY=VALUE,…",
        help="labels of the proxy's pod (default: %(default)s)",
    )
    where.add_argument(
        "--namespaced-rights",
        dest="cluster_wide",
        action="store_false",
        help="give the hub no right beyond its organisations' namespaces: it watches each by itself, and "
        "knows no totals of GPUs but those in the settings",
    )


def place_of(arguments: argparse.Namespace) -> HubPlace:
    """The place that was typed.

    Raises:
        UsageError: Labels are none.
    """
    from jupyterhub_libretexts.core.objects import HubPlace

    return HubPlace(
        namespace=arguments.hub_namespace,
        service_account=arguments.hub_service_account,
        hub_labels=_labels("--hub-labels", arguments.hub_labels),
        proxy_labels=_labels("--proxy-labels", arguments.proxy_labels),
    )


def _labels(option: str, written: str) -> tuple[tuple[str, str], ...]:
    pairs = [part.partition("=") for part in written.split(",")]
    if not all(key and separator and value for key, separator, value in pairs):
        raise UsageError(f"{option} {written}: write KEY=VALUE, several with commas between them")
    return tuple((key.strip(), value.strip()) for key, _, value in pairs)
