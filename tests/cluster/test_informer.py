"""The informer against a server that fails on purpose: what the hub knows stays true, whatever happens."""

from __future__ import annotations

import asyncio
import math
from dataclasses import replace

import pytest

from jupyterhub_libretexts.cluster.stream import Condition
from jupyterhub_libretexts.errors import ClusterUnavailable

from .support import FAST, informer_of, pod, until


def running(pod):
    return pod is not None and pod["status"]["phase"] == "Running"


async def test_a_pod_that_exists_is_known_after_ensure(server):
    """Else a hub that restarts believes that all servers are gone and ends them."""
    await server.put("pods", pod("anna"))
    async with informer_of(server) as informer:
        await informer.ensure("davis")
        assert informer.pod("davis", "anna")["status"]["phase"] == "Pending"
        assert set(informer.pods) == {"davis/anna"}
        assert informer.cluster_wide


async def test_a_start_returns_at_the_watch_event_that_says_running(server):
    """Else each start costs up to a polling interval more."""
    await server.put("pods", pod("anna"))
    async with informer_of(server) as informer:
        await informer.ensure("davis")
        waiting = asyncio.create_task(informer.wait_for("davis", "anna", running, 10))
        await asyncio.sleep(0)
        assert not waiting.done()
        await server.put("pods", pod("anna", phase="Running"))
        assert running(await waiting)
        before = len(server.requests)
        await server.remove("pods", "anna")
        assert await informer.wait_for("davis", "anna", lambda pod: pod is None, 10) is None
        assert len(server.requests) == before


async def test_waiting_in_vain_ends_at_its_deadline(server):
    """Else a start that cannot succeed is pending for ever."""
    async with informer_of(server) as informer:
        await informer.ensure("davis")
        with pytest.raises(TimeoutError):
            await informer.wait_for("davis", "nobody", running, 0.05)


async def test_a_list_of_many_pages_is_read_whole(server):
    """Else every server after the first 500 is lost at a restart of the hub."""
    for number in range(1234):
        await server.put("pods", pod(f"student-{number}"))
    async with informer_of(server) as informer:
        await informer.ensure("davis")
        assert len(informer.pods) == 1234
        pages = [query for path, query in server.requests if path == "/api/v1/pods" and "watch" not in query]
        assert len(pages) == 3


async def test_a_version_that_is_too_old_is_answered_by_reading_anew(server):
    """Else the hub reads old pods for ever once the server has compacted."""
    await server.put("pods", pod("anna"))
    await server.put("pods", pod("ben"))
    async with informer_of(server) as informer:
        await informer.ensure("davis")
        await until(lambda: len(server.watching) == 2)
        await server.down()
        await server.put("pods", pod("anna", phase="Running"))
        await server.remove("pods", "ben")
        await server.forget_history()
        await server.up()
        await informer.wait_for("davis", "anna", running, 10)
        await informer.wait_for("davis", "ben", lambda pod: pod is None, 10)


async def test_a_dropped_watch_continues_where_it_was_and_lists_nothing(server):
    """Else each network hiccup costs the API server a full list (kubespawner issue 753)."""
    async with informer_of(server) as informer:
        await informer.ensure("davis")
        for number in range(5):
            await until(lambda: len(server.watching) == 2)
            await server.drop_watches()
            await server.put("pods", pod(f"student-{number}"))
        await until(lambda: len(informer.pods) == 5)
        assert server.lists("/api/v1/pods") == 1


async def test_a_bookmark_moves_the_version_that_a_watch_resumes_from(server):
    """Else a quiet watch resumes from a version that the server has long forgotten."""
    async with informer_of(server) as informer:
        await informer.ensure("davis")
        await until(lambda: len(server.watching) == 2)
        await server.bookmark()
        marked = str(server.version)
        await until(lambda: informer._everything.pods._version == marked)
        await server.drop_watches()
        await until(lambda: _last_versions(server)["/api/v1/pods"] == marked)


def _last_versions(server):
    return {path: query["resourceVersion"] for path, query in server.requests if "watch" in query}


async def test_a_long_outage_is_survived_and_its_age_is_readable(server, caplog):
    """Stock gives up after 51 s and shows old pods until the hub is restarted."""
    await server.put("pods", pod("anna"))
    async with informer_of(server) as informer:
        assert informer.age("davis") == math.inf
        await informer.ensure("davis")
        await until(lambda: len(server.watching) == 2)
        await server.down()
        await until(lambda: informer.condition("davis")[0] is Condition.RETRYING)
        # The default waits double up to 30 s, so 90 s are nine tries; here are far more.
        await until(lambda: informer._everything.pods._failures >= 12)
        assert informer.pod("davis", "anna") is not None
        assert "does not answer" in informer.condition("davis")[1]
        old = informer.age("davis")
        assert old > 0
        await server.put("pods", pod("anna", phase="Running"))
        await server.up()
        await informer.wait_for("davis", "anna", running, 10)
        await until(lambda: informer.condition("davis") == (Condition.CURRENT, ""))
        assert informer.age("davis") < old
    about_pods = [record for record in caplog.records if "pods of" in record.message]
    assert len(about_pods) == 2, "one line when it breaks, one when it is well again"


async def test_a_server_that_is_away_at_the_start_is_waited_for(server):
    """Else a hub that starts before its cluster never sees a pod."""
    await server.down()
    async with informer_of(server) as informer:
        with pytest.raises(ClusterUnavailable, match="does not answer"):
            await informer.ensure("davis", timeout=0.1)
        await server.put("pods", pod("anna"))
        await server.up()
        await informer.ensure("davis")
        assert informer.pod("davis", "anna")


async def test_without_a_cluster_role_each_namespace_is_watched_by_itself(server, caplog):
    """Else a hub whose operator grants no ClusterRole cannot start a server."""
    server.refused.add(None)
    await server.put("pods", pod("anna", "davis"))
    await server.put("pods", pod("carl", "merced"))
    async with informer_of(server) as informer:
        await asyncio.gather(*(informer.ensure("davis") for _ in range(20)), informer.ensure("merced"))
        assert set(informer.pods) == {"davis/anna", "merced/carl"}
        assert not informer.cluster_wide
        assert server.lists("/api/v1/namespaces/davis/pods") == 1
    assert sum("may not read the pods and events of all" in record.message for record in caplog.records) == 1


async def test_a_cluster_role_that_allows_to_list_and_not_to_watch_is_none(server, caplog):
    """Else the hub lists every pod of the cluster again and again, and hears of each change late."""
    server.refused_watches.add(None)
    await server.put("pods", pod("anna"))
    async with informer_of(server, replace(FAST, settling=30)) as informer:
        await until(lambda: "watches each namespace by itself" in caplog.text)
        await informer.ensure("davis")
        assert informer.pod("davis", "anna")
        await asyncio.sleep(FAST.probe * 3)
        assert not informer.cluster_wide
    assert caplog.text.count("watches each namespace by itself") == 1


async def test_a_hub_that_ends_while_it_is_refused_ends(server):
    """Else the hub hangs at its end, and its pod is killed with whatever it had not written yet."""
    server.refused_watches.add(None)
    await server.put("pods", pod("anna"))
    async with asyncio.timeout(30):
        for _ in range(30):
            async with informer_of(server) as informer:
                await informer.ensure("davis")


async def test_a_cluster_role_that_is_granted_later_is_used(server):
    """Else the operator who mends the rights has to restart the hub."""
    server.refused.add(None)
    async with informer_of(server) as informer:
        await informer.ensure("davis")
        assert not informer.cluster_wide
        server.refused.clear()
        await until(lambda: informer.cluster_wide)
        await server.put("pods", pod("anna"))
        await until(lambda: informer.pod("davis", "anna"))
        await until(lambda: {path for path, _ in server.watching} == {"/api/v1/pods", "/api/v1/events"})


async def test_a_cluster_role_that_is_taken_away_is_survived(server):
    """Else the hub is blind from the moment that an operator tightens rights."""
    async with informer_of(server) as informer:
        await informer.ensure("davis")
        await until(lambda: len(server.watching) == 2)
        server.refused.add(None)
        await server.drop_watches()
        await until(lambda: not informer.cluster_wide)
        await informer.ensure("davis")
        await server.put("pods", pod("anna"))
        await until(lambda: informer.pod("davis", "anna"))


async def test_an_api_server_that_has_not_read_its_rules_yet_is_given_time(server, caplog):
    """Else each restart of the API server makes the hub watch two hundred namespaces one by one."""
    async with informer_of(server, replace(FAST, settling=30)) as informer:
        await informer.ensure("davis")
        await until(lambda: len(server.watching) == 2)
        server.refused.add(None)
        await server.drop_watches()
        await until(lambda: informer.condition("davis")[0] == "refused")
        server.refused.clear()
        await server.put("pods", pod("anna"))
        await until(lambda: informer.pod("davis", "anna"))
        assert informer.cluster_wide
    assert not any("may not read the pods and events of all" in record.message for record in caplog.records)


@pytest.mark.parametrize("lack", ["missing", "refused"])
async def test_a_namespace_that_appears_later_is_found(server, lack):
    """Else a new organisation needs a restart of the hub."""
    server.refused.add(None)
    lacking = getattr(server, lack)
    lacking.add("new")
    async with informer_of(server) as informer:
        with pytest.raises(ClusterUnavailable, match=lack):
            await informer.ensure("new", timeout=0.1)
        assert informer.condition("new")[0] == lack
        await informer.ensure("davis")
        lacking.discard("new")
        await informer.ensure("new")
        await server.put("pods", pod("anna", "new"))
        await until(lambda: informer.pod("new", "anna"))


async def test_two_hundred_namespaces_share_a_few_connections_and_all_are_heard(server):
    """Stock hangs at 120 namespaces on its shared client."""
    server.refused.add(None)
    names = [f"org-{number}" for number in range(200)]
    async with informer_of(server, replace(FAST, watches=40)) as informer:
        await asyncio.gather(*(informer.ensure(name, timeout=60) for name in names))
        for name in names:
            await server.put("pods", pod("anna", name))
        await until(lambda: len(informer.pods) == 200, seconds=60)
        assert server.most_watching <= 40
