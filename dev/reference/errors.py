"""The page of errors, from the one module that defines them."""

from __future__ import annotations

import inspect

from jupyterhub_libretexts import errors

__all__ = ["error_classes", "page"]


def page() -> str:
    """The tree as drawn in the module, then each class in its own words."""
    tree = inspect.getdoc(errors) or ""
    drawing = "\n".join(line[4:] for line in tree.splitlines() if line.startswith("    "))
    parts = [
        "# Errors\n",
        "Everything that the package raises on purpose. Pages and commands turn these into plain words and a",
        "next step; nobody reads a traceback. This page is generated; do not edit it.\n",
        f"```text\n{drawing}\n```\n",
    ]
    parts += [f"## `{each.__name__}`\n\n{described(each)}\n" for each in error_classes()]
    return "\n".join(parts)


def error_classes() -> list[type[Exception]]:
    """The public exceptions, in the order of the file."""
    classes = [
        each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, Exception)
    ]
    return [each for each in classes if each.__module__ == errors.__name__]


def described(each: type[Exception]) -> str:
    """A class's docstring as Markdown."""
    text = inspect.cleandoc(each.__doc__ or "").replace("``", "`")
    head, _, attributes = text.partition("Attributes:\n")
    items = (line.strip().partition(": ") for line in attributes.splitlines())
    return "\n".join([head, *(f"- `{name}`: {meaning}" for name, _, meaning in items)]).strip()
