"""What the image adds to the Jupyter server: a start that explains itself, two small pages, quicker kernels."""

from __future__ import annotations

from typing import Any

RECONNECT_MILLISECONDS = 20


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "libretexts_image"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Register the pages, and remember that the server came up."""
    from libretexts_image import pages

    pages.register(server)
    find_kernels_soon(server.kernel_manager.context)


def find_kernels_soon(context: Any) -> None:
    """Let the server's sockets try a kernel that is not there yet more often than ZeroMQ's every 100 ms.

    A kernel opens its ports some tenths of a second after the server has first tried them. When the socket that
    listens for its state comes later than its first answer, Jupyter Server takes the kernel to be starting
    still, and asks again after half a second, while the first cell waits (`nudge` in its `channels.py`).
    """
    import zmq

    context.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MILLISECONDS)
