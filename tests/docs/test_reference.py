"""The generated pages say what the code does."""

from __future__ import annotations

import pytest

from dev.reference import commands, errors, modules, settings
from dev.reference.pages import PAGES, ROOT
from jupyterhub_libretexts.settings.models import Settings


@pytest.mark.parametrize("name", PAGES)
def test_a_committed_page_is_what_the_code_says_today(name) -> None:
    """An operator would read about keys and commands that are no longer there."""
    page = ROOT / name
    assert page.exists(), f"{name} is missing; run: .venv/bin/python -m dev.reference"
    assert page.read_text() == PAGES[name](), f"{name} is stale; run: .venv/bin/python -m dev.reference"


def test_every_setting_is_documented_where_it_stands() -> None:
    """A key without a meaning is a key that nobody dares to use."""
    page = (ROOT / "docs/reference/settings.md").read_text()
    sections = {part.partition("\n")[0]: part for part in page.split("\n## ")[1:]}
    documented = set()
    for title, text in sections.items():
        rows = [line.split(" | ") for line in text.replace("\\|", "/").splitlines() if line.startswith("| `")]
        for key, _, _, meaning in rows:
            assert meaning.strip(" |"), f"{title}: {key} has no meaning; its model's docstring says none"
            places = [""] if title == "The file" else [f"{each.strip(' `')}." for each in title.split(",")]
            documented |= {f"{place}{key.strip('|` ')}" for place in places}
    assert documented == set(settings.paths(Settings.model_json_schema(by_alias=True)))


def test_every_command_and_every_option_is_documented() -> None:
    """What a command can do is found in one place."""
    page = (ROOT / "docs/reference/commands.md").read_text()
    assert commands.commands()
    for command in commands.commands():
        assert f"## `{command.prog}`" in page
        options = [option for action in command._actions for option in action.option_strings]
        missing = [option for option in options if option not in {"-h", "--help"} and option not in page]
        assert not missing, f"{command.prog}: {missing}"


def test_every_error_is_documented_in_the_tree_and_in_words() -> None:
    """Who reads a log looks its word up here."""
    page = (ROOT / "docs/reference/errors.md").read_text()
    tree = page.partition("```text")[2].partition("```")[0]
    for each in errors.error_classes():
        assert each.__name__ in tree
        words = page.partition(f"## `{each.__name__}`\n\n")[2].partition("\n")[0]
        assert len(words.split()) > 2, each.__name__


def test_every_module_is_on_the_architecture_page_and_says_what_it_is() -> None:
    """The page is the first thing that a new contributor reads."""
    page = (ROOT / "docs/architecture.md").read_text()
    for name, path in modules.modules(ROOT).items():
        if path.stat().st_size:
            assert modules.first_sentence(path), f"{name} has no docstring"
        assert f"- `{name}`" in page


def test_every_room_of_the_layers_is_drawn_on_the_architecture_page() -> None:
    """The drawing and the contract are the same thing, told twice."""
    import configparser

    contracts = configparser.ConfigParser()
    contracts.read(ROOT / ".importlinter")
    layers = contracts["importlinter:contract:layers"]["layers"].replace("|", "\n").split("\n")
    rooms = [layer.strip(" ()").removeprefix("jupyterhub_libretexts.") for layer in layers if layer.strip()]
    drawing = (ROOT / "docs/architecture.md").read_text().partition("## The rooms")[2].split("```")[1]
    drawn = drawing.removeprefix("text").replace("│", "\n").split()
    existing = [room for room in rooms if room in drawn or (ROOT / "jupyterhub_libretexts" / room).is_dir()]
    assert drawn == existing
