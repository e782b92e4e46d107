"""Execute cells in a container's kernel through nbclient and bring back what they gave."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.images.live.containers import Container

EXECUTE = """
import json, sys
import nbformat
from nbclient import NotebookClient
kernel, cells = sys.argv[1], json.loads(sys.argv[2])
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
NotebookClient(notebook, kernel_name=kernel, timeout=120, allow_errors=True).execute()
print("RESULT" + json.dumps([cell.outputs for cell in notebook.cells]))
"""


@dataclass(frozen=True)
class Result:
    """The outputs of one cell."""

    outputs: list[dict[str, Any]]

    @property
    def text(self) -> str:
        """Everything that reads as text, errors too."""
        parts = []
        for output in self.outputs:
            parts += [output.get("text", ""), output.get("data", {}).get("text/plain", "")]
            parts += ["\n".join(output.get("traceback", []))]
        return "\n".join(part for part in parts if part)

    @property
    def picture(self) -> str:
        """The first picture, in base64; empty where the cell drew none."""
        pictures = [output.get("data", {}).get("image/png", "") for output in self.outputs]
        return next((picture for picture in pictures if picture), "")


def executed(container: Container, kernel: str, *cells: str) -> list[Result]:
    """Execute cells in order in one kernel."""
    printed = container.python(EXECUTE, kernel, json.dumps(cells), limit=180)
    line = next(line for line in printed.splitlines() if line.startswith("RESULT"))
    return [Result(outputs) for outputs in json.loads(line.removeprefix("RESULT"))]
