"""The pages of the waiting line: join, see one's place, leave. Plain HTML; they go on without scripts."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from jupyterhub.handlers.base import BaseHandler
from jupyterhub.utils import url_path_join
from tornado import web

from jupyterhub_libretexts.core.choice import choice
from jupyterhub_libretexts.errors import LibreTextsError
from jupyterhub_libretexts.hub.denial import answer
from jupyterhub_libretexts.hub.facts import person_of
from jupyterhub_libretexts.hub.form import options
from jupyterhub_libretexts.hub.turns import stop_server

if TYPE_CHECKING:
    from jupyterhub.user import User

    from jupyterhub_libretexts.hub.shared import Shared
    from jupyterhub_libretexts.hub.waiting import Place

__all__ = ["PATH", "handlers"]

PATH = "libretexts/line"
"""Of the pages, below the hub's own path."""


class _LineHandler(BaseHandler):  # type: ignore[misc]  # JupyterHub ships no types
    """What all pages of the line share."""

    @property
    def user(self) -> User:
        return self.current_user

    @property
    def shared(self) -> Shared:
        shared: Shared = self.user.spawner.shared
        return shared

    def line_url(self) -> str:
        return f"{self.hub.base_url}{PATH}"

    def sent_choice(self) -> Any:
        """The choice in a query or a body; values that appear several times stay a list and are refused."""
        given = {name: self.get_arguments(name) for name in self.request.arguments}
        server = given.pop("server", [""])[0]
        if server and server not in self.user.orm_user.orm_spawners:
            raise web.HTTPError(400, "You have no server of this name. Make it on the hub's home page first.")
        try:
            return choice(options(given)), server
        except LibreTextsError as error:
            raise answer(error) from error

    def my_place(self) -> Place:
        """The place whose number was sent, if it is one's own.

        Raises:
            HTTPError: It is nobody's, or somebody else's; which of the two is not told.
        """
        number = self.get_body_argument("place", "")
        for place in self.shared.waiting.of(self.user.name):
            if str(place.number) == number:
                return place
        raise web.HTTPError(404, "You have no such place in the line. Perhaps you left it already.")


class LineHandler(_LineHandler):
    """One's places: how many come first, until when it may take, whose turn it is."""

    @web.authenticated
    async def get(self) -> None:
        """Show them; whoever looks is there."""
        waiting = self.shared.waiting
        waiting.look(self.user.name)
        places = [self._shown(place) for place in waiting.of(self.user.name)]
        self.finish(
            await self.render_template(
                "libretexts/line.html", places=places, line_url=self.line_url(), refresh=self._refresh(places)
            )
        )

    def _shown(self, place: Place) -> dict[str, Any]:
        settings, waiting = self.shared.catalogue.settings, self.shared.waiting
        zone = ZoneInfo(settings.hub.timezone)
        gpu = settings.gpus.get(place.gpu)
        spawner = self.user.spawners.get(place.server)
        mine = spawner is not None and spawner.chosen_gpu == place.gpu
        expected = waiting.expected(place)
        return {
            "number": place.number,
            "title": gpu.title if gpu is not None else place.gpu,
            "organization": settings.organizations[place.organization].title,
            "before": waiting.position(place),
            "expected": datetime.fromtimestamp(expected, UTC).astimezone(zone) if expected else None,
            "called": place.called is not None and place.lost is None,
            "until": (
                datetime.fromtimestamp(place.called + gpu.turn.seconds, UTC).astimezone(zone)
                if place.called is not None and gpu is not None
                else None
            ),
            "turn": str(gpu.turn) if gpu is not None else "",
            "lost": place.lost is not None,
            "reason": place.reason,
            "busy": spawner is not None and bool(spawner.active) and not mine,
            "ready": spawner is not None and bool(spawner.ready) and mine,
            "url": self.user.server_url(place.server) if spawner is not None else "",
        }

    def _refresh(self, places: list[dict[str, Any]]) -> str:
        """What the browser does next: open a server that is ready, or look again."""
        for place in places:
            if place["called"] and place["ready"]:
                return f"0; url={place['url']}"
        called = any(place["called"] for place in places)
        return "" if all(place["lost"] for place in places) else "3" if called else "15"


class JoinHandler(_LineHandler):
    """Ask first, then join: a link changes nothing."""

    @web.authenticated
    async def get(self) -> None:
        """Say what joining means."""
        wanted, server = self.sent_choice()
        settings = self.shared.catalogue.settings
        gpu = settings.gpus.get(wanted.gpu or "")
        if gpu is None:
            raise web.HTTPError(400, "The link names no GPU of this hub. Go back and pick one again.")
        counts = self.shared.waiting.counts().get(wanted.gpu, Counter())
        self.finish(
            await self.render_template(
                "libretexts/join.html",
                title=gpu.title,
                turn=str(gpu.turn),
                waiting=counts.get(wanted.organization, sum(counts.values())),
                options=wanted.options(),
                server=server,
                line_url=self.line_url(),
            )
        )

    @web.authenticated
    async def post(self) -> None:
        """Join."""
        wanted, server = self.sent_choice()
        who = await person_of(self.user)
        try:
            await self.shared.known(who)
            self.shared.waiting.settle()
            self.shared.waiting.join(who, server, wanted)
        except LibreTextsError as error:
            raise answer(error) from error
        self.redirect(self.line_url())


class LeaveHandler(_LineHandler):
    """Leave, or put away what is over."""

    @web.authenticated
    async def post(self) -> None:
        """Leave."""
        self.shared.waiting.leave(self.my_place())
        self.redirect(self.line_url())


class SwitchHandler(_LineHandler):
    """Stop the server that is in the way of one's turn."""

    @web.authenticated
    async def post(self) -> None:
        """Stop it; the turn then starts the other one."""
        place = self.my_place()
        if place.called is None or place.lost is not None:
            raise web.HTTPError(409, "It is not your turn.")
        await stop_server(self.app, self.user, place.server)
        self.redirect(self.line_url())


def handlers(prefix: str) -> list[tuple[str, type[BaseHandler]]]:
    """The pages, for the hub's web application."""
    pages = {"": LineHandler, "/join": JoinHandler, "/leave": LeaveHandler, "/switch": SwitchHandler}
    return [(url_path_join(prefix, PATH) + path, page) for path, page in pages.items()]
