"""``completion``. If these fail, TAB offers what is not there, or nothing."""

import shutil
import subprocess

import pytest

from tests.cli.support import called


def offered_by_bash(*typed):
    """What bash would offer after these words."""
    words = " ".join(f"'{word}'" for word in ("jupyterhub-libretexts", *typed))
    script = called("completion", "bash").out + (
        f"COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); _jupyterhub_libretexts;"
        ' printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=30)
    assert done.stderr == ""
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["ch"], {"check"}),
        (["check", "--f"], {"--format"}),
        (["check", "--format", ""], {"text", "json"}),
        (["explain", "--format", "y"], {"yaml"}),
        (["explain", "--user", ""], set()),
        (["completion", ""], {"bash", "zsh", "fish"}),
    ],
)
def test_bash_offers_commands_options_and_their_values(typed, offered):
    """Names of commands and formats are not worth learning by heart."""
    assert offered_by_bash(*typed) == offered


def test_bash_offers_files_where_a_file_is_meant():
    """The settings' own path is the longest word of the line."""
    assert "README.md" in offered_by_bash("check", "READ")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_read_by_its_shell(shell):
    """A mistake in it is shown at each start of the shell."""
    if shutil.which(shell) is None:
        pytest.skip(f"not tried: this machine has no {shell}")
    script = called("completion", shell).out
    option = ["--no-execute"] if shell == "fish" else ["-n"]
    done = subprocess.run(
        [shell, *option], input=script, capture_output=True, text=True, timeout=30, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
