"""Write every generated page: ``python -m dev.reference``."""

from __future__ import annotations

from dev.reference.pages import PAGES, ROOT


def main() -> None:
    """Write what changed, and say so."""
    for name, generate in PAGES.items():
        path = ROOT / name
        text = generate()
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            print(f"written: {name}")


if __name__ == "__main__":
    main()
