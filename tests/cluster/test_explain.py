"""What a student reads, from what the cluster says.

What a user loses when these fail: a spinner for twenty minutes where one sentence would do.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyterhub_libretexts.cluster.explain import refused, situation


def pod(phase: str = "Pending", **status: object) -> dict:
    return {"metadata": {"name": "jupyter-ada"}, "status": {"phase": phase, **status}}


def event(reason: str, message: str) -> dict:
    return {"reason": reason, "message": message, "type": "Warning"}


def waiting(reason: str, message: str = "") -> dict:
    return {"name": "notebook", "state": {"waiting": {"reason": reason, "message": message}}}


GPU = (
    "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 Insufficient nvidia.com/mig-1g.10gb. "
    "preemption: 0/3 nodes are available: {helpful}."
)
CASES = [
    ("no events", pod(), [], "is looked for", False),
    ("placed", pod(), [event("Scheduled", "Successfully assigned")], "machine was found", False),
    ("pulling", pod(), [event("Pulling", 'Pulling image "x"')], "being fetched", False),
    (
        "full",
        pod(),
        [event("FailedScheduling", "0/2 nodes are available: 2 Insufficient memory.")],
        "full",
        False,
    ),
    (
        "no free GPU",
        pod(),
        [event("FailedScheduling", GPU.format(helpful="1 No preemption victims found, 2 not helpful"))],
        "GPUs of this kind are in use",
        False,
    ),
    (
        "no GPU at all",
        pod(),
        [event("FailedScheduling", GPU.format(helpful="3 Preemption is not helpful for scheduling"))],
        "No machine of this cluster has the GPU",
        True,
    ),
    (
        "no image",
        pod(containerStatuses=[waiting("ErrImagePull", 'failed to pull "x:1": not found')]),
        [],
        "does not exist",
        True,
    ),
    (
        "no image, backing off",
        pod(containerStatuses=[waiting("ImagePullBackOff", 'Back-off pulling image "x:1"')]),
        [
            event("Failed", 'Failed to pull image "x:1": manifest unknown'),
            event("Failed", "Error: ImagePullBackOff"),
            event("BackOff", 'Back-off pulling image "x:1"'),
        ],
        "does not exist",
        True,
    ),
    (
        "not allowed to fetch",
        pod(containerStatuses=[waiting("ErrImagePull", "pull access denied, repository does not exist")]),
        [],
        "may not be fetched",
        True,
    ),
    (
        "registry away",
        pod(containerStatuses=[waiting("ErrImagePull", "dial tcp: i/o timeout")]),
        [],
        "cannot be fetched now",
        False,
    ),
    ("bad image name", pod(containerStatuses=[waiting("InvalidImageName", "x")]), [], "not valid", True),
    (
        "out of memory",
        pod(
            containerStatuses=[
                {
                    "name": "notebook",
                    "restartCount": 3,
                    "state": {"waiting": {"reason": "CrashLoopBackOff"}},
                    "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
                }
            ]
        ),
        [],
        "more memory",
        True,
    ),
    ("time is over", pod("Failed", reason="DeadlineExceeded"), [], "longest time", True),
    (
        "evicted",
        pod("Failed", reason="Evicted", message="node was low on memory"),
        [],
        "ran out of room",
        True,
    ),
    (
        "runs",
        pod("Running", containerStatuses=[{"ready": True, "state": {"running": {}}}]),
        [],
        "answers",
        False,
    ),
]


@pytest.mark.parametrize(
    ("name", "state", "events", "words", "hopeless"), CASES, ids=[case[0] for case in CASES]
)
def test_a_state_is_said_in_plain_words(name, state, events, words, hopeless) -> None:
    """One sentence, a next step where there is one, and an end where waiting cannot help."""
    found = situation(state, events)
    assert words in found.message
    assert found.hopeless is hopeless
    for jargon in ("pod", "node(s)", "kubelet", "preemption", "container"):
        assert jargon not in found.message.lower()


REFUSALS = [
    (
        'pods "x" is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2',
        "uses all",
    ),
    (
        'pods "x" is forbidden: exceeded quota: q, requested: requests.nvidia.com/gpu=1, used: …, limited: …',
        "All GPUs of your organisation",
    ),
    ('namespaces "org-x" not found', "does not exist yet"),
    ('pods "x" is forbidden: violates PodSecurity "baseline:latest": privileged', "does not allow"),
    ('pods is forbidden: User "hub" cannot create resource "pods"', "may not start"),
    ("something else altogether", "refused your server"),
]


@pytest.mark.parametrize(("message", "words"), REFUSALS)
def test_a_refusal_of_the_cluster_is_said_in_plain_words(message: str, words: str) -> None:
    """A student reads what it means and the log what it was."""
    found = refused(403, "Forbidden", message)
    assert words in found.message
    assert message in found.cause


_ANY = st.recursive(
    st.none() | st.text(max_size=20) | st.integers(0, 300),
    lambda inner: st.lists(inner, max_size=3),
    max_leaves=5,
)


@given(st.text(max_size=300), st.text(max_size=300), st.text(max_size=30))
def test_no_text_of_a_cluster_breaks_the_page(message: str, other: str, reason: str) -> None:
    """Whatever a webhook or a node writes, there is a sentence."""
    state = pod(containerStatuses=[waiting(reason, message)])
    found = situation(state, [event(reason, other), event("FailedScheduling", message)])
    assert found.message
    assert 0 <= found.progress <= 100
    assert refused(400, reason, message).message
