"""``check``. If these fail, an operator hunts for a mistake that the program knew."""

import json
import re
import resource
import subprocess

from tests.cli.support import COMMAND, EXAMPLE, ROOT, called, surroundings

WRONG = """\
hub: {titel: X}
organizations: {a: {title: A, environments: [pyton]}}
environments: {python: {title: P, image: x}}
sizes: {small: {cpu: {guarantee: 1, limit: 2}, memory: {guarantee: 1Gi, limit: 2Gi}}}
"""


def test_the_example_is_fine():
    """The first file that anybody checks is ours."""
    answer = called("check", EXAMPLE)
    assert (answer.status, answer.error) == (0, "")
    assert answer.out.splitlines()[-1].startswith("no problems")


def test_every_mistake_is_told_at_once_where_it_stands(tmp_path):
    """One mistake for each run would take an evening."""
    file = tmp_path / "wrong.yaml"
    file.write_text(WRONG)
    answer = called("check", file)
    assert answer.status == 1
    first, second, summary = answer.out.splitlines()
    assert first.startswith(f"{file}:1:7: hub.titel: ")
    assert "did you mean 'title'?" in first
    assert second.startswith(f"{file}:2:46: organizations.a.environments.0: ")
    assert "did you mean 'python'?" in second
    assert summary.startswith("2 problems")


def test_json_carries_the_same_for_programs(tmp_path):
    """An editor marks the place from these fields."""
    file = tmp_path / "wrong.yaml"
    file.write_text(WRONG)
    answer = called("check", file, "--format", "json")
    assert answer.status == 1
    first, second = json.loads(answer.out)
    assert set(first) == {"file", "line", "column", "key", "message", "allowed", "suggestion", "severity"}
    assert (first["file"], first["line"], first["column"]) == (str(file), 1, 7)
    assert (first["suggestion"], first["severity"]) == ("title", "error")
    assert second["key"] == "organizations.a.environments.0"


def test_a_warning_is_no_failure():
    """What this version does not do yet is said, and the file stays usable."""
    answer = called("check", EXAMPLE, "--format", "json")
    assert answer.status == 0
    assert {problem["severity"] for problem in json.loads(answer.out)} == {"warning"}


def test_what_is_no_file_is_told_in_one_line(tmp_path):
    """A mistyped path is the commonest mistake of all."""
    for path in (tmp_path / "missing.yaml", tmp_path, "/dev/null"):
        answer = called("check", path)
        assert answer.status == 1
        assert re.match(rf"{re.escape(str(path))}:\d+:\d+: ", answer.out)
        assert "Traceback" not in answer.out + answer.error


def test_a_name_that_steers_the_terminal_is_shown_and_not_obeyed(tmp_path):
    """A file from elsewhere must not write into the operator's terminal."""
    file = tmp_path / "odd\x1b[2J.yaml"
    file.write_text('hub: {"ti\\e[31mtle": X}\n')
    answer = called("check", file)
    assert answer.status == 1
    assert "\x1b" not in answer.out


def test_an_overlay_is_checked_with_what_it_lies_over(tmp_path):
    """Staging is one file over production's, and its mistakes are its own."""
    over = tmp_path / "staging.yaml"
    over.write_text("organizations: {ucdavis: {network: camps}}\n")
    answer = called("check", EXAMPLE, over)
    assert answer.status == 1
    [problem] = [line for line in answer.out.splitlines()[:-1] if "warning" not in line]
    assert problem.startswith(f"{over}:1:36: organizations.ucdavis.network: ")


def test_the_example_is_checked_within_half_a_second_of_processor(tmp_path):
    """Slower, and nobody has it run at each save; processor time, so that other work here counts for nothing."""
    environment = surroundings(PYTHONPYCACHEPREFIX=str(tmp_path), PYTHONDONTWRITEBYTECODE="")
    command = [*COMMAND, "check", str(EXAMPLE)]
    used = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, env=environment, cwd=ROOT, check=True, capture_output=True, timeout=60)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        used.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert min(used[1:]) < 0.5
