"""What may not be stored, and in which words it is refused."""

from __future__ import annotations

import pytest

from tests.contract.support import Api, config_map, nowhere, pod

SUBDOMAIN = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and "
    "must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    "'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)


async def test_a_hostile_name_is_refused_with_the_rule(api: Api) -> None:
    """A name made from a student's address must be made safe before it gets here."""
    answer = await api.create("pods", pod("Ada_Lovelace"))
    assert answer.code == 422
    assert answer.body["reason"] == "Invalid"
    assert answer.message == (
        f'Pod "Ada_Lovelace" is invalid: metadata.name: Invalid value: "Ada_Lovelace": {SUBDOMAIN}'
    )
    cause = {
        "reason": "FieldValueInvalid",
        "message": f'Invalid value: "Ada_Lovelace": {SUBDOMAIN}',
        "field": "metadata.name",
    }
    assert answer.body["details"] == {"name": "Ada_Lovelace", "kind": "Pod", "causes": [cause]}


async def test_a_label_that_is_too_long_is_refused(api: Api) -> None:
    """Labels from free text are cut before they get here."""
    answer = await api.create("configmaps", config_map(labels={"user": "a" * 64}))
    assert answer.code == 422
    assert "metadata.labels: Invalid value:" in answer.message
    assert "must be no more than 63" in answer.message


async def test_a_label_with_odd_characters_is_refused(api: Api) -> None:
    """An address is no label value."""
    answer = await api.create("configmaps", config_map(labels={"user": "ada@example.org"}))
    assert answer.code == 422
    assert 'metadata.labels: Invalid value: "ada@example.org": a valid label must be' in answer.message


async def test_every_mistake_of_a_pod_is_listed(api: Api) -> None:
    """An operator mends a manifest in one go."""
    body = pod(nodeSelector=nowhere())
    body["spec"]["containers"] = [{"name": "work", "volumeMounts": [{"name": "gone", "mountPath": "/x"}]}]
    answer = await api.create("pods", body)
    assert answer.code == 422
    fields = {each["field"] for each in answer.body["details"]["causes"]}
    assert fields == {"spec.containers[0].image", "spec.containers[0].volumeMounts[0].name"}
    assert "spec.containers[0].image: Required value" in answer.message
    assert 'spec.containers[0].volumeMounts[0].name: Not found: "gone"' in answer.message


async def test_a_request_above_its_limit_is_refused(api: Api) -> None:
    """A size whose guarantee exceeds its limit is told with both figures."""
    resources = {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}
    answer = await api.create("pods", pod(container={"resources": resources}))
    assert answer.code == 422
    assert answer.message == (
        'Pod "ada" is invalid: spec.containers[0].resources.requests: Invalid value: "2Gi": '
        "must be less than or equal to memory limit of 1Gi"
    )


@pytest.mark.parametrize("validation", ["Strict", "Warn", "Ignore"])
async def test_an_unknown_field_is_treated_as_asked(api: Api, validation: str) -> None:
    """A mistyped key of the escape hatch is found by the server, not by a student."""
    body = pod(nodeSelector=nowhere())
    body["spec"]["containers"][0]["imagePulPolicy"] = "Never"
    answer = await api.create("pods", body, fieldValidation=validation)
    where = 'unknown field "spec.containers[0].imagePulPolicy"'
    if validation == "Strict":
        assert answer.code == 400
        assert answer.body["reason"] == "BadRequest"
        assert answer.message == (
            f'Pod in version "v1" cannot be handled as a Pod: strict decoding error: {where}'
        )
        return
    assert answer.code == 201
    assert "imagePulPolicy" not in answer.body["spec"]["containers"][0]
    warning = answer.headers.get("Warning", "")
    assert (warning == '299 - "' + where.replace('"', '\\"') + '"') is (validation == "Warn")


async def test_a_value_of_the_wrong_type_is_refused(api: Api) -> None:
    """A number where text belongs is named by its field."""
    body = pod()
    body["spec"]["containers"][0]["image"] = 7
    answer = await api.create("pods", body)
    assert answer.code == 400
    assert answer.message == (
        'Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal number into Go struct '
        "field Container.spec.containers.image of type string"
    )


async def test_a_wrong_quantity_is_refused_with_the_pattern(api: Api) -> None:
    """A mistyped amount of memory never starts a pod without a limit."""
    answer = await api.create("pods", pod(container={"resources": {"limits": {"memory": "1 GB"}}}))
    assert answer.code == 400
    assert answer.message == (
        'Pod in version "v1" cannot be handled as a Pod: quantities must match the regular expression '
        "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    )


async def test_quantities_come_back_in_one_notation(api: Api) -> None:
    """Amounts compare as text, since every client reads them in the same form."""
    limits = {"cpu": "0.5", "memory": "1024Mi"}
    made = await api.create("pods", pod(nodeSelector=nowhere(), container={"resources": {"limits": limits}}))
    resources = made.body["spec"]["containers"][0]["resources"]
    assert resources["limits"] == {"cpu": "500m", "memory": "1Gi"}
    assert resources["requests"] == {"cpu": "500m", "memory": "1Gi"}


async def test_a_pod_is_filled_in(api: Api) -> None:
    """What the hub leaves out is what a real cluster makes of it."""
    made = await api.create("pods", pod(nodeSelector=nowhere()))
    spec = made.body["spec"]
    assert (spec["restartPolicy"], spec["dnsPolicy"]) == ("Always", "ClusterFirst")
    assert spec["schedulerName"] == "default-scheduler"
    assert spec["serviceAccountName"] == "default"
    assert spec["containers"][0]["imagePullPolicy"] == "IfNotPresent"
    keys = {each["key"] for each in spec["tolerations"]}
    assert keys == {"node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"}
    assert made.body["status"] == {"phase": "Pending", "qosClass": "BestEffort"}


async def test_a_missing_service_account_is_named(api: Api) -> None:
    """An environment with a service account that nobody made says so."""
    answer = await api.create("pods", pod(serviceAccountName="nobody"))
    assert answer.code == 403
    assert answer.message == (
        f'pods "ada" is forbidden: error looking up service account {api.namespace}/nobody: '
        'serviceaccount "nobody" not found'
    )


async def test_a_quota_says_what_was_asked_used_and_allowed(api: Api) -> None:
    """The plain words of "your organisation's share is used up" are made from this sentence."""
    device = "nvidia.com/mig-1g.10gb"
    body = {"metadata": {"name": "share"}, "spec": {"hard": {f"requests.{device}": "1", "pods": "5"}}}
    await api.create("resourcequotas", body)
    await api.until(lambda it: it.get("status", {}).get("hard"), "resourcequotas", "share")
    resources = {"resources": {"limits": {device: "1"}}}
    first = await api.create("pods", pod("first", nodeSelector=nowhere(), container=resources))
    assert first.code == 201
    second = await api.create("pods", pod("second", nodeSelector=nowhere(), container=resources))
    assert second.code == 403
    assert second.body["reason"] == "Forbidden"
    assert second.message == (
        f'pods "second" is forbidden: exceeded quota: share, requested: requests.{device}=1, '
        f"used: requests.{device}=1, limited: requests.{device}=1"
    )
    shown = await api.until(lambda it: it["status"]["used"]["pods"] == "1", "resourcequotas", "share")
    assert shown["status"]["used"] == {f"requests.{device}": "1", "pods": "1"}
    await api.delete("pods", "first")
    await api.until(lambda it: it["status"]["used"]["pods"] == "0", "resourcequotas", "share")
    again = await api.create("pods", pod("second", nodeSelector=nowhere(), container=resources))
    assert again.code == 201


async def test_a_quota_on_memory_wants_it_named(api: Api) -> None:
    """A size without a limit in an organisation with a quota is an operator's mistake, told as such."""
    body = {"metadata": {"name": "share"}, "spec": {"hard": {"limits.memory": "2Gi", "requests.cpu": "2"}}}
    await api.create("resourcequotas", body)
    await api.until(lambda it: it.get("status", {}).get("hard"), "resourcequotas", "share")
    answer = await api.create("pods", pod())
    assert answer.code == 403
    assert answer.message == (
        'pods "ada" is forbidden: failed quota: share: must specify limits.memory for: work; '
        "requests.cpu for: work"
    )


async def test_a_limit_range_fills_in_and_refuses(api: Api) -> None:
    """A namespace's own bounds hold for pods that say nothing, and for those that say too much."""
    limit = {
        "type": "Container",
        "default": {"memory": "512Mi"},
        "defaultRequest": {"memory": "256Mi"},
        "max": {"memory": "1Gi"},
    }
    await api.create("limitranges", {"metadata": {"name": "bounds"}, "spec": {"limits": [limit]}})
    quiet = await api.create("pods", pod("quiet", nodeSelector=nowhere()))
    assert quiet.body["spec"]["containers"][0]["resources"] == {
        "limits": {"memory": "512Mi"},
        "requests": {"memory": "256Mi"},
    }
    loud = await api.create("pods", pod("loud", container={"resources": {"limits": {"memory": "2Gi"}}}))
    assert loud.code == 403
    assert loud.message == (
        'pods "loud" is forbidden: maximum memory usage per Container is 1Gi, but limit is 2Gi'
    )
