"""The form on which people pick what to start, and what it sends.

It shows offers and decides nothing. It is plain HTML with a style sheet: it works without scripts, by
keyboard and on a phone. A page is rendered once for each set of offers and kept for the next person
to whom the same is offered.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from jupyterhub_libretexts.core.closed import Why
from jupyterhub_libretexts.errors import MalformedChoice
from jupyterhub_libretexts.hub.pages import share_path

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from jinja2 import Template

    from jupyterhub_libretexts.core.choice import Choice
    from jupyterhub_libretexts.core.gpus import GpuOffer
    from jupyterhub_libretexts.core.offers import Offer, SizeOffer
    from jupyterhub_libretexts.settings.models import Settings

__all__ = ["Form", "form", "options"]

SUBJECT = "subject"
"""Field that says which environment or course."""
SIZE, GPU = "size:", "gpu:"
"""Beginnings of the fields that say more about a subject; the subject's value follows."""
QUERY = "opt-"
"""Before each option in a link: JupyterHub 6 asks for it, and with it a link works on 5.5 as well."""

_PAGES_KEPT = 64
_LONGEST_SUBJECT = 512


@dataclass(frozen=True, slots=True)
class _Card:
    """One offer as the template shows it."""

    offer: Offer
    number: int
    """Counts the cards of a page, for identifiers."""
    value: str
    """What the field ``subject`` sends; also the part of the names of its other fields."""
    chosen: bool
    size: SizeOffer | None
    """The size that is selected; None for what is closed."""
    gpu: GpuOffer | None
    """The GPU that is selected."""
    link: str
    line: str
    """Address of the page on which one joins the waiting line."""

    def wait_for(self, gpu: GpuOffer) -> str:
        """The link to the waiting line for a GPU of this offer, in the size that is selected."""
        size = {"size": self.size.name} if self.size is not None else {}
        return f"{self.line}?{urlencode({**_subject(self.offer), **size, 'gpu': gpu.name})}"

    @property
    def sizes_to_pick(self) -> tuple[SizeOffer, ...]:
        """The sizes as a choice; none where there is nothing to choose."""
        return self.offer.sizes if len(self.offer.sizes) > 1 else ()


@dataclass(frozen=True, slots=True)
class _Group:
    """The cards of one organisation."""

    title: str
    cards: tuple[_Card, ...]
    other_days: tuple[_Card, ...]
    """Courses whose days are not now."""


class Form:
    """The form, compiled at its first use and kept."""

    def rendered(
        self,
        offers: tuple[Offer, ...],
        last: Choice,
        *,
        settings: Settings,
        username: str,
        base_url: str = "/hub/",
    ) -> str:
        """The form as HTML, to stand inside JupyterHub's own form element.

        Args:
            offers: Everything that is listed for the person, open or not.
            last: What they chose the last time; what is left of it is selected.
            settings: Whose title and address for help are shown.
            username: The account, for somebody to whom nothing is offered.
            base_url: Address of the hub, with a slash at the end.
        """
        title, support = settings.hub.title, settings.branding.support or ""
        if not offers:
            return _template("nothing.html").render(title=title, support=support, username=username)
        return _page(offers, last, support, base_url)

    def options(self, formdata: Mapping[str, Any]) -> dict[str, Any]:
        """What was sent, by the names of a choice; see the function ``options``."""
        return options(formdata)


form = Form()


def options(formdata: Mapping[str, Any]) -> dict[str, Any]:
    """What the form or a link sent, by the names of a choice.

    Nothing is believed here: what is unknown passes through, for the choice to be refused by its name.

    Args:
        formdata: Lists of text by field, as JupyterHub reads a body or a query.

    Raises:
        MalformedChoice: The subject is not one that a form of ours sends.
    """
    sent = {_plain_name(name): value for name, value in formdata.items() if name != "_xsrf"}
    if SUBJECT not in sent:
        return sent
    subject = _one(sent.pop(SUBJECT))
    found: dict[str, Any] = dict(_parts(subject))
    for name, value in sent.items():
        if name == f"{SIZE}{subject}":
            found["size"] = value
        elif name == f"{GPU}{subject}":
            found["gpu"] = value
        elif not name.startswith((SIZE, GPU)):
            found.setdefault(name, value)
    return found


def _plain_name(name: str) -> str:
    return name.removeprefix(QUERY)


def _one(value: object) -> str:
    if isinstance(value, (list, tuple)) and len(value) == 1:
        value = value[0]
    if not isinstance(value, str) or len(value) > _LONGEST_SUBJECT:
        raise MalformedChoice("The form says more than one subject, or none.", "Pick one and start again.")
    return value


def _parts(subject: str) -> Iterator[tuple[str, str]]:
    try:
        pairs = parse_qsl(subject, strict_parsing=True, max_num_fields=3)
    except ValueError:
        pairs = []
    names = [name for name, _ in pairs]
    if sorted(names) not in (["course", "organization"], ["environment", "organization"]):
        raise MalformedChoice("The form's subject cannot be read.", "Reload the page and pick one again.")
    yield from pairs


def _subject(offer: Offer) -> dict[str, str]:
    entry = offer.entry
    if entry.course is not None:
        return {"organization": entry.organization, "course": entry.course}
    return {"organization": entry.organization, "environment": entry.environment}


@lru_cache(maxsize=_PAGES_KEPT)
def _page(offers: tuple[Offer, ...], last: Choice, support: str, base_url: str) -> str:
    chosen = _chosen(offers, last)
    groups = _groups(offers, chosen, last, base_url)
    return _template("environments.html").render(
        groups=groups, support=support, several=len(groups) > 1, something_open=chosen is not None
    )


def _chosen(offers: tuple[Offer, ...], last: Choice) -> Offer | None:
    """The offer that is selected: the last one if it is still open, else the first that is."""
    open_ones = [offer for offer in offers if offer.closed is None]
    return next((offer for offer in open_ones if _is_last(offer, last)), open_ones[0] if open_ones else None)


def _is_last(offer: Offer, last: Choice) -> bool:
    entry = offer.entry
    if last.organization not in (None, entry.organization):
        return False
    if last.course is not None or last.environment is None:
        return last.course is not None and last.course == entry.course
    return entry.course is None and last.environment == entry.environment


def _groups(
    offers: tuple[Offer, ...], chosen: Offer | None, last: Choice, base_url: str
) -> tuple[_Group, ...]:
    numbers = iter(range(len(offers)))
    ordered = sorted(offers, key=lambda offer: offer.entry.course is None)
    order = {name: place for place, name in enumerate(dict.fromkeys(o.entry.organization for o in offers))}
    ordered.sort(key=lambda offer: order[offer.entry.organization])
    groups = []
    for _, of_organization in groupby(ordered, key=lambda offer: offer.entry.organization):
        cards = [_card(offer, next(numbers), offer is chosen, last, base_url) for offer in of_organization]
        groups.append(
            _Group(
                cards[0].offer.organization_title,
                tuple(card for card in cards if not _is_of_other_days(card.offer)),
                tuple(card for card in cards if _is_of_other_days(card.offer)),
            )
        )
    return tuple(groups)


def _is_of_other_days(offer: Offer) -> bool:
    return offer.closed is not None and offer.closed.why is Why.DATE


def _card(offer: Offer, number: int, chosen: bool, last: Choice, base_url: str) -> _Card:
    subject = _subject(offer)
    size = gpu = None
    link = dict(subject)
    if offer.closed is None:
        again = chosen and _is_last(offer, last)
        kept = _named(offer.open_sizes, last.size) if again else None
        size = kept or next((size for size in offer.open_sizes if size.default), offer.open_sizes[0])
        gpu = _named((gpu for gpu in offer.gpus if gpu.closed is None), last.gpu) if again else None
        if kept is not None and not kept.default:
            link["size"] = kept.name
        if gpu is not None:
            link["gpu"] = gpu.name
    return _Card(
        offer=offer,
        number=number,
        value=urlencode(subject),
        chosen=chosen,
        size=size,
        gpu=gpu,
        line=f"{base_url}libretexts/line/join",
        link=f"{base_url}spawn?{urlencode({QUERY + name: value for name, value in link.items()})}",
    )


def _named(found: Iterable[Any], name: str | None) -> Any:
    return next((item for item in found if item.name == name), None)


@lru_cache(maxsize=1)
def _environment() -> Environment:
    share = share_path()
    # Style and form are one fragment, so that the form looks right also where a site has its own pages.
    return Environment(
        loader=FileSystemLoader([share / "templates" / "form", share / "static"]),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@lru_cache(maxsize=8)
def _template(name: str) -> Template:
    return _environment().get_template(name)
