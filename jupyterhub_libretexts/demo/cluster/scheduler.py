"""Gives each pod a node, or says why none takes it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from .events import SCHEDULER, Recorder
from .fitting import Misfit, NodeState, misfit, preference, refusal, refusal_before_filter
from .registry import Registry, now
from .resources import CLAIMS, NODES, PODS
from .usage import ENDED, Amounts, asked, minus, plus

if TYPE_CHECKING:
    from .store import Change

Document = dict[str, Any]
Key = tuple[str, str]


class Scheduler:
    """Looks at pods without a node whenever something moved that could change the answer."""

    def __init__(self, registry: Registry, recorder: Recorder) -> None:
        self._registry = registry
        self._store = registry.store
        self._recorder = recorder
        self._nodes: dict[str, NodeState] = {}
        self._placed: dict[str, tuple[str, Amounts]] = {}
        self._new: dict[Key, None] = {}
        self._refused: dict[Key, None] = {}
        self._wake = asyncio.Event()
        self._store.subscribe(self._follow)

    def _follow(self, change: Change) -> None:
        if change.resource is PODS:
            self._follow_pod(change)
        elif change.resource is NODES:
            self._follow_node(change)
        elif change.resource is CLAIMS:
            self._retry()

    def _follow_node(self, change: Change) -> None:
        name = change.document["metadata"]["name"]
        if change.kind == "DELETED":
            self._nodes.pop(name, None)
            return
        state = self._nodes.setdefault(name, NodeState(change.document))
        before, state.document = state.document, change.document
        if change.kind == "ADDED" or _offer(before) != _offer(change.document):
            self._retry()

    def _follow_pod(self, change: Change) -> None:
        document = change.document
        metadata, spec = document["metadata"], document["spec"]
        key = (metadata["namespace"], metadata["name"])
        over = change.kind == "DELETED" or (document.get("status") or {}).get("phase") in ENDED
        if over:
            self._new.pop(key, None)
            self._refused.pop(key, None)
            if self._take_back(metadata["uid"]):
                self._retry()
        elif spec.get("nodeName"):
            self._count(metadata["uid"], spec)
        elif spec.get("schedulerName") == SCHEDULER and change.kind == "ADDED":
            self._new[key] = None
            self._wake.set()

    def _count(self, uid: str, spec: Document) -> None:
        if uid in self._placed:
            return
        wanted = asked(spec)
        self._placed[uid] = (spec["nodeName"], wanted)
        if node := self._nodes.get(spec["nodeName"]):
            node.used, node.pods = plus(node.used, wanted), node.pods + 1

    def _take_back(self, uid: str) -> bool:
        name, wanted = self._placed.pop(uid, ("", {}))
        node = self._nodes.get(name)
        if node is None:
            return False
        node.used, node.pods = minus(node.used, wanted), node.pods - 1
        return True

    def _retry(self) -> None:
        if self._refused:
            self._new.update(self._refused)
            self._refused.clear()
            self._wake.set()

    async def run(self) -> None:
        """Schedule until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            waiting, self._new = self._new, {}
            for key in waiting:
                self._schedule(key)

    def _schedule(self, key: Key) -> None:
        pod = self._store.document(PODS, *key)
        if pod is None or pod["spec"].get("nodeName") or pod["metadata"].get("deletionTimestamp"):
            return
        if why := self._unready_claim(pod):
            self._refuse(key, pod, why)
            return
        spec, wanted = pod["spec"], asked(pod["spec"])
        fits: list[NodeState] = []
        misfits: list[Misfit] = []
        for node in self._nodes.values():
            found = misfit(spec, wanted, node)
            if found is None:
                fits.append(node)
            else:
                misfits.append(found)
        if fits:
            best = max(fits, key=lambda node: preference(spec, node))
            self._bind(pod, best.document["metadata"]["name"])
        else:
            self._refuse(key, pod, refusal(misfits))

    def _unready_claim(self, pod: Document) -> str:
        for volume in pod["spec"].get("volumes") or ():
            name = (volume.get("persistentVolumeClaim") or {}).get("claimName")
            if not name:
                continue
            claim = self._store.document(CLAIMS, pod["metadata"]["namespace"], name)
            total = len(self._nodes)
            if claim is None:
                return refusal_before_filter(total, f'persistentvolumeclaim "{name}" not found')
            if claim["metadata"].get("deletionTimestamp"):
                return refusal_before_filter(total, f'persistentvolumeclaim "{name}" is being deleted')
            if (claim.get("status") or {}).get("phase") != "Bound":
                return refusal_before_filter(total, "pod has unbound immediate PersistentVolumeClaims")
        return ""

    def _bind(self, pod: Document, node: str) -> None:
        moment = now()
        condition = {
            "type": "PodScheduled",
            "status": "True",
            "lastProbeTime": None,
            "lastTransitionTime": moment,
        }
        status = {**pod["status"], "conditions": [condition]}
        bound = self._store.write(PODS, {**pod, "spec": {**pod["spec"], "nodeName": node}, "status": status})
        name = f"{bound['metadata']['namespace']}/{bound['metadata']['name']}"
        text = f"Successfully assigned {name} to {node}"
        self._recorder.scheduled(bound, "Normal", "Scheduled", text, "Binding")

    def _refuse(self, key: Key, pod: Document, why: str) -> None:
        self._refused[key] = None
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "lastProbeTime": None,
            "lastTransitionTime": now(),
            "reason": "Unschedulable",
            "message": why,
        }
        held = (pod.get("status") or {}).get("conditions") or [{}]
        if held[0].get("message") == why:
            condition["lastTransitionTime"] = held[0]["lastTransitionTime"]
        self._registry.set_status(PODS, pod, conditions=[condition])
        self._recorder.scheduled(pod, "Warning", "FailedScheduling", why, "Scheduling")


def _offer(node: Document) -> tuple[object, object, object]:
    """The parts of a node that decide who fits."""
    return node.get("spec"), (node.get("status") or {}).get("allocatable"), node["metadata"].get("labels")
