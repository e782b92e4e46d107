"""The life of objects: created, read, changed, refused, deleted."""

from __future__ import annotations

import asyncio

import aiohttp
import pytest

from tests.contract.support import Api, config_map, nowhere, pod


async def test_a_new_object_gets_an_identity_and_a_version(api: Api) -> None:
    """Without uid and version no client can tell two objects of one name apart."""
    made = await api.create("configmaps", config_map())
    assert made.code == 201
    metadata = made.body["metadata"]
    assert metadata["namespace"] == api.namespace
    assert metadata["uid"]
    assert int(metadata["resourceVersion"]) > 0
    assert metadata["creationTimestamp"].endswith("Z")
    assert (made.body["kind"], made.body["apiVersion"]) == ("ConfigMap", "v1")


async def test_the_second_object_of_a_name_is_refused(api: Api) -> None:
    """A spawner that starts twice reads this answer to learn that the first start went through."""
    await api.create("configmaps", config_map())
    again = await api.create("configmaps", config_map())
    assert again.code == 409
    assert again.body["reason"] == "AlreadyExists"
    assert again.message == 'configmaps "notes" already exists'
    assert again.body["details"] == {"name": "notes", "kind": "configmaps"}


async def test_a_missing_object_is_named(api: Api) -> None:
    """A poll of a server that is gone rests on this."""
    gone = await api.get("pods", "nobody")
    assert gone.code == 404
    assert gone.body["reason"] == "NotFound"
    assert gone.message == 'pods "nobody" not found'
    assert gone.body["details"] == {"name": "nobody", "kind": "pods"}


async def test_a_missing_namespace_is_named(api: Api) -> None:
    """An organisation whose namespace nobody made is told apart from a missing pod."""
    answer = await api.ask("POST", "/api/v1/namespaces/no-such-place/configmaps", config_map())
    assert answer.code == 404
    assert answer.message == 'namespaces "no-such-place" not found'
    assert answer.body["details"] == {"name": "no-such-place", "kind": "namespaces"}


async def test_a_write_from_old_knowledge_is_refused(api: Api) -> None:
    """Two writers never lose each other's work."""
    old = (await api.create("configmaps", config_map())).body
    new = {**old, "data": {"a": "2"}}
    assert (await api.ask("PUT", api.path("configmaps", "notes"), new)).code == 200
    stale = await api.ask("PUT", api.path("configmaps", "notes"), {**old, "data": {"a": "3"}})
    assert stale.code == 409
    assert stale.body["reason"] == "Conflict"
    assert stale.message == (
        'Operation cannot be fulfilled on configmaps "notes": the object has been modified; '
        "please apply your changes to the latest version and try again"
    )


async def test_a_write_that_changes_nothing_makes_no_new_version(api: Api) -> None:
    """Watchers are not woken for nothing."""
    made = (await api.create("configmaps", config_map())).body
    same = await api.ask("PUT", api.path("configmaps", "notes"), made)
    assert same.body["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


async def test_a_body_with_another_name_is_refused(api: Api) -> None:
    """A client that mixed two objects up does not overwrite one with the other."""
    await api.create("configmaps", config_map())
    answer = await api.ask("PUT", api.path("configmaps", "notes"), config_map("other"))
    assert answer.code == 400
    assert "the name of the object (other" in answer.message
    assert "does not match the name on the URL (notes" in answer.message


async def test_a_merge_patch_adds_changes_and_removes(api: Api) -> None:
    """Labels are set and taken away without reading the object first."""
    await api.create("configmaps", config_map(labels={"keep": "1", "drop": "1"}))
    answer = await api.patch(
        "configmaps", "notes", {"metadata": {"labels": {"drop": None, "new": "2"}}, "data": {"b": "2"}}
    )
    assert answer.code == 200
    assert answer.body["metadata"]["labels"] == {"keep": "1", "new": "2"}
    assert answer.body["data"] == {"a": "1", "b": "2"}


async def test_a_json_patch_obeys_its_test(api: Api) -> None:
    """A conditional change happens only under its condition."""
    await api.create("configmaps", config_map())
    good = [
        {"op": "test", "path": "/data/a", "value": "1"},
        {"op": "replace", "path": "/data/a", "value": "2"},
    ]
    assert (await api.patch("configmaps", "notes", good, "json")).body["data"] == {"a": "2"}
    assert (await api.patch("configmaps", "notes", good, "json")).code == 422


async def test_a_strategic_patch_merges_lists_by_their_key(api: Api) -> None:
    """One container's image is changed without sending the others."""
    two = [{"name": "one", "image": "i/one:1"}, {"name": "two", "image": "i/two:1"}]
    body = pod(nodeSelector=nowhere())
    body["spec"]["containers"] = two
    await api.create("pods", body)
    change = {
        "metadata": {"finalizers": ["libretexts.org/hold"]},
        "spec": {"containers": [{"name": "two", "image": "i/two:2"}]},
    }
    answer = await api.patch("pods", "ada", change, "strategic")
    assert answer.code == 200, answer.body
    images = {each["name"]: each["image"] for each in answer.body["spec"]["containers"]}
    assert images == {"one": "i/one:1", "two": "i/two:2"}
    await api.patch("pods", "ada", {"metadata": {"finalizers": None}})


async def test_status_and_the_rest_are_written_apart(api: Api) -> None:
    """A client cannot make a pod look as if it ran by writing the pod."""
    await api.create("pods", pod(nodeSelector=nowhere()))
    await api.patch("pods", "ada", {"metadata": {"labels": {"x": "1"}}, "status": {"message": "no"}})
    found = await api.until(lambda it: it["metadata"].get("labels") == {"x": "1"}, "pods", "ada")
    assert "message" not in found["status"]
    answer = await api.ask(
        "PATCH",
        api.path("pods", "ada") + "/status",
        {"status": {"message": "yes"}},
        "application/merge-patch+json",
    )
    assert answer.body["status"]["message"] == "yes"


async def test_a_running_specification_cannot_be_changed(api: Api) -> None:
    """What a student was given stays what the hub believes it to be."""
    await api.create("pods", pod(nodeSelector=nowhere()))
    answer = await api.patch(
        "pods", "ada", {"spec": {"containers": [{"name": "work", "command": ["x"]}]}}, "strategic"
    )
    assert answer.code == 422
    assert answer.message.startswith(
        'Pod "ada" is invalid: spec: Forbidden: pod updates may not change fields other than '
        "`spec.containers[*].image`"
    )


async def test_a_generated_name_keeps_its_base(api: Api) -> None:
    """Objects without a name of their own get five letters each."""
    body = config_map()
    body["metadata"] = {"generateName": "draw-"}
    names = {(await api.create("configmaps", body)).body["metadata"]["name"] for _ in range(3)}
    assert len(names) == 3
    assert all(name.startswith("draw-") and len(name) == 10 for name in names)


async def test_a_held_object_goes_when_its_last_finalizer_does(api: Api) -> None:
    """Clean-up that somebody asked for is never skipped."""
    await api.create("configmaps", config_map(finalizers=["libretexts.org/hold"]))
    marked = await api.delete("configmaps", "notes")
    assert marked.code == 200
    found = (await api.get("configmaps", "notes")).body
    assert found["metadata"]["deletionTimestamp"]
    await api.patch("configmaps", "notes", {"metadata": {"finalizers": None}})
    await api.until_gone("configmaps", "notes")


async def test_a_deletion_answers_with_a_status(api: Api) -> None:
    """A client learns which object went, by its uid."""
    made = (await api.create("configmaps", config_map())).body
    gone = await api.delete("configmaps", "notes")
    assert gone.code == 200
    assert (gone.body["kind"], gone.body["status"]) == ("Status", "Success")
    assert gone.body["details"]["uid"] == made["metadata"]["uid"]


async def test_a_deletion_meant_for_another_object_is_refused(api: Api) -> None:
    """A late deletion never hits the successor of the same name."""
    made = (await api.create("configmaps", config_map())).body
    answer = await api.delete("configmaps", "notes", {"preconditions": {"uid": "someone-else"}})
    assert answer.code == 409
    assert answer.message == (
        'Operation cannot be fulfilled on ConfigMap "notes": the UID in the precondition (someone-else) does '
        f"not match the UID in record ({made['metadata']['uid']}). The object might have been deleted and "
        "then recreated"
    )
    assert answer.body["details"] == {"name": "notes", "kind": "ConfigMap"}
    answer = await api.delete("configmaps", "notes", {"preconditions": {"resourceVersion": "1"}})
    assert answer.code == 409
    assert "the ResourceVersion in the precondition (1) does not match" in answer.message


async def test_what_is_owned_goes_with_its_owner(api: Api) -> None:
    """A pod's secret and service never outlive the pod."""
    owner = (await api.create("configmaps", config_map("owner"))).body
    reference = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "name": "owner",
        "uid": owner["metadata"]["uid"],
    }
    await api.create("configmaps", config_map("owned", ownerReferences=[reference]))
    await api.delete("configmaps", "owner", propagationPolicy="Background")
    await api.until_gone("configmaps", "owned")


async def test_orphans_stay(api: Api) -> None:
    """Who asks to keep what is owned keeps it."""
    owner = (await api.create("configmaps", config_map("owner"))).body
    uid = owner["metadata"]["uid"]
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
    await api.create("configmaps", config_map("owned", ownerReferences=[reference]))
    await api.delete("configmaps", "owner", {"propagationPolicy": "Orphan"})
    await api.until_gone("configmaps", "owner")
    found = await api.until(lambda it: not it["metadata"].get("ownerReferences"), "configmaps", "owned")
    assert found["data"] == {"a": "1"}


async def test_a_collection_is_deleted_by_selector(api: Api) -> None:
    """A sweep by label takes what carries it and nothing else."""
    for number in range(3):
        await api.create("configmaps", config_map(f"n{number}", labels={"odd": str(number % 2)}))
    assert (await api.delete("configmaps", labelSelector="odd=0")).code == 200
    left = (await api.get("configmaps", labelSelector="odd")).body["items"]
    assert [each["metadata"]["name"] for each in left] == ["n1"]


async def test_a_namespace_takes_its_contents_along(api: Api) -> None:
    """An organisation that leaves leaves nothing, and nothing new gets in meanwhile."""
    await api.create("configmaps", config_map(finalizers=["libretexts.org/hold"]))
    where = f"/api/v1/namespaces/{api.namespace}"
    assert (await api.ask("DELETE", where)).code == 200

    async def refused() -> object:
        return await api.create("configmaps", config_map("late"))

    answer = await refused()
    assert answer.code == 403
    assert answer.message == (
        f'configmaps "late" is forbidden: unable to create new content in namespace {api.namespace} '
        "because it is being terminated"
    )
    assert answer.body["details"]["causes"][0]["reason"] == "NamespaceTerminating"
    await api.patch("configmaps", "notes", {"metadata": {"finalizers": None}})
    for _ in range(600):
        if (await api.ask("GET", where)).code == 404:
            break
        await asyncio.sleep(0.05)
    else:
        pytest.fail("the namespace never went")


async def test_secrets_given_as_text_are_stored_encoded(api: Api) -> None:
    """Clients that write plain text read it back as every client does."""
    body = {"metadata": {"name": "word"}, "stringData": {"key": "open"}}
    made = (await api.create("secrets", body)).body
    assert made["data"] == {"key": "b3Blbg=="}
    assert made["type"] == "Opaque"
    assert "stringData" not in made


async def test_a_dry_run_leaves_nothing(api: Api) -> None:
    """``explain`` can ask the real server without consequences."""
    assert (await api.create("configmaps", config_map(), dryRun="All")).code == 201
    assert (await api.get("configmaps", "notes")).code == 404


async def test_without_a_token_nobody_gets_in(api: Api) -> None:
    """Another account of the machine can run nothing."""
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=api.trusted)) as stranger,
            stranger.get(api.url + "/api/v1/pods", headers=headers) as answer,
        ):
            assert answer.status == 401
