"""The one list of what the document models and this version does not do yet.

``check`` names each of these that a file uses, so that nothing is silently ignored. Whoever builds
one of them takes it out of here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyterhub_libretexts.settings.overlays import walk

if TYPE_CHECKING:
    from jupyterhub_libretexts.settings.document import Scalar
    from jupyterhub_libretexts.settings.notes import Notes
    from jupyterhub_libretexts.settings.overlays import Path

__all__ = ["NOT_YET", "check", "matches"]

ANY = "*"

NOT_YET: dict[tuple[str, ...], tuple[frozenset[Scalar] | None, str]] = {
    ("hub", "url"): (None, "nothing links to it"),
    ("hub", "admins"): (
        None,
        "only the demo makes them administrators; name them in the hub's configuration",
    ),
    ("authentication", "provider"): (
        frozenset({"oidc", "google", "cilogon", "github", "lti13"}),
        "sign-in is configured in the hub's own configuration",
    ),
    ("authentication", "issuer"): (None, "sign-in is configured in the hub's own configuration"),
    ("authentication", "clientId"): (None, "sign-in is configured in the hub's own configuration"),
    ("authentication", "clientSecretEnv"): (None, "sign-in is configured in the hub's own configuration"),
    ("authentication", "clientSecretFile"): (None, "sign-in is configured in the hub's own configuration"),
    ("branding", "logo"): (None, "pages keep JupyterHub's logo"),
    ("branding", "primaryColor"): (None, "pages keep JupyterHub's colours"),
    ("branding", "supporters"): (None, "pages do not show them"),
    ("branding", "announcement"): (None, "pages do not show it"),
    ("homes", "kind"): (frozenset({"zfs"}), "a hub with homes of kind zfs does not start; use claim"),
    ("homes", "snapshots"): (None, "no snapshots are made"),
    ("organizations", ANY, "admins"): (None, "they have no rights beyond those of others"),
}
"""By path (a star stands for any name): the values that are not done (every value where nothing is
listed), and what happens instead."""


def check(notes: Notes) -> None:
    """Warn of each key that is modelled and not done, once for each kind, where it first stands."""
    told: set[tuple[str, ...]] = set()
    for path, node in walk(notes.root):
        pattern = next((known for known in NOT_YET if matches(known, path)), None)
        if pattern is None or pattern in told:
            continue
        values, sentence = NOT_YET[pattern]
        scalar = None if isinstance(node.value, (dict, list)) else node.value
        if values is None or scalar in values:
            told.add(pattern)
            notes.warn(path, f"not in this version: {sentence}")


def matches(pattern: tuple[str, ...], path: Path) -> bool:
    """Whether a path is one of those that a pattern means."""
    return len(pattern) == len(path) and all(
        part in (ANY, name) for part, name in zip(pattern, path, strict=True)
    )
