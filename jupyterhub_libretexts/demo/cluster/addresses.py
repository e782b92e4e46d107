"""Loopback addresses of a cluster's own: one for each pod."""

from __future__ import annotations

import random
import socket
from typing import TYPE_CHECKING

from jupyterhub_libretexts.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLAIM_PORT = 10250  # The kubelet's port, on the last address of the network: nobody's pod.
_LOWEST, _HIGHEST = 64, 254
_PODS = 250 * 250


class Addresses:
    """A /16 of 127.0.0.0/8 that no other embedded cluster of this machine uses meanwhile."""

    def __init__(self) -> None:
        self._claim, self._network = _claimed()
        self._free = self._sequence()
        self._given = 0

    @property
    def node(self) -> str:
        """The address of the nodes and of the stand-in server."""
        return f"127.{self._network}.0.1"

    def _sequence(self) -> Iterator[str]:
        # An address is used again only after all the others, as a pod that ended may still be looked for.
        while True:
            for number in range(_PODS):
                yield f"127.{self._network}.{1 + number // 250}.{1 + number % 250}"

    def take(self) -> str:
        """The address of the next pod."""
        return next(self._free)

    def close(self) -> None:
        """Let others have the network."""
        self._claim.close()


def _claimed() -> tuple[socket.socket, int]:
    networks = list(range(_LOWEST, _HIGHEST + 1))
    random.shuffle(networks)
    for network in networks:
        claim = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            claim.bind((f"127.{network}.255.254", _CLAIM_PORT))
            claim.listen(1)
        except OSError:
            claim.close()
            continue
        return claim, network
    raise UsageError(
        "no free loopback network is left for a cluster: end another one, or run on Linux, where the "
        "whole of 127.0.0.0/8 belongs to the machine"
    )
