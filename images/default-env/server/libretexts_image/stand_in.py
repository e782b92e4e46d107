"""The page that stands where the server would: it changes nothing and needs no home."""

from __future__ import annotations

import json
import os
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from urllib.parse import urlsplit

from libretexts_image.home import Problem
from libretexts_image.page import page


def serve(problem: Problem) -> None:
    """Serve the problem on the server's own address until told to stop."""
    address = urlsplit(os.environ.get("JUPYTERHUB_SERVICE_URL") or "http://0.0.0.0:8888/")
    hub = os.environ.get("JUPYTERHUB_BASE_URL") or "/"
    ways_on = [("Back to the hub: stop or restart the server", f"{hub}hub/home")]
    html = page(problem.title, problem.explanation, ways_on).encode()
    api = f"{address.path.rstrip('/')}/api"
    server = ThreadingHTTPServer((address.hostname or "0.0.0.0", address.port or 8888), handler(html, api))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    server.serve_forever()


def handler(html: bytes, api: str) -> type[BaseHTTPRequestHandler]:
    """Return a handler that answers the hub's question whether it is up, and everybody else with the page."""
    jupyterhub = version("jupyterhub")

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path.split("?")[0].rstrip("/") == api:
                self.answer(200, "application/json", json.dumps({"version": jupyterhub}).encode())
            else:
                self.answer(200, "text/html; charset=utf-8", html)

        def do_POST(self) -> None:
            self.answer(503, "text/html; charset=utf-8", html)

        do_PUT = do_PATCH = do_DELETE = do_POST

        def answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.send_header("X-JupyterHub-Version", jupyterhub)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing: the hub asks often."""

    return Page
