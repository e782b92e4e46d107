"""Turns the ``profileList`` of a Zero to JupyterHub configuration into a document of ours.

What a profile says about its pod goes to the key that means the same; what has none is listed with
what to do about it. KubeSpawner's documentation says what the keys of an override mean
(https://jupyterhub-kubespawner.readthedocs.io/en/latest/spawner.html).
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.errors import Place, Problem, SettingsError
from jupyterhub_libretexts.settings.document import tree
from jupyterhub_libretexts.settings.load import load_text
from jupyterhub_libretexts.settings.overlays import plain
from jupyterhub_libretexts.settings.overrides import Carried
from jupyterhub_libretexts.settings.writing import written

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Imported", "imported"]

ORGANIZATION = "everyone"
_HEAD = """\
# yaml-language-server: $schema=libretexts.schema.json
# Made from a profileList. Say who belongs to the organisation before anybody can start a server:
# organizations.everyone.members, for example [{emailDomain: example.edu}].
"""
_TAG = re.compile(r"<[^<>]*>")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ROUNDS = 50


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a list of profiles."""

    document: str
    """A document that loads."""
    left_out: tuple[str, ...]
    """What it could not carry, each with what to do."""


def imported(text: str, file: str = "values.yaml") -> Imported:
    """A document from the text of a values file, or of a plain list of profiles.

    Args:
        text: YAML.
        file: Its name, for messages.

    Raises:
        SettingsError: The text is not YAML, or holds no profiles.
    """
    root, problems = tree(file, text)
    if root is None or problems:
        raise SettingsError(tuple(problems))
    profiles, singleuser = _profiles(plain(root))
    if not profiles:
        place = Place(file, 1, 1)
        message = "no profiles were found"
        raise SettingsError((Problem(place, "", message, "singleuser.profileList, or a list of profiles"),))
    left_out: list[str] = []
    document = _document(profiles, singleuser, left_out)
    return _loadable(document, left_out)


def _profiles(data: Any) -> tuple[list[Mapping[str, Any]], Mapping[str, Any]]:
    """The profiles, and what the chart says of all servers."""
    singleuser: Mapping[str, Any] = {}
    if isinstance(data, dict):
        data = data.get("jupyterhub", data) if isinstance(data.get("jupyterhub", data), dict) else data
        found = data.get("singleuser")
        singleuser = found if isinstance(found, dict) else {}
        hub = data.get("hub") if isinstance(data.get("hub"), dict) else {}
        config = hub.get("config") if isinstance(hub, dict) else None
        spawner = config.get("KubeSpawner") if isinstance(config, dict) else None
        of_hub = spawner.get("profile_list") if isinstance(spawner, dict) else None
        data = singleuser.get("profileList") or of_hub or data.get("profileList")
    if isinstance(data, dict):
        data = list(data.values())
    if not isinstance(data, list):
        return [], singleuser
    return [profile for profile in data if isinstance(profile, dict)], singleuser


def _document(
    profiles: list[Mapping[str, Any]], singleuser: Mapping[str, Any], left_out: list[str]
) -> dict[str, Any]:
    carried = Carried(singleuser, left_out)
    environments: dict[str, Any] = {}
    for profile in profiles:
        title = _line(profile.get("display_name")) or "Environment"
        where = f"profile {title!r}"
        known = {"display_name", "description", "slug", "default", "kubespawner_override", "profile_options"}
        left_out.extend(f"{where}: {key} has no counterpart" for key in profile if key not in known)
        override = profile.get("kubespawner_override")
        environment = carried.environment(where, override if isinstance(override, dict) else {})
        environment = {"title": title, **environment}
        description = _line(profile.get("description"), 1000)
        if description:
            environment["description"] = description
        options = profile.get("profile_options")
        left_out.extend(
            f"{where}: the option {option!r}; sizes and gpus are chosen by their own keys, "
            "and another image is another environment"
            for option in (options if isinstance(options, dict) else ())
        )
        name = _name(profile.get("slug") or title, environments)
        environments[name] = environment
    organization: dict[str, Any] = {"title": "Everyone", "members": [], "environments": list(environments)}
    if carried.gpus:
        organization["gpus"] = {flavour: {"total": 0} for flavour in carried.gpus}
        left_out.append(
            f"organizations.{ORGANIZATION}.gpus: profiles do not say how many GPUs there are; the share is 0"
        )
    left_out.append(f"organizations.{ORGANIZATION}.members: who may enter; nobody can until a rule says so")
    return {
        "organizations": {ORGANIZATION: organization},
        "environments": environments,
        "sizes": carried.sizes,
        **({"gpus": carried.gpus} if carried.gpus else {}),
    }


def _line(value: object, longest: int = 200) -> str:
    """One line of plain text from what may hold markup."""
    text = html.unescape(_TAG.sub(" ", value)) if isinstance(value, str) else ""
    return " ".join(_CONTROL.sub(" ", text).split())[:longest].strip()


def _name(value: object, taken: Mapping[str, Any]) -> str:
    """An identifier that is not taken."""
    text = re.sub(r"[^a-z0-9]+", "-", str(value).casefold()).strip("-")[:55].strip("-") or "environment"
    name, count = text, 2
    while name in taken:
        name, count = f"{text}-{count}", count + 1
    return name


def _loadable(document: dict[str, Any], left_out: list[str]) -> Imported:
    """The document without what our own checks refuse, which is said."""
    for _ in range(_ROUNDS):
        text = _HEAD + written(document)
        try:
            load_text(text)
        except SettingsError as error:
            removed = [_taken_out(document, problem.key) for problem in error.problems]
            left_out += [
                str(problem).partition(": ")[2]
                for problem, gone in zip(error.problems, removed, strict=True)
                if gone
            ]
            if not any(removed):
                raise
        else:
            return Imported(text, tuple(dict.fromkeys(left_out)))
    message = "no document could be made of these profiles"
    raise SettingsError((Problem(Place("profiles", 1, 1), "", message),))


def _taken_out(document: dict[str, Any], dotted_key: str) -> bool:
    """Remove what a problem is about: a key below an entry, or the entry where it cannot do without."""
    holder: Any = document
    rest = dotted_key
    trail: list[str] = []
    while rest and isinstance(holder, dict):
        # Keys may hold dots themselves (labels do), so the longest that fits is meant.
        fitting = [key for key in holder if rest == key or rest.startswith(f"{key}.")]
        if not fitting:
            break
        trail.append(max(fitting, key=len))
        rest = rest[len(trail[-1]) + 1 :]
        holder = holder[trail[-1]]
    if len(trail) < _ENTRY or (rest and isinstance(holder, dict) and len(trail) > _ENTRY):
        # Nothing stands there any more: it went with another problem of the same round.
        return False
    if trail[-1] in {"title", "image", "sizes"} or len(trail) == _ENTRY or trail[0] == "sizes":
        _forget(document, trail[0], trail[1])
        return True
    holder = document
    for key in trail[:-1]:
        holder = holder[key]
    del holder[trail[-1]]
    return True


def _forget(document: dict[str, Any], section: str, name: str) -> None:
    """Remove an entry, and its name where it is listed."""
    del document[section][name]
    if section == "environments":
        for organization in document["organizations"].values():
            organization["environments"] = [entry for entry in organization["environments"] if entry != name]
    if section in {"sizes", "gpus"}:
        for environment in document["environments"].values():
            if name in environment.get(section, ()):
                environment[section] = [entry for entry in environment[section] if entry != name]
    if section == "gpus":
        for organization in document["organizations"].values():
            organization.get("gpus", {}).pop(name, None)


_ENTRY = 2
"""Keys from the top down to an entry: its section and its name."""
