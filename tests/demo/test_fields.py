"""The table of fields is what Kubernetes publishes."""

from __future__ import annotations

import importlib.util
from pathlib import Path


def test_the_table_of_fields_is_the_one_of_the_published_schemas() -> None:
    """Else a field of a newer Kubernetes is called unknown, or a mistyped one is let through."""
    path = Path(__file__).with_name("make_fields.py")
    spec = importlib.util.spec_from_file_location("make_fields", path)
    assert spec is not None
    assert spec.loader is not None
    maker = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(maker)
    assert maker.TARGET.read_text() == maker.rendered()
