"""What only the embedded cluster's node does: processes of this machine, and none left."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from jupyterhub_libretexts.demo.cluster import kernels_present
from jupyterhub_libretexts.demo.cluster.resources import PODS
from tests.contract.support import pod, reasons

if TYPE_CHECKING:
    from collections.abc import Callable

    from jupyterhub_libretexts.demo.cluster import EmbeddedCluster
    from tests.contract.support import Api

FORK = (
    "import os,sys,time\n"
    "if os.fork()==0:\n os.setsid()\n"
    " if os.fork()==0: open(sys.argv[1],'w').write(str(os.getpid())); time.sleep(600)\n"
    " os._exit(0)\n"
    "time.sleep(600)"
)


def running(it: dict[str, Any]) -> bool:
    return it["status"]["phase"] == "Running"


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]


async def until(wanted: Callable[[], object]) -> None:
    for _ in range(300):
        with contextlib.suppress(OSError, ValueError):
            if wanted():
                return
        await asyncio.sleep(0.05)
    pytest.fail("it never happened")


async def test_what_left_the_process_group_ends_with_its_pod(api: Api, tmp_path: Path) -> None:
    """A kernel that outlived its server would hold memory and a GPU for ever."""
    note = tmp_path / "pid"
    body = pod(image=api.image, terminationGracePeriodSeconds=1)
    body["spec"]["containers"][0]["command"] = [sys.executable, "-c", FORK, str(note)]
    await api.create("pods", body)
    await until(lambda: note.read_text())
    stray = int(note.read_text())
    assert alive(stray)
    await api.delete("pods", "ada")
    await api.until_gone("pods", "ada")
    await until(lambda: not alive(stray))


async def test_no_process_outlives_a_cluster_that_is_killed(tmp_path: Path) -> None:
    """Ctrl-C twice, a crash, the machine's memory running out: nothing stays behind."""
    config = tmp_path / "cluster.json"
    folder = tmp_path / "c"
    config.write_text(json.dumps({"folder": str(folder)}))
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "jupyterhub_libretexts.demo.cluster",
        "--config",
        str(config),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    ready = json.loads(await process.stdout.readline())
    assert "nothing is isolated" in ready["warning"]
    note = tmp_path / "pid"
    body = pod()
    body["spec"]["containers"][0]["command"] = [sys.executable, "-c", FORK, str(note)]
    async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {ready['token']}"}) as session:
        async with session.post(ready["url"] + "/api/v1/namespaces/default/pods", json=body) as answer:
            assert answer.status == 201
        await until(lambda: note.read_text())
    stray = int(note.read_text())
    process.send_signal(signal.SIGKILL)
    await process.wait()
    await until(lambda: not alive(stray))


async def test_a_cluster_of_its_own_ends_with_its_input(tmp_path: Path) -> None:
    """The program that started it need not remember to end it."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "jupyterhub_libretexts.demo.cluster",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdin is not None
    ready = json.loads(await process.stdout.readline())
    process.stdin.close()
    assert await asyncio.wait_for(process.wait(), 20) == 0
    assert not Path(ready["folder"]).exists()


async def test_a_mistyped_configuration_is_named(tmp_path: Path) -> None:
    """A key that does nothing is refused, with those that would."""
    config = tmp_path / "cluster.json"
    config.write_text('{"nodez": []}')
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "jupyterhub_libretexts.demo.cluster",
        "--config",
        str(config),
        stderr=asyncio.subprocess.PIPE,
    )
    _, text = await process.communicate()
    assert process.returncode == 2
    assert b"'nodez' is not known; allowed: nodes, images" in text


async def test_only_lent_folders_are_mounted(api: Api, tmp_path: Path) -> None:
    """A pod of the demonstration cannot ask for any folder of the machine."""
    lent = tmp_path / "lent" / "ada"
    mounts = {"volumeMounts": [{"name": "home", "mountPath": "/home/jovyan"}]}
    good = [{"name": "home", "hostPath": {"path": str(lent), "type": "DirectoryOrCreate"}}]
    script = "echo mine > /home/jovyan/file; cd; pwd; sleep 60"
    await api.create("pods", pod(image=api.image, script=script, volumes=good, container=mounts))
    await until(lambda: (lent / "file").read_text() == "mine\n")
    assert str(lent) in await api.until(lambda text: str(lent) in text, "pods", "ada/log")
    bad = [{"name": "home", "hostPath": {"path": "/etc"}}]
    await api.create("pods", pod("eve", image=api.image, volumes=bad, container=mounts))
    events = await api.events_of("eve", lambda seen: "FailedMount" in reasons(seen))
    text = next(event["message"] for event in events if event["reason"] == "FailedMount")
    assert text.startswith('MountVolume.SetUp failed for volume "home" : hostPath /etc is outside')


async def test_what_this_node_cannot_mount_is_said(api: Api) -> None:
    """An NFS home in the demonstration is told in words instead of an empty folder."""
    volumes = [{"name": "home", "nfs": {"server": "s", "path": "/p"}}]
    await api.create("pods", pod(image=api.image, volumes=volumes))
    events = await api.events_of("ada", lambda seen: "FailedMount" in reasons(seen))
    assert any("runs pods as local processes and cannot mount nfs" in event["message"] for event in events)


async def test_a_first_pull_takes_its_time_and_the_next_finds_the_image(api: Api) -> None:
    """The page's "fetching the image" can be seen in the demonstration."""
    for name in ("one", "two"):
        await api.create("pods", pod(name, image="slow/lab:1"))
        await api.until(running, "pods", name)
    first = await api.events_of("one", lambda seen: "Started" in reasons(seen))
    assert reasons(first)[:3] == ["Scheduled", "Pulling", "Pulled"]
    assert "200ms including waiting). Image size: 1000 bytes." in first[2]["message"]
    second = await api.events_of("two", lambda seen: "Started" in reasons(seen))
    assert second[1]["message"] == (
        'Container image "slow/lab:1" already present on machine and can be accessed by the pod'
    )


async def test_a_program_that_does_not_exist_is_told(api: Api) -> None:
    """A mistyped command is named, as the container engine names it."""
    body = pod(image=api.image, restartPolicy="Never")
    body["spec"]["containers"][0]["command"] = ["no-such-program"]
    await api.create("pods", body)
    found = await api.until(lambda it: it["status"]["phase"] == "Failed", "pods", "ada")
    ended = found["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["reason"], ended["exitCode"]) == ("StartError", 128)
    assert 'exec: "no-such-program": executable file not found in $PATH' in ended["message"]


async def test_the_cluster_s_own_environment_stays_its_own(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """A password in the hub's environment is not handed to students."""
    monkeypatch.setenv("HUB_PASSWORD", "hidden")
    await api.create("pods", pod(image=api.image, script='echo "got:$HUB_PASSWORD:"; env; sleep 60'))
    text = await api.until(lambda text: "got:" in text, "pods", "ada/log")
    assert "hidden" not in text


async def test_memory_beyond_the_limit_ends_the_container(cluster: EmbeddedCluster, api: Api) -> None:
    """A student reads that memory ran out, not that the server crashed."""
    if cluster.local.limits.parent is None:
        pytest.skip("no control group may be made here: limits hold each process by itself")
    body = pod(
        image=api.image, restartPolicy="Never", container={"resources": {"limits": {"memory": "64Mi"}}}
    )
    script = "x = bytearray(200 * 1024 * 1024); print(len(x))"
    body["spec"]["containers"][0]["command"] = [sys.executable, "-c", script]
    await api.create("pods", body)
    found = await api.until(lambda it: it["status"]["phase"] == "Failed", "pods", "ada")
    ended = found["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["reason"], ended["exitCode"]) == ("OOMKilled", 137)


async def test_a_start_hook_runs_and_its_failure_ends_the_container(api: Api) -> None:
    """KubeSpawner's lifecycle hooks do what they say."""
    hook = {"postStart": {"exec": {"command": ["sh", "-c", "echo done > /home/jovyan/hook"]}}}
    script = "while [ ! -e /home/jovyan/hook ]; do sleep 0.05; done; cat /home/jovyan/hook; sleep 60"
    await api.create("pods", pod("good", image=api.image, script=script, container={"lifecycle": hook}))
    await api.until(lambda text: "done" in text, "pods", "good/log")
    bad = {"postStart": {"exec": {"command": ["false"]}}}
    await api.create("pods", pod("bad", image=api.image, container={"lifecycle": bad}))
    await api.events_of("bad", lambda seen: "FailedPostStartHook" in reasons(seen))


async def test_a_forced_deletion_ends_the_processes_too(api: Api, tmp_path: Path) -> None:
    """Nothing runs on without a pod."""
    note = tmp_path / "pid"
    await api.create("pods", pod(image=api.image, script=f"echo $$$$ > {note}; sleep 600"))
    await until(lambda: note.read_text().strip())
    process = int(note.read_text())
    await api.delete("pods", "ada", {"gracePeriodSeconds": 0})
    assert (await api.get("pods", "ada")).code == 404
    await until(lambda: not alive(process))


async def test_a_log_is_read_in_parts(api: Api) -> None:
    """kubectl logs --tail and the demonstration's pages."""
    await api.create("pods", pod(image=api.image, script="seq 1 5; sleep 60"))
    await api.until(lambda text: text == "1\n2\n3\n4\n5\n", "pods", "ada/log")
    assert (await api.get("pods", "ada/log", tailLines=2)).body == "4\n5\n"
    assert str((await api.get("pods", "ada/log", limitBytes=3)).body) == "1\n2"
    wrong = await api.get("pods", "ada/log", container="nobody")
    assert wrong.message == "container nobody is not valid for pod ada"


async def test_pods_have_addresses_of_their_own(cluster: EmbeddedCluster, api: Api) -> None:
    """Every server listens on the same port, as on a real cluster."""
    for name in ("one", "two"):
        await api.create("pods", pod(name, image=api.image))
        await api.until(running, "pods", name)
    addresses = {each["status"]["podIP"] for each in cluster.store.documents(PODS, "org")}
    assert len(addresses) == 2
    assert all(each.startswith("127.") for each in addresses)


def test_the_kernels_of_this_machine_are_known() -> None:
    """The form offers what can really start, and nothing else."""
    found = kernels_present()
    assert found["python3"].language == "python"


def test_a_kernel_without_its_program_is_left_out(tmp_path: Path) -> None:
    """A specification that a removed program left behind is no kernel."""
    for name, program in (("good", sys.executable), ("bad", "/no/such/R")):
        folder = tmp_path / "share/jupyter/kernels" / name
        folder.mkdir(parents=True)
        (folder / "kernel.json").write_text(json.dumps({"argv": [program], "display_name": name}))
    found = kernels_present(str(tmp_path))
    assert "good" in found
    assert "bad" not in found
