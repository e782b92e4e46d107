"""Pages inside the running server: the notice before JupyterLab, and the way to a welcome notebook."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

MATERIAL = Path("/usr/share/libretexts/material")

_came_up = False


def came_up() -> bool:
    """Say whether the server of this process ever reached its loop."""
    return _came_up


def register(server: Any) -> None:
    """Add the handlers to a server and note when its loop runs."""
    from jupyter_server.base.handlers import JupyterHandler
    from jupyter_server.utils import url_path_join
    from tornado import web
    from tornado.ioloop import IOLoop

    from libretexts_image.page import page

    base = server.web_app.settings["base_url"]

    class NoticeHandler(JupyterHandler):
        @web.authenticated
        def get(self) -> None:
            title, text = os.environ.get("LIBRETEXTS_NOTICE_TITLE"), os.environ.get("LIBRETEXTS_NOTICE")
            onward = url_path_join(base, os.environ.get("LIBRETEXTS_NOTICE_NEXT") or "/lab")
            if not title or not text:
                self.redirect(onward)
                return
            self.finish(page(title, text, [("Continue", onward)]))

    class WelcomeHandler(JupyterHandler):
        @web.authenticated
        def get(self, name: str) -> None:
            """Copy a welcome notebook into the home, unless it is there, and open it."""
            source = MATERIAL / "welcome" / f"{name}.ipynb"
            if not source.is_file():
                names = ", ".join(sorted(path.stem for path in source.parent.glob("*.ipynb")))
                text = f"This image has no welcome notebook {name!r}; it has {names}."
                self.set_status(404)
                self.finish(
                    page("There is no such notebook", text, [("Continue", url_path_join(base, "lab"))])
                )
                return
            folder = Path(server.root_dir) / "welcome"
            target = folder / source.name
            if not target.exists():
                folder.mkdir(exist_ok=True)
                shutil.copyfile(source, target)
            self.redirect(url_path_join(base, "lab/tree/welcome", source.name))

    ends_at = os.environ.get("LIBRETEXTS_ENDS_AT", "")
    if ends_at.isdecimal():
        # The labextension libretexts-ending reads it from the page and warns in time.
        server.web_app.settings.setdefault("page_config_data", {})["libretextsEndsAt"] = ends_at
    server.web_app.add_handlers(
        ".*$",
        [
            (url_path_join(base, "libretexts/notice"), NoticeHandler),
            (url_path_join(base, r"libretexts/welcome/([a-z0-9-]+)"), WelcomeHandler),
        ],
    )
    IOLoop.current().add_callback(_note_that_it_came_up)


def _note_that_it_came_up() -> None:
    global _came_up  # noqa: PLW0603  # one process is one server
    _came_up = True
