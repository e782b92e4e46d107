"""``explain`` down to the pod. If these fail, what an operator reviews is not what students get."""

import json

import pytest
import yaml

from tests.cli.support import SCENARIO, called, explain

ADA = ("--user", "ada", "--email", "ada@ucdavis.edu", "--environment", "python")

OURS = f"""\
from jupyterhub_libretexts import configure
configure(c, {str(SCENARIO)!r})
c.LibreTextsSpawner.extra_labels = {{"campus": "west"}}
c.LibreTextsSpawner.environment = {{"DATABASE_PASSWORD": "hunter2", "REGION": "west"}}
"""


def pod(answer):
    return json.loads(answer.out)["manifest"]


def with_configuration(tmp_path, text):
    config = tmp_path / "jupyterhub_config.py"
    config.write_text(text)
    return config, explain(SCENARIO, *ADA, "--hub-config", config, "--format", "json")


def test_a_choice_shows_the_pod_over_kubespawners_defaults():
    """What a review of the settings compares before and after."""
    answer = called("explain", SCENARIO, *ADA, "--format", "json")
    assert (answer.status, answer.error) == (0, "")
    spec = pod(answer)["spec"]
    assert spec["nodeSelector"] == {"pool": "teaching"}
    assert spec["priorityClassName"] == "teaching"
    assert spec["containers"][0]["image"] == "images.example.edu/python:1"


def test_with_a_hubs_configuration_it_is_that_hubs_pod(tmp_path):
    """Labels and hooks of the hub itself belong to what is sent."""
    hook = "def hook(spawner, pod):\n    pod.spec.hostname = 'classroom'\n    return pod\n"
    _, answer = with_configuration(tmp_path, OURS + hook + "c.LibreTextsSpawner.modify_pod_hook = hook\n")
    assert (answer.status, answer.error) == (0, "")
    assert pod(answer)["metadata"]["labels"]["campus"] == "west"
    assert pod(answer)["spec"]["hostname"] == "classroom"


def test_no_secret_is_printed(tmp_path):
    """Explanations are pasted into tickets."""
    _, answer = with_configuration(tmp_path, OURS)
    values = {item["name"]: item.get("value") for item in pod(answer)["spec"]["containers"][0]["env"]}
    assert values["REGION"] == "west"
    assert values["DATABASE_PASSWORD"] == values["JUPYTERHUB_API_TOKEN"] == "(not shown)"
    assert "hunter2" not in answer.out + answer.error


def test_a_hook_that_widens_the_plan_is_told_here_and_not_by_students(tmp_path):
    """Found at review, it refuses nobody in class."""
    hook = "def hook(spawner, pod):\n    pod.spec.node_selector = {}\n    return pod\n"
    _, answer = with_configuration(tmp_path, OURS + hook + "c.LibreTextsSpawner.modify_pod_hook = hook\n")
    assert answer.status == 1
    assert "hook" in answer.error


def test_a_configuration_that_fails_is_told_by_its_line(tmp_path):
    """Forty lines of a traceback hide the one that is wrong."""
    config, answer = with_configuration(tmp_path, OURS + "c.LibreTextsSpawner.extra_labels = undefined\n")
    assert answer.status == 1
    assert answer.error.startswith(f"{config}:5:1: ")
    assert "NameError" in answer.error
    assert answer.error.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "there is no such file"),
        ('c.JupyterHub.spawner_class = "simple"\n', "SimpleLocalProcessSpawner"),
    ],
)
def test_a_hub_that_is_not_ours_is_wrong_use(tmp_path, text, words):
    """A manifest that no hub would send is worse than none."""
    config = tmp_path / "jupyterhub_config.py"
    if text is not None:
        config.write_text(text)
    answer = explain(SCENARIO, *ADA, "--hub-config", config)
    assert (answer.status, answer.error.count("\n")) == (2, 1)
    assert words in answer.error


def test_text_and_yaml_show_the_pod_too():
    """Whichever form is read, the pod is in it."""
    as_yaml = yaml.safe_load(explain(SCENARIO, *ADA, "--format", "yaml").out)
    assert as_yaml["manifest"]["metadata"]["name"] == "jupyter-ada"
    assert "\nManifest\n  apiVersion: v1\n" in explain(SCENARIO, *ADA).out
