"""The commands in README and guides run as they stand."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dev.console import Block, blocks

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCKS = [block for page in PAGES for block in blocks(ROOT, page)]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: f"{block.page}:{block.line}")
def test_a_block_of_commands_runs(block: Block, clone: Path) -> None:
    """A newcomer types what is printed; a command that fails is where they leave."""
    if block.reason is not None:
        assert len(block.reason) > 20, f"{block.page}:{block.line}: say why it is not run"
        pytest.skip(f"{block.page}:{block.line}: {block.reason}")
    assert block.commands, f"{block.page}:{block.line}: a console block without a command"
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(block.commands)],
        cwd=clone,
        env={**os.environ, "PATH": path},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"{block.page}:{block.line}\n{done.stdout}{done.stderr}"
    printed = done.stdout.splitlines()
    missing = [line for line in block.output if line not in printed]
    assert not missing, f"{block.page}:{block.line}: not printed: {missing}; printed:\n{done.stdout}"


def test_there_are_commands_to_run() -> None:
    """A change of the pages' form must not make this test vanish."""
    assert sum(block.reason is None for block in BLOCKS) >= 3


def test_a_block_is_read_with_its_output_and_its_reason(tmp_path) -> None:
    """The reader of blocks is itself something that can be wrong."""
    page = tmp_path / "page.md"
    page.write_text(
        "```console\n$ echo one\none\n```\n\ntext\n\n"
        "  ```console\n  $ sleep 9\n  ```\n  <!-- not run: too\n  slow -->\n"
    )
    first, second = blocks(tmp_path, page)
    assert (first.commands, first.output, first.reason, first.line) == (("echo one",), ("one",), None, 1)
    assert (second.commands, second.reason, second.line) == (("sleep 9",), "too slow", 8)
