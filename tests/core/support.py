"""The people, moments and settings of these tests."""

from datetime import datetime
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from jupyterhub_libretexts.core.catalogue import Catalogue, catalogue
from jupyterhub_libretexts.core.choice import Choice
from jupyterhub_libretexts.core.circumstances import Circumstances
from jupyterhub_libretexts.core.offers import Offer, offer, offered_to
from jupyterhub_libretexts.core.people import Person, groups_from, person
from jupyterhub_libretexts.settings.load import load, load_text

SCENARIO = Path(__file__).parents[1] / "data" / "settings" / "teaching.yaml"
CALIFORNIA = ZoneInfo("America/Los_Angeles")
DURING_TERM = Circumstances(now=datetime(2026, 10, 1, 9, tzinfo=CALIFORNIA))


@cache
def teaching() -> Catalogue:
    """The scenario: two universities and a school."""
    return catalogue(load(SCENARIO))


def hub_of(text: str) -> Catalogue:
    """A small hub, with the one size that most tests need."""
    bounds = "cpu: {guarantee: 1, limit: 2}, memory: {guarantee: 1Gi, limit: 2Gi}"
    size = f"sizes: {{small: {{{bounds}, default: true}}}}\n"
    return catalogue(load_text(text if "sizes:" in text else size + text))


def signed_in(name: str, /, index: Catalogue | None = None, **claims: object) -> Person:
    """Somebody of whom sign-in says this; an address counts as verified unless said otherwise."""
    if "email" in claims:
        claims.setdefault("email_verified", True)
    settings = (index or teaching()).settings
    email = claims.get("email")
    return person(name, groups_from(settings, claims), email if isinstance(email, str) else None)


ADA = signed_in("ada", email="ada@ucdavis.edu", affiliation="student@ucdavis.edu")
"""A student of Davis, who takes STS 101."""
FAY = signed_in("fay", email="fay@ucdavis.edu", affiliation=["faculty@ucdavis.edu"], mfa="yes")
"""Faculty of Davis."""
MAX = signed_in("max", email="max@ucdavis.edu", groups=["davis/ml"])
"""In Davis' machine learning group."""
PROF = signed_in("prof", email="Prof@ucdavis.edu")
"""Teaches STS 101, and is in none of its groups."""
TA = signed_in("ta", groups=["davis"])
"""Teaches STS 101 by user name."""
MEL = signed_in("mel", email="mel@ucmerced.edu", groups=["merced/intro"])
"""A student of Merced."""
BO = signed_in("bo", email="bo@ucmerced.edu", groups=["davis/students"])
"""Belongs to both universities."""
SAM = signed_in("sam", email="sam@school.example")
"""Of a school that offers nothing yet."""
EVE = signed_in("eve", email="eve@elsewhere.example", groups=["davis/unheard-of", "ucdavis.edu"])
"""Of nowhere."""

PEOPLE = {one.username: one for one in (ADA, FAY, MAX, PROF, TA, MEL, BO, SAM, EVE)}


def offers(somebody: Person, circumstances: Circumstances = DURING_TERM) -> dict[str, Offer]:
    """What is offered, by ``ORGANIZATION:ENVIRONMENT`` or by the course's name."""
    return {
        found.entry.course or f"{found.entry.organization}:{found.entry.environment}": found
        for found in offered_to(teaching(), somebody, circumstances)
    }


def choice_of(found: Offer) -> Choice:
    """The choice that names exactly one offer."""
    entry = found.entry
    return Choice(entry.organization, None if entry.course else entry.environment, course=entry.course)


def alone(index: Catalogue, somebody: Person, found: Offer, circumstances: Circumstances) -> Offer:
    """An offer once more, made for itself."""
    return offer(index, somebody, found.entry, circumstances)
