"""An explanation as people read it, and as programs read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jupyterhub_libretexts.cli.data import as_data, plan_data
from jupyterhub_libretexts.cli.output import shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from jupyterhub_libretexts.cli.explain import Explanation
    from jupyterhub_libretexts.cli.output import Paint
    from jupyterhub_libretexts.core.offers import Offer

__all__ = ["document", "lines"]


def document(explanation: Explanation) -> dict[str, Any]:
    """An explanation as data; ``plan`` and ``refusal`` exclude each other."""
    data: dict[str, Any] = {
        "person": as_data(explanation.person),
        "memberships": as_data(explanation.memberships),
        "at": explanation.at.isoformat(timespec="minutes"),
        "offers": [_offer_data(offered) for offered in explanation.offers],
    }
    if explanation.unknown_groups:
        data["unknownGroups"] = list(explanation.unknown_groups)
    if explanation.plan is not None:
        data["plan"] = plan_data(explanation.plan)
    if explanation.manifest is not None:
        data["manifest"] = dict(explanation.manifest)
    if explanation.refusal is not None:
        data["refusal"] = {
            "kind": type(explanation.refusal).__name__,
            "message": explanation.refusal.message,
            "nextStep": explanation.refusal.next_step,
        }
    return data


def _offer_data(offered: Offer) -> dict[str, Any]:
    entry = offered.entry
    names = {"organization": entry.organization, "environment": entry.environment, "course": entry.course}
    return {
        **{key: value for key, value in names.items() if value is not None},
        "title": offered.title,
        "open": offered.closed is None,
        **({} if offered.closed is None else {"closed": as_data(offered.closed)}),
        "sizes": as_data(offered.sizes),
        "gpus": as_data(offered.gpus),
    }


def lines(explanation: Explanation, colours: Paint) -> Iterator[str]:
    """An explanation for people."""
    yield from _who(explanation, colours)
    yield ""
    yield from _offers(explanation, colours)
    if explanation.plan is not None:
        yield ""
        yield colours.bold("Would start")
        yield from _nested(plan_data(explanation.plan), "  ")
    if explanation.manifest is not None:
        import yaml

        yield ""
        yield colours.bold("Manifest")
        text = yaml.safe_dump(dict(explanation.manifest), sort_keys=False, allow_unicode=True, width=100)
        yield from (f"  {shown(line)}" for line in text.splitlines())


def _who(explanation: Explanation, colours: Paint) -> Iterator[str]:
    person = explanation.person
    yield f"{colours.bold('Who')} {shown(person.username)}" + (
        f", {shown(person.email)}" if person.email else ""
    )
    width = max((len(one.group) for one in explanation.memberships), default=0)
    for one in explanation.memberships:
        yield f"  {one.group:<{width}}  {colours.faint(one.reason)}"
    if not explanation.memberships:
        yield colours.careful("  belongs to no organisation: no rule of the settings admits them")
    for group in explanation.unknown_groups:
        yield colours.careful(
            f"  {shown(group)}: the settings declare no such group, so it counts for nothing"
        )


def _offers(explanation: Explanation, colours: Paint) -> Iterator[str]:
    yield f"{colours.bold('Offered')} at {explanation.at:%Y-%m-%d %H:%M %Z}"
    if not explanation.offers:
        yield "  nothing"
    organization = ""
    for offered in explanation.offers:
        entry = offered.entry
        if entry.organization != organization:
            organization = entry.organization
            yield f"  {offered.organization_title} ({organization})"
        name = f"course {entry.course}" if entry.course else f"environment {entry.environment}"
        state = colours.good("open  ") if offered.closed is None else colours.careful("closed")
        reason = f". {offered.closed}" if offered.closed is not None else ""
        yield f"    {state} {name}: {offered.title}{reason}"
        if offered.closed is None:
            yield from _choices(offered, colours)


def _choices(offered: Offer, colours: Paint) -> Iterator[str]:
    """What is to be chosen: the open ones in one line, the closed ones in one line for each reason."""
    choices = (
        *(("size", size.name, size.title, size.closed) for size in offered.sizes),
        *(("gpu", gpu.name, gpu.title, gpu.closed) for gpu in offered.gpus),
    )
    can = [f"{kind} {name} ({title})" for kind, name, title, closed in choices if closed is None]
    yield f"           {', '.join(can)}"
    for reason in dict.fromkeys(closed for *_, closed in choices if closed is not None):
        cannot = [f"{kind} {name}" for kind, name, _, closed in choices if closed == reason]
        yield colours.faint(f"           closed: {', '.join(cannot)}. {reason}")


def _nested(data: Mapping[str, Any], indent: str) -> Iterator[str]:
    for key, value in data.items():
        if isinstance(value, dict):
            yield f"{indent}{key}:"
            yield from _nested(value, indent + "  ")
        elif isinstance(value, list):
            yield f"{indent}{key}: {', '.join(_scalar(item) for item in value)}"
        else:
            yield f"{indent}{key}: {_scalar(value)}"


def _scalar(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else shown(str(value))
