"""What the image adds to the Jupyter server: a start that explains itself, and two small pages."""

from __future__ import annotations

from typing import Any


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "libretexts_image"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Register the pages, and remember that the server came up."""
    from libretexts_image import pages

    pages.register(server)
