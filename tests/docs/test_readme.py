"""The file that the README shows is a file that works."""

from __future__ import annotations

from pathlib import Path

from jupyterhub_libretexts.settings.load import review

ROOT = Path(__file__).resolve().parents[2]


def test_the_settings_in_the_readme_load_without_a_warning(tmp_path) -> None:
    """The first thing that a newcomer copies must work."""
    shown = (ROOT / "README.md").read_text().partition("```yaml\n")[2].partition("```")[0]
    file = tmp_path / "libretexts.yaml"
    file.write_text(shown)
    reviewed = review(file)
    assert not reviewed.problems
    assert reviewed.settings is not None
    assert reviewed.settings.environments.keys() == {"python", "r"}
