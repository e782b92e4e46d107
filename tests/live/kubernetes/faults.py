"""The table of faults: one row for each that a test caused, with what the student read and what was left.

``pytest tests/live/kubernetes/test_faults.py --update-golden`` writes it into ``docs/faults.md``. Seconds
are those of that run; everything else in a row is checked by its test each time.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs/faults.md"
BEGIN, END = "<!-- faults: generated -->", "<!-- faults: end -->"


@dataclass(frozen=True)
class Row:
    """One fault as it went."""

    test: str
    """Name of the test that proves it."""
    fault: str
    read: str
    """What the student read, in the hub's words."""
    after: str
    seconds: float
    """From the fault to everything being well again."""
    left: str = "nothing"

    def line(self) -> str:
        """As a row of Markdown."""
        test = f"[`{self.test}`](https://github.com/LibreTexts/jupyterhub-libretexts/blob/main/tests/live/kubernetes/test_faults.py)"
        cells = (self.fault, self.read, self.after, f"{self.seconds:.0f} s", self.left, test)
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def write(rows: list[Row]) -> None:
    """Put the table into the page."""
    head = "| fault | what the student reads | what happens | well again after | left behind | proved by |\n"
    head += "|---|---|---|---|---|---|\n"
    table = head + "\n".join(row.line() for row in rows)
    page = PAGE.read_text(encoding="utf8")
    fresh = re.sub(f"{BEGIN}.*{END}", lambda _: f"{BEGIN}\n\n{table}\n\n{END}", page, flags=re.DOTALL)
    PAGE.write_text(fresh, encoding="utf8")
