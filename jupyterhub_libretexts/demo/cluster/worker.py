"""One pod's life on the local node, from its volumes to its last process."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .container import Container, End
from .environment import ContainerConfigError
from .images import image_for, pull_error, tagged
from .pod_status import DEADLINE, ContainerState, status_document
from .registry import now
from .resources import PODS
from .volumes import MountError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .local_node import LocalNode

Document = dict[str, Any]

_MOUNT_WAIT = 0.5  # Seconds before the second try; doubled from then on.
_LONGEST_MOUNT_WAIT = 30.0
_LONGEST_BACK_OFF = 300.0


class PodWorker:
    """Runs one pod and keeps its status up to date."""

    def __init__(self, node: LocalNode, pod: Document) -> None:
        self._node = node
        self.pod = pod
        self.uid: str = pod["metadata"]["uid"]
        self.folder: Path = node.folder / "pods" / self.uid
        self.address = ""
        self._start = now()
        spec = pod["spec"]
        self.states = [ContainerState(each["name"], each["image"]) for each in spec["containers"]]
        self.inits = [
            ContainerState(each["name"], each["image"]) for each in spec.get("initContainers") or ()
        ]
        self._running: dict[str, Container] = {}
        self._facts: Document = {}
        self._volumes: dict[str, Path] = {}
        self._ending = False
        self._main: asyncio.Task[None] | None = None
        self._end: asyncio.Task[None] | None = None

    # The life of the pod

    def begin(self) -> None:
        """Start the pod's life."""
        self._main = asyncio.create_task(self._live())

    async def _live(self) -> None:
        deadline = self.pod["spec"].get("activeDeadlineSeconds")
        life = asyncio.create_task(self._run())
        try:
            done, _ = await asyncio.wait({life}, timeout=deadline)
            if not done:
                await self._stop_life(life)
                self._event("Normal", "DeadlineExceeded", DEADLINE)
                self._facts |= {"phase": "Failed", "reason": "DeadlineExceeded", "message": DEADLINE}
                await self._end_containers(self._grace())
            else:
                life.result()
        except asyncio.CancelledError:
            await self._stop_life(life)
            raise

    async def _stop_life(self, life: asyncio.Task[None]) -> None:
        self._ending = True
        life.cancel()
        with suppress(asyncio.CancelledError):
            await life

    async def _run(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self.inits:
            for state in self.states:
                state.state = {"waiting": {"reason": "PodInitializing"}}
        self.publish()
        await self._mount()
        self.address = self._node.addresses.take()
        for container, state in zip(self.pod["spec"].get("initContainers") or (), self.inits, strict=True):
            await self._keep(container, state, part="initContainers")
            if state.exit_code != 0:
                self._facts["phase"] = "Failed"
                self.publish()
                return
        async with asyncio.TaskGroup() as group:
            for container, state in zip(self.pod["spec"]["containers"], self.states, strict=True):
                group.create_task(self._keep(container, state, part="containers"))

    async def _mount(self) -> None:
        wait = _MOUNT_WAIT
        while True:
            try:
                self._volumes = self._node.volumes.made(self.pod, self.folder)
            except MountError as error:
                self._event("Warning", "FailedMount", str(error))
                await asyncio.sleep(wait)
                wait = min(2 * wait, _LONGEST_MOUNT_WAIT)
            else:
                return

    # One container

    async def _keep(self, container: Document, state: ContainerState, part: str) -> None:
        """Run a container, again where the restart policy says so."""
        policy = self.pod["spec"].get("restartPolicy", "Always")
        if part == "initContainers" and policy == "Always":
            policy = "OnFailure"
        pause = 0.0
        while True:
            end = await self._once(container, state, part)
            if self._ending or policy == "Never" or (policy == "OnFailure" and end.code == 0):
                return
            if pause:
                await self._back_off(container, state, part, pause)
            pause = min(2 * pause or self._node.back_off, _LONGEST_BACK_OFF)
            state.last, state.restarts = state.state, state.restarts + 1
            state.state = {"waiting": {"reason": "CrashLoopBackOff"}}

    async def _back_off(self, container: Document, state: ContainerState, part: str, pause: float) -> None:
        metadata = self.pod["metadata"]
        pod = f"{metadata['name']}_{metadata['namespace']}({self.uid})"
        text = f"back-off {pause:g}s restarting failed container={state.name} pod={pod}"
        held = state.state
        state.last = held
        state.state = {"waiting": {"reason": "CrashLoopBackOff", "message": text}}
        self.publish()
        what = f"Back-off restarting failed container {state.name} in pod {pod}"
        self._event("Warning", "BackOff", what, _field(part, container))
        await asyncio.sleep(pause)
        state.state = held

    async def _once(self, container: Document, state: ContainerState, part: str) -> End:
        await self._image(container, state, part)
        started = await self._started(container, state, part)
        self._running[state.name] = started
        begun = now()
        if not started.end.done():
            state.state = {"running": {"startedAt": begun}}
            self._event("Normal", "Started", "Container started", _field(part, container))
            self.publish()
            await self._post_start(container, part)
        try:
            end = await asyncio.shield(started.end)
        finally:
            if not self._ending:
                await started.close()
                self._running.pop(state.name, None)
        if end.start_error:
            self._event("Warning", "Failed", f"Error: {end.start_error}", _field(part, container))
        state.state = {"terminated": _terminated(end, begun, state.id)}
        self.publish()
        return end

    async def _started(self, container: Document, state: ContainerState, part: str) -> Container:
        """Configure and start a container; a mistake in its configuration is told and tried again."""
        while True:
            try:
                order = self._node.order(self, container, state, self._volumes)
            except (ContainerConfigError, MountError) as error:
                waiting = {"reason": "CreateContainerConfigError", "message": str(error)}
                state.state = {"waiting": waiting}
                self._event("Warning", "Failed", f"Error: {error}", _field(part, container))
                self.publish()
                await asyncio.sleep(self._node.back_off)
                continue
            state.id = uuid.uuid4().hex * 2
            self._event("Normal", "Created", "Container created", _field(part, container))
            return await Container.start(order)

    async def _post_start(self, container: Document, part: str) -> None:
        handler = ((container.get("lifecycle") or {}).get("postStart") or {}).get("exec")
        if not handler:
            return
        code = await self._node.execute(self, container, handler["command"], self._volumes)
        if code:
            self._event("Warning", "FailedPostStartHook", "PostStartHook failed", _field(part, container))
            self._running[container["name"]].kill()

    # Its image

    async def _image(self, container: Document, state: ContainerState, part: str) -> None:
        """Have the image; one that does not exist is told and tried again for ever."""
        name, field = container["image"], _field(part, container)
        pause = self._node.back_off
        image = image_for(name, self._node.images)
        present = tagged(name) in self._node.pulled
        if container.get("imagePullPolicy") == "Never" and not present and image is None:
            text = f'Container image "{name}" is not present with pull policy of Never'
            await self._wait_for_ever(state, "ErrImageNeverPull", text, field)
        while image is None:
            self._event("Normal", "Pulling", f'Pulling image "{tagged(name)}"', field)
            error = pull_error(name)
            self._event("Warning", "Failed", f'Failed to pull image "{tagged(name)}": {error}', field)
            self._event("Warning", "Failed", "Error: ErrImagePull", field)
            state.state = {"waiting": {"reason": "ErrImagePull", "message": error}}
            self.publish()
            await asyncio.sleep(min(1.0, pause))
            self._event("Normal", "BackOff", f'Back-off pulling image "{tagged(name)}"', field)
            self._event("Warning", "Failed", "Error: ImagePullBackOff", field)
            text = f'Back-off pulling image "{tagged(name)}": ErrImagePull: {error}'
            state.state = {"waiting": {"reason": "ImagePullBackOff", "message": text}}
            self.publish()
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_BACK_OFF)
            image = image_for(name, self._node.images)
        if present and container.get("imagePullPolicy") != "Always":
            text = f'Container image "{name}" already present on machine and can be accessed by the pod'
            self._event("Normal", "Pulled", text, field)
            return
        self._event("Normal", "Pulling", f'Pulling image "{tagged(name)}"', field)
        took = 0.0 if present else image.pull_seconds
        await asyncio.sleep(took)
        self._node.pulled.add(tagged(name))
        shown = f"{took:g}s" if took >= 1 else f"{took * 1000:g}ms"
        text = f'Successfully pulled image "{tagged(name)}" in {shown} ({shown} including waiting). '
        self._event("Normal", "Pulled", f"{text}Image size: {image.size} bytes.", field)

    async def _wait_for_ever(self, state: ContainerState, reason: str, text: str, field: str) -> None:
        state.state = {"waiting": {"reason": reason, "message": text}}
        self._event("Warning", "ErrImageNeverPull", text, field)
        self._event("Warning", "Failed", f"Error: {reason}", field)
        self.publish()
        await asyncio.Event().wait()

    # Its end

    def _grace(self) -> int:
        metadata = self.pod["metadata"]
        spec_grace: int = self.pod["spec"].get("terminationGracePeriodSeconds", 30)
        grace: int = metadata.get("deletionGracePeriodSeconds", spec_grace)
        return grace

    def end(self, pod: Document, done: Callable[[Document], None]) -> None:
        """End the pod as its deletion asks; ``done`` is called when nothing of it is left."""
        self.pod = pod
        if self._end is None:
            self._end = asyncio.create_task(self._finish(done))
        elif self._grace() == 0:
            self._kill()

    async def _finish(self, done: Callable[[Document], None]) -> None:
        self._ending = True
        if self._main is not None and not self._main.done():
            self._main.cancel()
            with suppress(asyncio.CancelledError):
                await self._main
        await self._end_containers(self._grace())
        done(self.pod)

    async def _end_containers(self, grace: int) -> None:
        """TERM, the grace period, KILL; then the last status."""
        running = dict(self._running)
        for name, container in running.items():
            field = f"spec.containers{{{name}}}"
            self._event("Normal", "Killing", f"Stopping container {name}", field)
            container.terminate()
        if running and grace > 0:
            await asyncio.wait({each.end for each in running.values()}, timeout=grace)
        self._kill()
        for container in running.values():
            await container.end
            await container.close()
        for state in (*self.inits, *self.states):
            if state.name in running and state.running:
                begun = state.state["running"]["startedAt"]
                state.state = {"terminated": _terminated(running[state.name].end.result(), begun, state.id)}
        self._running.clear()
        self.publish()

    def _kill(self) -> None:
        for container in self._running.values():
            container.kill()

    async def close(self) -> None:
        """End everything at once, without telling the API."""
        self._ending = True
        tasks = [task for task in (self._main, self._end) if task is not None and not task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.gather(*(each.close() for each in self._running.values()))

    # What it tells

    def publish(self) -> None:
        """Bring the status in the API up to date."""
        facts = {"host": self._node.address, "address": self.address, "start": self._start, **self._facts}
        held = self._node.store.document(
            PODS, self.pod["metadata"]["namespace"], self.pod["metadata"]["name"]
        )
        if held is not None and held["metadata"]["uid"] == self.uid:
            status = status_document(held, now(), self.states, self.inits, facts)
            self._node.registry.set_status(PODS, held, **status)

    def _event(self, kind: str, reason: str, text: str, field: str = "") -> None:
        self._node.recorder.record(self.pod, kind, reason, text, container=field, host=self._node.name)


def _field(part: str, container: Document) -> str:
    return f"spec.{part}{{{container['name']}}}"


def _terminated(end: End, begun: str, container: str) -> Document:
    made = {
        "exitCode": end.code,
        "reason": end.reason,
        "startedAt": begun,
        "finishedAt": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "containerID": f"embedded://{container}",
    }
    if end.signal:
        made["signal"] = end.signal
    return {**made, "message": end.start_error} if end.start_error else made
