"""``render``: what other programs need, made from the settings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from jupyterhub_libretexts.cli.output import say, tell
from jupyterhub_libretexts.cli.parsers import Commands, Parser, add_files, command
from jupyterhub_libretexts.cli.place import add_place, place_of
from jupyterhub_libretexts.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from jupyterhub_libretexts.core.objects import Manifest

__all__ = ["NAME", "register", "run"]

NAME = "render"
LIVE = "live"


def register(commands: Commands[Parser]) -> None:
    """Add the command."""
    made = command(
        commands,
        NAME,
        run,
        summary="print the objects that a cluster needs before the first server",
        details="Namespaces, rights, quotas, network policies, objects of Calico: for `kubectl apply -f -`\n"
        "or as files: one for the cluster and one for each organisation. With -o, what changes in the\n"
        "folder is printed first, and files of organisations that left are removed. With --against,\n"
        "nothing is written: printed is what would change there, and the commands for what apply does\n"
        "not do. Exit status: 0, and with --against 1 when something would change.",
        examples=(
            "render manifests libretexts.yaml | kubectl apply -f -",
            "render manifests libretexts.yaml -o manifests/",
            "render manifests libretexts.yaml --against live",
        ),
    )
    made.add_argument("what", choices=("manifests",), help="what to print")
    add_files(made)
    where = made.add_mutually_exclusive_group()
    where.add_argument("-o", "--output", metavar="DIR", type=Path, help="write files into this folder")
    where.add_argument(
        "--against",
        metavar="live|DIR",
        help="print what would change in the cluster that kubectl would use, or in a folder",
    )
    add_place(made)


def run(arguments: argparse.Namespace) -> int:
    """Print, write or compare them."""
    from jupyterhub_libretexts.core.manifests import as_text, expected_of_operators, manifests, not_run
    from jupyterhub_libretexts.settings.load import load

    settings = load(arguments.files)
    files = manifests(settings, place_of(arguments), cluster_wide=arguments.cluster_wide)
    objects = [item for made in files.values() for item in made]
    if arguments.against is not None:
        return _compare(arguments.against, objects)
    for note in not_run(objects):
        say(note)
    for namespace, wanted in expected_of_operators(settings).items():
        say(f"to bring yourself: {', '.join(wanted)} in {namespace}")
    if arguments.output is None:
        tell("".join(as_text(made) for made in files.values()).rstrip("\n"))
        return 0
    _write(arguments.output, files)
    return 0


def _compare(against: str, objects: list[Manifest]) -> int:
    from jupyterhub_libretexts.core.changes import changes, words

    if against == LIVE:
        import asyncio

        from jupyterhub_libretexts.cluster.live import ours

        before = asyncio.run(ours(objects))
    else:
        folder = Path(against)
        if not folder.is_dir():
            raise UsageError(f"render: --against {against}: no such folder; write `live` for the cluster")
        before = [item for path in _files(folder) for item in _read(path)]
    found = changes(before, objects)
    for line in words(found):
        tell(line)
    if not found:
        tell("nothing changes")
    return 1 if found else 0


def _write(folder: Path, files: Mapping[str, tuple[Manifest, ...]]) -> None:
    from jupyterhub_libretexts.core.changes import changes, words
    from jupyterhub_libretexts.core.manifests import as_text

    folder.mkdir(parents=True, exist_ok=True)
    before = {path: _read(path) for path in _files(folder)}
    old = [item for made in before.values() for item in made]
    if old:
        for line in words(changes(old, [item for made in files.values() for item in made])):
            say(line)
    for path, held in before.items():
        # A file in which somebody put objects of their own is theirs.
        if path.name not in files and all(_is_ours(item) for item in held):
            path.unlink()
            say(f"removed {path}")
    for name, made in files.items():
        (folder / name).write_text(as_text(made), encoding="utf8")
    say(f"{len(files)} files written to {folder}")


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob("[0-9][0-9]-*.yaml"))


def _read(path: Path) -> list[Manifest]:
    import yaml

    try:
        read = list(yaml.load_all(path.read_text(encoding="utf8"), Loader=_loader()))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise UsageError(f"render: {path} cannot be read: {problem}") from None
    for item in read:
        if not isinstance(item, dict) or not isinstance(item.get("metadata"), dict) or "kind" not in item:
            raise UsageError(f"render: {path} holds something that is no object of a cluster")
    return [item for item in read if _is_ours(item)] if any(map(_is_ours, read)) else read


def _loader() -> type:
    import yaml

    loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return loader


def _is_ours(item: Manifest) -> bool:
    from jupyterhub_libretexts.core.objects import MANAGED

    labels = item["metadata"].get("labels") or {}
    return MANAGED.items() <= labels.items()
