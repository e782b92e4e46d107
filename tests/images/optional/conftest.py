"""The same containers and homes as in the live tests."""

from tests.images.live.conftest import containers, core, engine, home

__all__ = ["containers", "core", "engine", "home"]
