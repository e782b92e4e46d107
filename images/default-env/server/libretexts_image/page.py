"""One plain page: a title, an explanation, a way on. No script, no outside file."""

from __future__ import annotations

from html import escape

STYLE = """
:root { color-scheme: light dark; }
body { font: 1.1rem/1.6 system-ui, "DejaVu Sans", sans-serif; margin: 0; display: grid; min-height: 100vh; }
main { max-width: 38rem; margin: auto; padding: 2rem; }
h1 { font-size: 1.6rem; line-height: 1.25; }
a { display: inline-block; margin: 1rem 1rem 0 0; padding: .6rem 1.1rem; border: 2px solid #127bc4;
    border-radius: .4rem; text-decoration: none; color: inherit; }
a.first { background: #0f6aa9; border-color: #0f6aa9; color: #fff; }
"""


def page(title: str, explanation: str, ways_on: list[tuple[str, str]]) -> str:
    """Return the page as HTML.

    Args:
        title: The heading.
        explanation: One paragraph.
        ways_on: Pairs of label and address; the first is shown as the usual one.
    """
    links = "".join(
        f'<a{" class=first" if number == 0 else ""} href="{escape(address)}">{escape(label)}</a>'
        for number, (label, address) in enumerate(ways_on)
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1><p>{escape(explanation)}</p>{links}</main></body></html>"
    )
