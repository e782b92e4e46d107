"""The entry `jupyterhub-singleuser`: look at the home, then start, and say clearly when it cannot be."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

from libretexts_image.home import Problem, problem_with

SETTINGS = Problem(
    "Started without your Jupyter settings",
    "A settings file in your home (in the folder .jupyter) kept the server from starting, so it started with the "
    "usual settings instead. Your files, that one too, were not changed. It is often left from an older version: "
    "rename .jupyter in a terminal and restart your server to begin afresh.",
    fatal=False,
)


def main() -> None:
    """Run the server in this process, or a page that says why it cannot run."""
    home = Path(os.environ.get("HOME") or "/home/jovyan")
    problem = problem_with(home)
    if problem is not None and problem.fatal:
        from libretexts_image.stand_in import serve

        print(f"libretexts: {problem.title}: {problem.explanation}", file=sys.stderr, flush=True)
        serve(problem)
        return
    keep_short_lived_files_out_of(home, full=problem is not None)
    if os.environ.get("LIBRETEXTS_WITHOUT_SETTINGS") == "1":
        problem = problem or SETTINGS
    if problem is not None:
        show_first(problem)
    start()


def keep_short_lived_files_out_of(home: Path, *, full: bool) -> None:
    """Put sockets and connection files below /tmp, and in a full home the settings too."""
    if "JUPYTER_RUNTIME_DIR" not in os.environ:
        os.environ["JUPYTER_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="jupyter-runtime-")
    if full and not (home / ".jupyter" / "migrated").exists():
        os.environ.setdefault("JUPYTER_CONFIG_DIR", tempfile.mkdtemp(prefix="jupyter-config-"))
    if full:
        os.environ.setdefault("IPYTHONDIR", tempfile.mkdtemp(prefix="ipython-"))
        os.environ.setdefault("MPLCONFIGDIR", tempfile.mkdtemp(prefix="matplotlib-"))


def show_first(problem: Problem) -> None:
    """Let the server open on a page with the problem, which leads on to where it would have opened."""
    os.environ["LIBRETEXTS_NOTICE_TITLE"] = problem.title
    os.environ["LIBRETEXTS_NOTICE"] = problem.explanation
    os.environ["LIBRETEXTS_NOTICE_NEXT"] = os.environ.get("JUPYTERHUB_DEFAULT_URL") or "/lab"
    os.environ["JUPYTERHUB_DEFAULT_URL"] = "/libretexts/notice"


def start() -> None:
    """Start the hub's single-user server, or JupyterLab alone where no hub started the container."""
    from libretexts_image import pages

    given = sys.argv[1:]
    try:
        if "JUPYTERHUB_API_TOKEN" in os.environ:
            from jupyterhub.singleuser import main as serve

            sys.exit(serve())
        from jupyterlab.labapp import main as serve_alone

        usual = (
            [] if any(word.startswith(("--ip=", "--ServerApp.ip=")) for word in given) else ["--ip=0.0.0.0"]
        )
        sys.argv[1:1] = [*usual, "--no-browser"]
        sys.exit(serve_alone())
    except (Exception, SystemExit) as stopped:
        failed = not isinstance(stopped, SystemExit) or stopped.code not in (0, None)
        if failed and not pages.came_up() and os.environ.get("LIBRETEXTS_WITHOUT_SETTINGS") != "1":
            print(
                f"libretexts: the server did not start ({stopped}); trying without the user's settings",
                file=sys.stderr,
            )
            start_without_settings(given)
        raise


def start_without_settings(given: list[str]) -> NoReturn:
    """Replace this process by one with the same arguments that reads no settings from the home."""
    os.environ["LIBRETEXTS_WITHOUT_SETTINGS"] = "1"
    os.environ["JUPYTERHUB_DISABLE_USER_CONFIG"] = "1"
    os.environ["JUPYTER_CONFIG_DIR"] = tempfile.mkdtemp(prefix="jupyter-config-")
    sys.stderr.flush()
    arguments = [sys.executable, "-I", "-m", "libretexts_image", *given]
    os.execv(sys.executable, arguments)


if __name__ == "__main__":
    main()
