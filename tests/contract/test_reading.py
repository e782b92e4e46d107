"""Lists, selectors and watches: how clients keep up."""

from __future__ import annotations

import pytest

from tests.contract.support import Api, config_map, nowhere, pod


def names(body: dict) -> list[str]:
    return [each["metadata"]["name"] for each in body["items"]]


async def three(api: Api) -> None:
    for name, labels in (("a", {"size": "small"}), ("b", {"size": "large"}), ("c", {})):
        await api.create("configmaps", config_map(name, labels={**labels, "mine": "yes"}))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("size=small", ["a"]),
        ("size==large", ["b"]),
        ("mine,size!=small", ["b", "c"]),
        ("mine,size in (small, large)", ["a", "b"]),
        ("mine,size notin (small)", ["b", "c"]),
        ("size", ["a", "b"]),
        ("mine,!size", ["c"]),
    ],
)
async def test_labels_select(api: Api, text: str, wanted: list[str]) -> None:
    """A hub sees its own pods and nobody else's."""
    await three(api)
    assert names((await api.get("configmaps", labelSelector=text)).body) == wanted


async def test_fields_select(api: Api) -> None:
    """The events of one pod are read without everybody's."""
    await three(api)
    assert names((await api.get("configmaps", fieldSelector="metadata.name=b")).body) == ["b"]
    await api.create("pods", pod("one", nodeSelector=nowhere()))
    await api.create("pods", pod("two", nodeSelector=nowhere()))
    pending = (await api.get("pods", fieldSelector="status.phase=Pending,metadata.name!=one")).body
    assert names(pending) == ["two"]
    assert names((await api.get("pods", fieldSelector="spec.nodeName=somewhere")).body) == []


@pytest.mark.parametrize("query", [{"labelSelector": "a=(b"}, {"fieldSelector": "spec.image=x"}])
async def test_a_selector_that_makes_no_sense_is_refused(api: Api, query: dict[str, str]) -> None:
    """A mistyped selector never selects everything."""
    answer = await api.get("pods", **query)
    assert answer.code == 400
    assert answer.body["reason"] == "BadRequest"


async def test_a_list_in_pages_shows_one_moment(api: Api) -> None:
    """A list read in pieces holds no object twice and misses none, whatever is written meanwhile."""
    for name in "abcde":
        await api.create("configmaps", config_map(name, labels={"mine": "yes"}))
    everything = names((await api.get("configmaps")).body)
    first = (await api.get("configmaps", limit=2)).body
    assert len(first["items"]) == 2
    assert first["metadata"]["remainingItemCount"] == len(everything) - 2
    await api.delete("configmaps", "e")
    await api.create("configmaps", config_map("bb"))
    seen = names(first)
    token = first["metadata"]["continue"]
    while token:
        page = (await api.get("configmaps", limit=2, **{"continue": token})).body
        assert page["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
        seen += names(page)
        token = page["metadata"].get("continue", "")
    assert seen == everything


async def test_a_watch_tells_every_change_in_order(api: Api) -> None:
    """Progress pages and polls rest on an unbroken story."""
    start = (await api.get("configmaps")).body["metadata"]["resourceVersion"]
    await api.create("configmaps", config_map())
    await api.patch("configmaps", "notes", {"data": {"a": "2"}})
    await api.delete("configmaps", "notes")
    seen = await api.watch("configmaps", lambda seen: len(seen) == 3, resourceVersion=start)
    assert [each["type"] for each in seen] == ["ADDED", "MODIFIED", "DELETED"]
    assert [each["object"]["data"]["a"] for each in seen] == ["1", "2", "2"]
    versions = [int(each["object"]["metadata"]["resourceVersion"]) for each in seen]
    assert versions == sorted(set(versions))


async def test_a_watch_goes_on_where_a_list_ended(api: Api) -> None:
    """Nothing is told twice."""
    await api.create("configmaps", config_map("before"))
    start = (await api.get("configmaps")).body["metadata"]["resourceVersion"]
    await api.create("configmaps", config_map("after"))
    seen = await api.watch("configmaps", len, resourceVersion=start)
    assert [each["object"]["metadata"]["name"] for each in seen] == ["after"]


async def test_a_watch_by_label_tells_who_comes_and_who_leaves(api: Api) -> None:
    """A pod that loses the hub's label is gone for the hub."""
    start = (await api.get("configmaps")).body["metadata"]["resourceVersion"]
    await api.create("configmaps", config_map())
    await api.patch("configmaps", "notes", {"metadata": {"labels": {"mine": "yes"}}})
    await api.patch("configmaps", "notes", {"metadata": {"labels": {"mine": None}}})
    seen = await api.watch(
        "configmaps", lambda seen: len(seen) == 2, resourceVersion=start, labelSelector="mine"
    )
    assert [each["type"] for each in seen] == ["ADDED", "DELETED"]


async def test_a_watch_without_a_version_begins_with_what_there_is(api: Api) -> None:
    """A client that never listed still learns everything."""
    await api.create("configmaps", config_map())
    seen = await api.watch("configmaps", len, fieldSelector="metadata.name=notes")
    assert [(each["type"], each["object"]["metadata"]["name"]) for each in seen] == [("ADDED", "notes")]


async def test_a_streamed_list_ends_with_a_bookmark(api: Api) -> None:
    """Newer clients list by watching and wait for this mark."""
    await api.create("configmaps", config_map())
    seen = await api.watch(
        "configmaps",
        lambda seen: seen[-1]["type"] == "BOOKMARK",
        sendInitialEvents="true",
        allowWatchBookmarks="true",
        resourceVersionMatch="NotOlderThan",
    )
    assert seen[-1]["object"]["metadata"]["annotations"] == {"k8s.io/initial-events-end": "true"}
    assert int(seen[-1]["object"]["metadata"]["resourceVersion"]) > 0
    assert "notes" in {each["object"]["metadata"].get("name") for each in seen[:-1]}


async def test_a_watch_ends_when_its_time_is_over(api: Api) -> None:
    """A client that asked for a second is not held for half an hour."""
    start = (await api.get("configmaps")).body["metadata"]["resourceVersion"]
    assert await api.watch("configmaps", len, resourceVersion=start, timeoutSeconds=1) == []


async def test_a_watch_from_a_forgotten_version_is_told_to_start_again(api: Api) -> None:
    """An informer that slept lists anew instead of missing what happened."""
    api.forget_history()
    seen = await api.watch("configmaps", len, resourceVersion=1)
    assert seen[0]["type"] == "ERROR"
    status = seen[0]["object"]
    assert (status["kind"], status["code"], status["reason"]) == ("Status", 410, "Expired")
    assert status["message"].startswith("too old resource version: 1 (")


async def test_a_version_that_does_not_exist_yet_is_refused(api: Api) -> None:
    """A client that talked to a newer server does not read the past as the present."""
    now = int((await api.get("configmaps")).body["metadata"]["resourceVersion"])
    answer = await api.get("configmaps", resourceVersion=now + 10_000_000)
    assert answer.code == 504
    assert answer.body["reason"] == "Timeout"
    assert "Too large resource version" in answer.message
