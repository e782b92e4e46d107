"""Teaching hubs on JupyterHub and Kubernetes: one validated file, a pure plan, a thin spawner.

A hub's configuration needs one line::

    from jupyterhub_libretexts import configure

    configure(c, "/etc/jupyterhub/libretexts.yaml")
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jupyterhub_libretexts.hub.configure import configure

__all__ = ["__version__", "configure"]

__version__ = "0.1.0.dev0"


def __getattr__(name: str) -> object:
    # Imported when asked for: a command that only reads a file must not pay for a hub.
    if name == "configure":
        from jupyterhub_libretexts.hub.configure import configure

        return configure
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
