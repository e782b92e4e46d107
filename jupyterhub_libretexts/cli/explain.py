"""``explain``: what one person would find at this hub, and what would start, without a hub."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.cli.known import add_lock, known_images
from jupyterhub_libretexts.cli.output import paint, say, tell
from jupyterhub_libretexts.cli.parsers import FILES, Commands, Parser, add_files, command
from jupyterhub_libretexts.errors import Refusal, UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from datetime import datetime

    from jupyterhub_libretexts.core.catalogue import Catalogue
    from jupyterhub_libretexts.core.circumstances import Circumstances, ImageFacts
    from jupyterhub_libretexts.core.offers import Offer
    from jupyterhub_libretexts.core.people import Membership, Person
    from jupyterhub_libretexts.core.plan import PodPlan
    from jupyterhub_libretexts.settings.models import Settings

__all__ = ["NAME", "Explanation", "register", "run"]

NAME = "explain"
_OPTIONS = ("organization", "environment", "size", "gpu", "course")


def register(commands: Commands[Parser]) -> None:
    """Add the command."""
    made = command(
        commands,
        NAME,
        run,
        summary="show what a person would find at this hub, and what would start",
        details="Prints who they are and by which rule, what is offered to them, what is closed and why,\n"
        "and everything that the start of their choice would do; with a choice also the pod's manifest,\n"
        "over KubeSpawner's defaults, or with --hub-config the very one that this hub would send (this\n"
        "executes the file). Values of variables that are secret by name are hidden. What images hold is\n"
        "read from images.lock.json beside the first file. Needs no hub and no cluster: what only those\n"
        "know (servers that run) counts as free.\n"
        "Exit status: 0 it would start, 1 it is refused (in the words that the student would read).",
        examples=(
            "explain libretexts.yaml --user ada --email ada@ucdavis.edu",
            "explain libretexts.yaml --user ada --group ucdavis/ml-course --environment python --size large",
            "explain libretexts.yaml --user ada --group ucdavis/sts101 --at 2026-12-19",
            "explain libretexts.yaml --user ada --group ucdavis --hub-config jupyterhub_config.py",
        ),
    )
    add_files(made)
    who = made.add_argument_group("who")
    who.add_argument("--user", required=True, metavar="NAME", help="their user name at the hub")
    who.add_argument("--email", metavar="ADDRESS", help="the address that sign-in reports, as verified")
    who.add_argument(
        "--group",
        action="append",
        default=[],
        metavar="GROUP",
        help="a group that sign-in reports; repeatable",
    )
    who.add_argument(
        "--claim",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="anything else that sign-in says; the same name again makes a list",
    )
    what = made.add_argument_group("what they choose")
    for name in _OPTIONS:
        what.add_argument(f"--{name}", metavar=name.upper())
    add_lock(made)
    made.add_argument("--hub-config", metavar=FILES, help="the hub's jupyterhub_config.py, which is executed")
    made.add_argument("--at", metavar="DATE", help="a day or moment, in the hub's time zone (default: now)")
    made.add_argument(
        "--format", choices=("text", "yaml", "json"), default="text", help="how to print (default: text)"
    )


@dataclass(frozen=True, slots=True)
class Explanation:
    """All there is to say about one person and one choice."""

    person: Person
    memberships: tuple[Membership, ...]
    unknown_groups: tuple[str, ...]
    """Groups that sign-in reports and the settings do not declare."""
    at: datetime
    """In the hub's time zone."""
    offers: tuple[Offer, ...]
    plan: PodPlan | None
    refusal: Refusal | None
    manifest: Mapping[str, Any] | None = None
    """The pod, where somebody asked for one."""


def run(arguments: argparse.Namespace) -> int:
    """Explain, and print it."""
    from jupyterhub_libretexts.cli import explained
    from jupyterhub_libretexts.settings.load import load

    settings = load(arguments.files)
    explanation = _explanation(settings, arguments)
    wanted = arguments.hub_config is not None or any(getattr(arguments, name) for name in _OPTIONS)
    if wanted and explanation.plan is not None:
        explanation = replace(explanation, manifest=_manifest(settings, explanation, arguments))
    if arguments.format == "text":
        for line in explained.lines(explanation, paint()):
            tell(line)
    else:
        tell(_written(explained.document(explanation), arguments.format).rstrip("\n"))
    if explanation.refusal is None:
        return 0
    say(f"Refused: {explanation.refusal}")
    return 1


def _explanation(settings: Settings, arguments: argparse.Namespace) -> Explanation:
    from jupyterhub_libretexts.core.catalogue import catalogue
    from jupyterhub_libretexts.core.circumstances import Circumstances
    from jupyterhub_libretexts.core.offers import offered_to
    from jupyterhub_libretexts.core.people import declared_groups, memberships, person

    given = memberships(settings, _claims(arguments))
    declared = declared_groups(settings)
    somebody = person(arguments.user, [one.group for one in given], arguments.email)
    at = _moment(settings, arguments.at)
    index = catalogue(settings)
    circumstances = Circumstances(now=at, images=_images(arguments))
    try:
        planned: PodPlan | None = _planned(index, somebody, arguments, circumstances)
        refusal: Refusal | None = None
    except Refusal as refused:
        planned, refusal = None, refused
    return Explanation(
        person=somebody,
        memberships=given,
        unknown_groups=tuple(group for group in arguments.group if group not in declared),
        at=at,
        offers=offered_to(index, somebody, circumstances),
        plan=planned,
        refusal=refusal,
    )


def _images(arguments: argparse.Namespace) -> Mapping[str, ImageFacts]:
    _, lock = known_images(arguments)
    return lock.facts if lock is not None else {}


def _planned(
    index: Catalogue, somebody: Person, arguments: argparse.Namespace, circumstances: Circumstances
) -> PodPlan:
    from jupyterhub_libretexts.core.choice import choice
    from jupyterhub_libretexts.core.plan import plan

    chosen = choice({name: getattr(arguments, name) for name in _OPTIONS})
    return plan(index, somebody, chosen, circumstances)


def _manifest(settings: Settings, explanation: Explanation, arguments: argparse.Namespace) -> dict[str, Any]:
    from jupyterhub_libretexts.cli.manifest import manifest_of
    from jupyterhub_libretexts.core.catalogue import catalogue
    from jupyterhub_libretexts.core.circumstances import Circumstances

    def planned(claim: str) -> PodPlan:
        circumstances = Circumstances(now=explanation.at, images=_images(arguments), claim=claim)
        return _planned(catalogue(settings), explanation.person, arguments, circumstances)

    return manifest_of(arguments.files, arguments.hub_config, explanation.person, planned)


def _claims(arguments: argparse.Namespace) -> dict[str, object]:
    """What sign-in would have said."""
    claims: dict[str, object] = {}
    for written in arguments.claim:
        name, separator, value = written.partition("=")
        if not separator or not name:
            raise UsageError(f"explain: --claim {written}: write NAME=VALUE")
        before = claims.get(name)
        if before is None:
            claims[name] = value
        else:
            claims[name] = [*before, value] if isinstance(before, list) else [before, value]
    if arguments.group:
        claims["groups"] = arguments.group
    if arguments.email is not None:
        claims |= {"email": arguments.email, "email_verified": True}
    return claims


def _moment(settings: Settings, written: str | None) -> datetime:
    """A moment in the hub's time zone; a day alone is its first moment."""
    from datetime import datetime
    from zoneinfo import ZoneInfo

    zone = ZoneInfo(settings.hub.timezone)
    if written is None:
        return datetime.now(zone)
    try:
        moment = datetime.fromisoformat(written)
    except ValueError:
        raise UsageError(
            f"explain: --at {written}: write for example 2026-12-18 or 2026-12-18T23:59"
        ) from None
    return moment.astimezone(zone) if moment.tzinfo is not None else moment.replace(tzinfo=zone)


def _written(document: dict[str, Any], form: str) -> str:
    if form == "json":
        import json

        return json.dumps(document, indent=2, ensure_ascii=False)
    import yaml

    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=100))
