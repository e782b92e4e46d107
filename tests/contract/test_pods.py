"""Pods from the scheduler to their last process."""

from __future__ import annotations

import base64

from tests.contract.support import Api, nowhere, pod, reasons

HOPELESS = (
    "no new claims to deallocate, preemption: 0/{n} nodes are available: {n} Preemption is not helpful for "
    "scheduling."
)


async def node_count(api: Api) -> int:
    return len((await api.ask("GET", "/api/v1/nodes")).body["items"])


async def unscheduled(api: Api, name: str = "ada") -> dict:
    found = await api.until(
        lambda it: it.get("status", {}).get("conditions", [{}])[0].get("reason") == "Unschedulable",
        "pods",
        name,
    )
    return found["status"]["conditions"][0]


async def test_a_selector_that_no_node_has_is_told(api: Api) -> None:
    """ "No such machine" is read by the student at once, not after the start's time limit."""
    await api.create("pods", pod(nodeSelector=nowhere()))
    count = await node_count(api)
    condition = await unscheduled(api)
    assert condition["type"] == "PodScheduled"
    assert condition["status"] == "False"
    assert condition["message"] == (
        f"0/{count} nodes are available: {count} node(s) didn't match Pod's node affinity/selector. "
        + HOPELESS.format(n=count)
    )


async def test_what_no_node_could_ever_give_is_told(api: Api) -> None:
    """A size larger than every machine is an operator's mistake, and the sentence says which part."""
    await api.create("pods", pod(container={"resources": {"requests": {"cpu": "4000"}}}))
    count = await node_count(api)
    condition = await unscheduled(api)
    assert condition["message"] == (
        f"0/{count} nodes are available: {count} Insufficient cpu. " + HOPELESS.format(n=count)
    )


async def test_an_unknown_device_is_told(api: Api) -> None:
    """ "No such GPU here" is told apart from "all GPUs are busy"."""
    limits = {"limits": {"nvidia.com/mig-9g.999gb": "1"}}
    await api.create("pods", pod(container={"resources": limits}))
    condition = await unscheduled(api)
    assert "Insufficient nvidia.com/mig-9g.999gb." in condition["message"]


async def test_a_missing_claim_is_told(api: Api) -> None:
    """A home that was deleted by hand is named."""
    volumes = [{"name": "home", "persistentVolumeClaim": {"claimName": "gone"}}]
    await api.create("pods", pod(volumes=volumes))
    condition = await unscheduled(api)
    assert 'persistentvolumeclaim "gone" not found' in condition["message"]


async def test_the_scheduler_writes_its_event_without_first_and_last_time(api: Api) -> None:
    """Clients that sort events by the last time must look at the event's time as well."""
    await api.create("pods", pod(nodeSelector=nowhere()))
    (event, *_) = await api.events_of("ada", len)
    assert (event["type"], event["reason"]) == ("Warning", "FailedScheduling")
    assert event["firstTimestamp"] is None
    assert event["lastTimestamp"] is None
    assert event["eventTime"]
    assert event["reportingComponent"] == "default-scheduler"
    assert event["source"] == {}
    about = (await api.get("pods", "ada")).body["metadata"]
    assert event["involvedObject"]["uid"] == about["uid"]
    assert event["involvedObject"]["namespace"] == api.namespace


async def test_an_unscheduled_pod_goes_at_once(api: Api) -> None:
    """A student who gives up waiting frees the name immediately."""
    await api.create("pods", pod(nodeSelector=nowhere()))
    gone = await api.delete("pods", "ada")
    assert gone.code == 200
    assert gone.body["kind"] == "Pod"
    assert (await api.get("pods", "ada")).code == 404


def running(it: dict) -> bool:
    return it["status"]["phase"] == "Running"


async def test_a_pod_runs_and_its_events_tell_the_story_in_order(api: Api) -> None:
    """Progress in plain words follows these steps."""
    await api.create("pods", pod(image=api.image))
    found = await api.until(running, "pods", "ada")
    status = found["status"]
    assert status["podIP"]
    assert status["podIPs"] == [{"ip": status["podIP"]}]
    (container,) = status["containerStatuses"]
    assert container["ready"] is True
    assert container["restartCount"] == 0
    assert container["state"]["running"]["startedAt"]
    assert container["imageID"]
    assert container["containerID"]
    assert {each["type"]: each["status"] for each in status["conditions"]} == {
        "PodReadyToStartContainers": "True",
        "Initialized": "True",
        "Ready": "True",
        "ContainersReady": "True",
        "PodScheduled": "True",
    }
    events = await api.events_of("ada", lambda seen: "Started" in reasons(seen))
    story = [reason for reason in reasons(events) if reason != "Pulling"]
    assert story == ["Scheduled", "Pulled", "Created", "Started"]
    scheduled = events[0]["message"]
    assert scheduled == f"Successfully assigned {api.namespace}/ada to {found['spec']['nodeName']}"
    created = next(event for event in events if event["reason"] == "Created")
    assert created["message"] == "Container created"
    assert created["involvedObject"]["fieldPath"] == "spec.containers{work}"
    assert created["source"] == {"component": "kubelet", "host": found["spec"]["nodeName"]}
    assert created["count"] == 1


async def test_a_deleted_pod_is_given_its_grace(api: Api) -> None:
    """A notebook server saves its work before it ends."""
    script = "trap 'exit 0' TERM; while true; do sleep 0.1; done"
    await api.create("pods", pod(image=api.image, script=script, terminationGracePeriodSeconds=20))
    found = await api.until(running, "pods", "ada")
    marked = await api.delete("pods", "ada")
    assert marked.body["kind"] == "Pod"
    assert marked.body["metadata"]["deletionTimestamp"]
    assert marked.body["metadata"]["deletionGracePeriodSeconds"] == 20
    await api.until_gone("pods", "ada")
    events = await api.events_of("ada", lambda seen: "Killing" in reasons(seen))
    killing = next(event for event in events if event["reason"] == "Killing")
    assert killing["message"] == "Stopping container work"
    assert killing["involvedObject"]["uid"] == found["metadata"]["uid"]


async def test_a_pod_that_ignores_the_signal_is_ended(api: Api) -> None:
    """No program keeps a place for longer than its grace."""
    script = "trap '' TERM; while true; do sleep 0.1; done"
    await api.create("pods", pod(image=api.image, script=script, terminationGracePeriodSeconds=1))
    start = (await api.until(running, "pods", "ada"))["metadata"]["resourceVersion"]
    await api.delete("pods", "ada")
    await api.until_gone("pods", "ada")
    seen = await api.watch("pods", lambda seen: seen[-1]["type"] == "DELETED", resourceVersion=start)
    codes = [
        each["object"]["status"]["containerStatuses"][0]["state"].get("terminated", {}).get("exitCode")
        for each in seen
    ]
    assert codes[-1] == 137


async def test_a_pod_that_ends_well_has_succeeded(api: Api) -> None:
    """A server that a student shut down from inside is told apart from one that crashed."""
    await api.create("pods", pod(image=api.image, script="exit 0", restartPolicy="OnFailure"))
    found = await api.until(lambda it: it["status"]["phase"] == "Succeeded", "pods", "ada")
    ended = found["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (0, "Completed")


async def test_a_pod_that_may_not_restart_has_failed(api: Api) -> None:
    """The exit code reaches whoever asks why."""
    await api.create("pods", pod(image=api.image, script="exit 7", restartPolicy="Never"))
    found = await api.until(lambda it: it["status"]["phase"] == "Failed", "pods", "ada")
    ended = found["status"]["containerStatuses"][0]["state"]["terminated"]
    assert (ended["exitCode"], ended["reason"]) == (7, "Error")


async def test_a_crashing_container_is_started_again_ever_more_slowly(api: Api) -> None:
    """A broken image is seen as such after its second crash."""
    await api.create("pods", pod(image=api.image, script="exit 3"))

    def waiting(it: dict) -> bool:
        states = it["status"].get("containerStatuses") or [{}]
        return (states[0].get("state") or {}).get("waiting", {}).get("reason") == "CrashLoopBackOff"

    found = await api.until(waiting, "pods", "ada")
    (container,) = found["status"]["containerStatuses"]
    assert container["restartCount"] >= 1
    assert container["lastState"]["terminated"]["exitCode"] == 3
    message = container["state"]["waiting"]["message"]
    assert "restarting failed container=work pod=ada_" in message
    events = await api.events_of("ada", lambda seen: "BackOff" in reasons(seen))
    back_off = next(event for event in events if event["reason"] == "BackOff")
    uid = found["metadata"]["uid"]
    assert back_off["message"] == (
        f"Back-off restarting failed container work in pod ada_{api.namespace}({uid})"
    )


async def test_an_image_that_does_not_exist_is_told(api: Api) -> None:
    """A mistyped image is named to the operator, and the start ends early."""
    image = "registry.invalid/nobody/nothing:1"
    await api.create("pods", pod(image=image))
    last = "Error: ImagePullBackOff"
    events = await api.events_of("ada", lambda seen: last in [event["message"] for event in seen])
    texts = [event["message"] for event in events]
    assert f'Pulling image "{image}"' in texts
    assert any(text.startswith(f'Failed to pull image "{image}": ') for text in texts)
    assert "Error: ErrImagePull" in texts
    assert f'Back-off pulling image "{image}"' in texts
    found = (await api.get("pods", "ada")).body
    assert found["status"]["phase"] == "Pending"
    waiting = found["status"]["containerStatuses"][0]["state"]["waiting"]
    assert waiting["reason"] in ("ErrImagePull", "ImagePullBackOff")


async def test_a_secret_that_does_not_exist_is_told_and_then_found(api: Api) -> None:
    """A start goes on by itself once the operator has made the secret."""
    source = {"secretKeyRef": {"name": "word", "key": "key"}}
    body = pod(
        image=api.image,
        script='echo "$WORD"; sleep 60',
        container={"env": [{"name": "WORD", "valueFrom": source}]},
    )
    await api.create("pods", body)
    events = await api.events_of("ada", lambda seen: "Failed" in reasons(seen))
    assert any(event["message"] == 'Error: secret "word" not found' for event in events)
    await api.create("secrets", {"metadata": {"name": "word"}, "stringData": {"key": "open sesame"}})
    await api.until(running, "pods", "ada")
    await api.until(lambda text: "open sesame" in text, "pods", "ada/log")


async def test_init_containers_run_first_and_in_order(api: Api) -> None:
    """A home is prepared before the server sees it."""
    shared = {"volumeMounts": [{"name": "desk", "mountPath": "/desk"}]}
    inits = [
        {"name": name, "image": api.image, "command": ["sh", "-c", f"echo {name} >> /desk/list"], **shared}
        for name in ("one", "two")
    ]
    body = pod(
        image=api.image,
        script="cat /desk/list; sleep 60",
        initContainers=inits,
        volumes=[{"name": "desk", "emptyDir": {}}],
        container=shared,
    )
    await api.create("pods", body)
    found = await api.until(running, "pods", "ada")
    ended = [each["state"]["terminated"]["reason"] for each in found["status"]["initContainerStatuses"]]
    assert ended == ["Completed", "Completed"]
    text = await api.until(lambda text: "two" in text, "pods", "ada/log", container="work")
    assert text == "one\ntwo\n"


async def test_a_pod_past_its_deadline_is_ended(api: Api) -> None:
    """A GPU is given back when its time is over, whatever runs on it."""
    await api.create("pods", pod(image=api.image, activeDeadlineSeconds=1, terminationGracePeriodSeconds=1))
    found = await api.until(lambda it: it["status"]["phase"] == "Failed", "pods", "ada")
    assert found["status"]["reason"] == "DeadlineExceeded"
    assert found["status"]["message"] == "Pod was active on the node longer than the specified deadline"


async def test_a_busy_device_is_told_and_given_when_it_is_free(api: Api) -> None:
    """The next in line starts by itself when somebody gives a GPU back."""
    device = "nvidia.com/mig-1g.10gb"
    nodes = (await api.ask("GET", "/api/v1/nodes")).body["items"]
    count = len(nodes)
    free = sum(int(node["status"]["allocatable"].get(device, 0)) for node in nodes)
    limits = {"resources": {"limits": {device: "1"}}}
    for number in range(free):
        await api.create("pods", pod(f"lucky-{number}", image=api.image, container=limits))
        await api.until(running, "pods", f"lucky-{number}")
    await api.create("pods", pod("next", image=api.image, container=limits))
    condition = await unscheduled(api, "next")
    have = sum(device in node["status"]["allocatable"] for node in nodes)
    without = f"{count - have} Preemption is not helpful for scheduling" if count > have else ""
    victims = ", ".join(filter(None, [f"{have} No preemption victims found for incoming pod", without]))
    assert condition["message"] == (
        f"0/{count} nodes are available: {count} Insufficient {device}. no new claims to deallocate, "
        f"preemption: 0/{count} nodes are available: {victims}."
    )
    await api.delete("pods", "lucky-0")
    await api.until(running, "pods", "next")


async def test_a_claim_is_bound_and_kept_while_a_pod_uses_it(api: Api) -> None:
    """A home that is in use cannot be pulled from under its student."""
    claim = {
        "metadata": {"name": "home"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    await api.create("persistentvolumeclaims", claim)
    await api.until(lambda it: it["status"]["phase"] == "Bound", "persistentvolumeclaims", "home")
    volumes = [{"name": "home", "persistentVolumeClaim": {"claimName": "home"}}]
    mounts = {"volumeMounts": [{"name": "home", "mountPath": "/home/jovyan"}]}
    await api.create("pods", pod(image=api.image, volumes=volumes, container=mounts))
    await api.until(running, "pods", "ada")
    await api.delete("persistentvolumeclaims", "home")
    assert (await api.get("persistentvolumeclaims", "home")).body["metadata"]["deletionTimestamp"]
    await api.delete("pods", "ada")
    await api.until_gone("persistentvolumeclaims", "home")


async def test_values_of_the_pod_reach_its_environment(api: Api) -> None:
    """A server knows its own name, address and limits."""
    env = [
        {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "ADDRESS", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
        {
            "name": "MEMORY",
            "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}},
        },
        {"name": "ALL", "value": "$(NAME) has $(MEMORY) $(UNKNOWN) $$(NAME)"},
    ]
    resources = {"limits": {"memory": "512Mi"}}
    body = pod(
        image=api.image,
        script='echo "$ADDRESS $ALL"; sleep 60',
        container={"env": env, "resources": resources},
    )
    await api.create("pods", body)
    found = await api.until(running, "pods", "ada")
    text = await api.until(lambda text: "has" in text, "pods", "ada/log")
    assert text == f"{found['status']['podIP']} ada has 512 $(UNKNOWN) $(NAME)\n"


async def test_configuration_and_secrets_are_files_where_they_are_mounted(api: Api) -> None:
    """Settings that a chart mounts are read by the program in the pod."""
    await api.create(
        "secrets", {"metadata": {"name": "word"}, "data": {"key": base64.b64encode(b"s").decode()}}
    )
    await api.create("configmaps", {"metadata": {"name": "text"}, "data": {"page": "p", "rest": "r"}})
    volumes = [
        {"name": "word", "secret": {"secretName": "word"}},
        {"name": "text", "configMap": {"name": "text", "items": [{"key": "page", "path": "sub/page.txt"}]}},
    ]
    mounts = [{"name": "word", "mountPath": "/etc/word"}, {"name": "text", "mountPath": "/etc/text"}]
    script = "cat /etc/word/key /etc/text/sub/page.txt; ls /etc/text; sleep 60"
    await api.create(
        "pods", pod(image=api.image, script=script, volumes=volumes, container={"volumeMounts": mounts})
    )
    text = await api.until(lambda text: "sub" in text, "pods", "ada/log")
    assert text == "spsub\n"
