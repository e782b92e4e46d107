"""What holds for every command. If these fail, scripts and people are told nonsense."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from jupyterhub_libretexts.cli import check, main
from tests.cli.support import COMMAND, EXAMPLE, ROOT, called, surroundings

HEAVY = (
    "pydantic",
    "yaml",
    "jinja2",
    "aiohttp",
    "jupyterhub",
    "kubespawner",
    "kubernetes_asyncio",
    "tornado",
)


def loaded_by(*arguments: str) -> set[str]:
    """Names of the packages that a command imported."""
    program = (
        "import sys; from jupyterhub_libretexts.cli.main import main; main(sys.argv[1:]);"
        "print('LOADED', *{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
        timeout=60,
    )
    return set(done.stdout.splitlines()[-1].split()[1:])


def test_help_loads_nothing_heavy():
    """Completion and --help would keep people waiting for seconds."""
    assert loaded_by("--help").isdisjoint(HEAVY)


@pytest.mark.parametrize("arguments", [["check"], ["explain", "--user", "ada"]])
def test_a_command_loads_no_hub_and_no_cluster(arguments):
    """check in an editor or a commit hook is used only if it answers at once."""
    loaded = loaded_by(*arguments, str(EXAMPLE))
    assert loaded.isdisjoint(set(HEAVY) - {"pydantic", "yaml"})
    assert "pydantic" in loaded


def test_every_command_has_help_with_an_example():
    """An operator learns a command from its --help."""
    top = called("--help")
    assert top.status == 0
    for module in main.COMMANDS:
        name = (
            sys.modules[module].NAME if module in sys.modules else __import__(module, fromlist=["NAME"]).NAME
        )
        assert re.search(rf"^    {name}\s", top.out, re.MULTILINE)
        answer = called(name, "--help")
        assert answer.status == 0
        assert f"jupyterhub-libretexts {name} " in answer.out.partition("examples:")[2] + " "


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "required: COMMAND"),
        (["chek"], "did you mean check?"),
        (["check"], "required: FILE"),
        (["check", "x", "--formt"], "did you mean --format?"),
        (["check", "x", "--format", "jsn"], "did you mean json?"),
        (["explain", "x"], "required: --user"),
        (["explain", str(EXAMPLE), "--user", "ada", "--claim", "novalue"], "write NAME=VALUE"),
        (["explain", str(EXAMPLE), "--user", "ada", "--at", "tomorrow"], "2026-12-18"),
        (["check", "x", "--\x1b[2J"], "\\x1b[2J"),
    ],
)
def test_wrong_use_is_one_line_and_exit_status_2(arguments, words):
    """A page of usage buries the one word that was mistyped."""
    answer = called(*arguments)
    assert (answer.status, answer.out) == (2, "")
    assert words in answer.error
    assert answer.error.count("\n") == 1
    assert "\x1b" not in answer.error


def test_a_defect_is_one_line_that_says_so_and_debug_shows_where(monkeypatch, capsys):
    """A traceback frightens an operator and tells nothing about their file."""

    def fail(*_arguments):
        raise RuntimeError("something \x1b[31modd")

    monkeypatch.setattr(check, "_line", fail)
    assert main.main(["check", "missing.yaml"]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "defect of the program" in told
    assert "--debug" in told
    assert "\x1b" not in told
    with pytest.raises(RuntimeError):
        main.main(["check", "missing.yaml", "--debug"])


def test_an_interrupted_command_ends_with_130_and_without_words(monkeypatch, capsys):
    """Ctrl-C is no error to explain."""

    def interrupted(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(check, "_line", interrupted)
    assert main.main(["check", "missing.yaml"]) == 130
    assert capsys.readouterr().err == ""


def test_a_reader_who_leaves_early_is_no_error():
    """`… schema | head` must not end in a traceback."""
    reader = subprocess.Popen(
        [*COMMAND, "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, env=surroundings()
    )
    assert reader.stdout is not None
    assert reader.stderr is not None
    reader.stdout.close()
    with reader:
        assert reader.stderr.read() == b""
    assert reader.returncode == 141


def test_a_full_disk_is_said_in_one_line():
    """A file cut short that nobody notices is worse than none."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*COMMAND, "schema"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == "jupyterhub-libretexts: cannot write: No space left on device\n"


@pytest.mark.parametrize(
    ("wish", "coloured"),
    [({}, False), ({"FORCE_COLOR": "1"}, True), ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False)],
)
def test_colour_is_for_terminals_and_for_who_asks(wish, coloured):
    """Escape sequences in a log or a pipe make it unreadable."""
    answer = called("check", EXAMPLE, environment=surroundings(**wish))
    assert ("\x1b[" in answer.out) is coloured
