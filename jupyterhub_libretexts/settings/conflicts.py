"""Finds what two levels that meet in one server set differently, before anybody starts that server.

Organisation, environment, course, GPU and homes meet as the catalogue lets them meet; the plan
refuses the same conflicts at a start.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from jupyterhub_libretexts.settings.overlays import Path, dotted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jupyterhub_libretexts.settings.models import ServerRules, Settings
    from jupyterhub_libretexts.settings.notes import Notes

__all__ = ["check"]

Key = tuple[str, str]
"""What is set: a kind (variable, mount path, node label) and its name."""
Facts = "Mapping[Key, tuple[object, Path]]"

_SHARED_MEMORY = "/dev/shm"  # noqa: S108 (a mount in the pod)


def check(notes: Notes, settings: Settings) -> None:
    """Note every key that two levels of one server set differently."""
    known: dict[Path, Mapping[Key, tuple[object, Path]]] = {}
    for path, rules in _levels(settings):
        known[path] = _of_rules(notes, path, rules)
    for name, gpu in settings.gpus.items():
        labels = {
            ("node label", key): (value, ("gpus", name, "nodeLabels", key))
            for key, value in gpu.node_labels.items()
        }
        memory = (
            {("path", _SHARED_MEMORY): ("shm", ("gpus", name, "sharedMemory"))} if gpu.shared_memory else {}
        )
        known["gpus", name] = {**labels, **memory}
    known["homes",] = {("path", settings.homes.mount): ("home", ("homes", "mount"))}
    pairs = dict.fromkeys(pair for meeting in _meetings(settings) for pair in combinations(meeting, 2))
    for first, second in pairs:
        _compare(notes, known.get(first, {}), known.get(second, {}), first)


def _levels(settings: Settings) -> Iterator[tuple[Path, ServerRules]]:
    for name, organization in settings.organizations.items():
        yield ("organizations", name), organization
    for name, environment in settings.environments.items():
        yield ("environments", name), environment
    for name, course in settings.courses.items():
        yield ("courses", name), course


def _meetings(settings: Settings) -> Iterator[list[Path]]:
    """The levels of each server that can be, the most specific last."""
    listed = [
        (name, environment, None)
        for name, organization in settings.organizations.items()
        for environment in organization.environments
    ]
    courses = [
        (name.partition("/")[0], course.environment, name) for name, course in settings.courses.items()
    ]
    for name, environment, course_name in [*listed, *courses]:
        of_environment = settings.environments.get(environment)
        organization = settings.organizations.get(name)
        if of_environment is None or organization is None:
            continue
        meeting: list[Path] = [("homes",), ("organizations", name), ("environments", environment)]
        narrow = [of_environment.gpus]
        if course_name is not None:
            meeting.append(("courses", course_name))
            narrow.append(settings.courses[course_name].gpus)
        flavours = [
            f for f in organization.gpus if all(allowed is None or f in allowed for allowed in narrow)
        ]
        yield meeting
        # A server has one GPU, so flavours meet the levels and never each other.
        for flavour in flavours:
            yield [*meeting, ("gpus", flavour)]


def _of_rules(notes: Notes, path: Path, rules: ServerRules) -> dict[Key, tuple[object, Path]]:
    """What one level sets; what it sets twice is noted."""
    facts: dict[Key, tuple[object, Path]] = {}
    for key, value, where in _settings_of(path, rules):
        if key in facts:
            kind, name = key
            notes.wrong(
                where, f"the {kind} {name!r} is set twice here; first at {dotted(facts[key][1])}", "once"
            )
        else:
            facts[key] = value, where
    return facts


def _settings_of(path: Path, rules: ServerRules) -> Iterator[tuple[Key, object, Path]]:
    for name, value in rules.variables.items():
        yield ("variable", name), value, (*path, "variables", name)
    for position, secret in enumerate(rules.secrets):
        here = (*path, "secrets", position)
        if secret.variable is not None:
            yield ("variable", secret.variable), ("secret", secret.secret, secret.key), (*here, "variable")
        if secret.path is not None:
            yield ("path", secret.path.rstrip("/")), ("secret", secret.secret), (*here, "path")
    for position, data in enumerate(rules.data):
        source = ("data", data.claim, data.config_map, data.sub_path)
        yield ("path", data.path.rstrip("/")), source, (*path, "data", position, "path")
    for key, value in rules.node_labels.items():
        yield ("node label", key), value, (*path, "nodeLabels", key)


def _compare(
    notes: Notes,
    first: Mapping[Key, tuple[object, Path]],
    second: Mapping[Key, tuple[object, Path]],
    owner: Path,
) -> None:
    for key in _both(first, second):
        if first[key][0] != second[key][0]:
            kind, name = key
            notes.wrong(
                second[key][1],
                f"the {kind} {name!r} is set differently by {dotted(owner)} (at {dotted(first[key][1])}), "
                "and the two meet in one server",
                "one of the two, or the same value",
            )


def _both(first: Mapping[Key, object], second: Mapping[Key, object]) -> Iterable[Key]:
    small, large = sorted((first, second), key=len)
    return [key for key in small if key in large]
