"""Checks that shares of GPUs can be had, and that together they are not more than there is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyterhub_libretexts.settings.models import Gpu, GpuShare, Organization, Settings
    from jupyterhub_libretexts.settings.notes import Notes
    from jupyterhub_libretexts.settings.overlays import Path

__all__ = ["check"]


def check(notes: Notes, settings: Settings) -> None:
    """Note shares that cannot be had and GPUs that nobody can use."""
    for flavour, gpu in settings.gpus.items():
        shares = {
            name: organization.gpus[flavour].total
            for name, organization in settings.organizations.items()
            if flavour in organization.gpus
        }
        _together(notes, flavour, gpu, shares)
        if gpu.total != 0 and not any(shares.values()):
            notes.warn(("gpus", flavour), "nobody may use this GPU: no organisation has a share of it")
    _reachable(notes, settings)
    for name, organization in settings.organizations.items():
        for flavour, share in organization.gpus.items():
            path = ("organizations", name, "gpus", flavour)
            _alone(notes, path, share, settings.gpus.get(flavour))
            _of_courses(notes, path, share, settings)
            if share.total and not _usable(settings, organization, name, flavour):
                notes.warn(
                    path, f"no environment of {name} comes with this GPU", "an environment whose gpus name it"
                )


def _together(notes: Notes, flavour: str, gpu: Gpu, shares: dict[str, int]) -> None:
    given = sum(shares.values())
    if gpu.total is None or gpu.overcommit or given <= gpu.total:
        return
    told = ", ".join(f"{name} {total}" for name, total in shares.items())
    notes.wrong(
        ("gpus", flavour, "total"),
        f"the organisations' shares together are {given} ({told}), and there are {gpu.total}",
        f"shares of at most {gpu.total} together, or overcommit: true",
    )


def _alone(notes: Notes, path: Path, share: GpuShare, gpu: Gpu | None) -> None:
    total = gpu.total if gpu is not None else None
    if total == 0 and share.total > 0:
        notes.wrong((*path, "total"), f"a share of {share.total}, and the cluster has none of this GPU", "0")
    elif total is not None and share.total > total and gpu is not None and gpu.overcommit:
        # Without overcommit the sum of the shares says it already.
        message = f"a share of {share.total} is more than the {total} that there are"
        notes.wrong((*path, "total"), message, f"at most {total}")
    if 0 < share.total < share.per_person:
        message = f"{share.per_person} for one person is more than the organisation's {share.total}"
        notes.wrong((*path, "perPerson"), message, f"at most {share.total}")
    for group, limit in share.limits.items():
        if limit > share.total:
            message = f"a limit of {limit} for {group} is more than the organisation's {share.total}"
            notes.wrong((*path, "limits", group), message, f"at most {share.total}")


def _of_courses(notes: Notes, path: Path, share: GpuShare, settings: Settings) -> None:
    flavour = str(path[-1])
    for name in share.limits:
        course = settings.courses.get(name)
        if course is not None and course.gpus is not None and flavour not in course.gpus:
            notes.warn(
                (*path, "limits", name),
                f"the course {name} does not come with {flavour}, so this limits nothing",
                "a course whose gpus name it",
            )


def _reachable(notes: Notes, settings: Settings) -> None:
    """Servers that must run on nodes of a GPU find no node while they keep off them."""
    for flavour, gpu in settings.gpus.items():
        if gpu.cpu_servers or not gpu.node_labels:
            continue
        for section in ("organizations", "environments", "courses"):
            for name, rules in getattr(settings, section).items():
                if gpu.node_labels.items() <= rules.node_labels.items():
                    notes.wrong(
                        (section, name, "nodeLabels"),
                        f"servers without a GPU must run on the nodes of gpus.{flavour} and keep off them",
                        f"other labels, or cpuServers: true at gpus.{flavour}",
                    )


def _usable(settings: Settings, organization: Organization, name: str, flavour: str) -> bool:
    """Whether anything that an organisation lists comes with a GPU flavour."""
    courses = [course for key, course in settings.courses.items() if key.partition("/")[0] == name]
    lists = [(environment, None) for environment in organization.environments]
    lists += [(course.environment, course.gpus) for course in courses]  # type: ignore[misc]
    for environment, narrowed in lists:
        known = settings.environments.get(environment)
        offered = known is None or known.gpus is None or flavour in known.gpus
        if offered and (narrowed is None or flavour in narrowed):
            return True
    return False
