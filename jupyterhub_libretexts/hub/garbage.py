"""What lives as long as the hub, left out of Python's search for garbage."""

from __future__ import annotations

import gc

__all__ = ["settle"]


def settle() -> None:
    """Search once, and never again among what there is now: code, classes, servers that run already.

    A hub that has begun holds some 300,000 objects, and a search among all of them keeps its event loop for a
    quarter of a second. It comes when many objects were added, which is when a class starts. What is left out
    is still freed when nobody refers to it, apart from cycles that fall apart later, as of a deleted user
    (https://docs.python.org/3/library/gc.html#gc.freeze).
    """
    gc.collect()
    gc.freeze()
