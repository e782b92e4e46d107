"""Finds what ``build`` made."""

from __future__ import annotations

from . import cache, compiler, images
from .errors import BedError
from .pins import Pins, load
from .programs import Tools

NEEDED = ("kube", "containerd", "calico", "coredns", "tools")


def installed(pins: Pins | None = None) -> Tools:
    """The places of the programs, built or not."""
    pins = pins or load()
    places = {name: compiler.place_of(pins.part(name)) for name in ("kube", "containerd", "calico")}
    return Tools(**places)


def build(pins: Pins) -> None:
    """Build what is missing."""
    compiler.compile_parts(pins, NEEDED)
    images.make_all(pins)


def missing(pins: Pins) -> list[str]:
    """What is not built yet, for ``status``."""
    parts = [name for name in NEEDED if not cache.is_whole(compiler.place_of(pins.part(name)))]
    return parts + ([] if cache.is_whole(images.seed_place(pins)) else ["images"])


def verify(pins: Pins) -> None:
    """Compare every built file with its checksum.

    Raises:
        BedError: naming the first damaged file.
    """
    places = [compiler.place_of(pins.part(name)) for name in NEEDED]
    places += [
        images.small_place(pins),
        images.lab_place(pins),
        images.hub_place(pins),
        images.seed_place(pins),
    ]
    for place in places:
        if not cache.is_whole(place):
            raise BedError(f"{place} is missing or half built: ./dev/cluster build")
        if bad := cache.damaged(place):
            raise BedError(f"{place / bad[0]} is damaged: remove {place} and run ./dev/cluster build")
