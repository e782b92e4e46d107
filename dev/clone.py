"""A copy of what somebody else would clone: committed files, and new ones that git does not ignore."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

from dev.environments import ROOT

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["copy_clone"]


def copy_clone(target: Path) -> Path:
    """Copy the project as it stands, work in progress included, and nothing that was built in it."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target
