"""What changes between two sets of objects, as an operator reads it before applying.

If these fail, an operator applies what they did not mean, or an organisation that leaves loses its homes.
"""

from __future__ import annotations

import copy

import pytest

from jupyterhub_libretexts.core.changes import What, changes, words
from jupyterhub_libretexts.core.manifests import manifests
from jupyterhub_libretexts.core.objects import HubPlace
from jupyterhub_libretexts.settings.load import load_text

DAVIS = "  davis: {title: Davis, members: [{emailDomain: a.bc}], network: campus, environments: [lab], limits: {servers: 5, cpu: 0.5}}\n"
MERCED = "  merced: {title: Merced, members: [{emailDomain: d.ef}], network: campus, environments: [lab]}\n"
CAMPUS = "networks: {campus: {reach: [10.20.0.0/16], addresses: 10.244.64.0/24}}\n"
REST = (
    "environments: {lab: {title: Lab, image: 'lab:1'}}\n"
    "sizes: {s: {cpu: {guarantee: 1, limit: 1}, memory: {guarantee: 1Gi, limit: 1Gi}, default: true}}\n"
    "cluster: {calico: {version: '3.28'}}\n"
)


def objects(organizations=DAVIS + MERCED, networks=CAMPUS):
    """All objects of a small hub."""
    settings = load_text(f"organizations:\n{organizations}{networks}{REST}")
    return [item for made in manifests(settings, HubPlace()).values() for item in made]


def told(before, after):
    """The plan of changes as printed."""
    return "\n".join(words(changes(before, after)))


def as_served(items):
    """Objects as an API server gives them back, with all that it adds."""
    found = copy.deepcopy(items)
    for item in found:
        item["metadata"] |= {"uid": "1", "resourceVersion": "7", "generation": 1, "managedFields": []}
        item["metadata"].setdefault("annotations", {})["kubectl.kubernetes.io/last-applied-configuration"] = (
            "{}"
        )
        item["metadata"]["labels"]["kubernetes.io/metadata.name"] = "x"
        if item["kind"] == "Namespace":
            item["spec"], item["status"] = {"finalizers": ["kubernetes"]}, {"phase": "Active"}
        if item["kind"] == "ResourceQuota":
            item["status"] = {"hard": {}, "used": {}}
            # The API server writes amounts in its own canonical form.
            item["spec"]["hard"]["requests.cpu"] = "500m"
        if item["kind"] == "IPPool":
            item["spec"] |= {"assignmentMode": "Automatic"}
    return found


def test_what_a_cluster_adds_is_no_change():
    """Else every look says that everything changes, and nobody looks any more."""
    assert changes(as_served(objects()), objects()) == ()
    assert changes(objects(), objects()) == ()


def test_an_organisation_joins():
    """Else an operator does not see what a new organisation brings."""
    found = changes(objects(DAVIS), objects())
    text = "\n".join(words(found))
    assert "merced (org-merced): joins" in text
    assert "davis" not in text.replace("org-davis", "")
    # The hub opens itself to the new namespace too.
    assert "NetworkPolicy libretexts-hub in jupyterhub\n    spec.ingress.0.from.0" in text
    assert '"org-davis", "org-merced"' not in text
    assert "now also org-merced" in text


def test_an_organisation_that_leaves_keeps_its_homes_and_its_closed_door():
    """Else removing lines from a file removes what people made."""
    found = changes(objects(), objects(DAVIS))
    of_merced = {
        change.reference.kind + " " + change.reference.name: change.what
        for change in found
        if change.organization == "merced"
    }
    assert of_merced == {
        "Namespace org-merced": What.KEPT,
        "ServiceAccount libretexts-servers": What.REMOVED,
        "NetworkPolicy libretexts-closed": What.KEPT,
        "NetworkPolicy libretexts-servers": What.REMOVED,
        "Role libretexts-hub": What.REMOVED,
        "RoleBinding libretexts-hub": What.REMOVED,
        "LimitRange libretexts": What.REMOVED,
    }
    text = "\n".join(words(found))
    assert "merced (org-merced): leaves; its people and their homes are kept" in text
    first, then = (
        text.index("kubectl delete pods --namespace=org-merced"),
        text.index("kubectl delete --namespace=org-merced"),
    )
    assert first < then
    commands = [line for line in text.splitlines() if "kubectl delete" in line]
    assert not any(kept in line for line in commands for kept in ("namespace/", "libretexts-closed"))
    assert "role.rbac.authorization.k8s.io/libretexts-hub" in commands[-1]


def test_a_changed_network_is_told_range_by_range():
    """Else an operator cannot see which way is opened."""
    text = told(objects(), objects(networks=CAMPUS.replace("10.20.0.0/16", "10.30.0.0/16")))
    assert text.count("10.20.0.0/16 → 10.30.0.0/16") == 2
    text = told(objects(), objects(networks=CAMPUS.replace("reach", "internet: true, reach")))
    assert "davis (org-davis)" in text
    assert 'spec.egress: now also {"to": [{"ipBlock": {"cidr": "0.0.0.0/0"' in text


def test_other_addresses_are_another_pool():
    """Else a range is changed under servers that use it; Calico cannot change a pool's range."""
    text = told(objects(), objects(networks=CAMPUS.replace("10.244.64.0", "10.244.96.0")))
    assert "made    IPPool libretexts-campus-10.244.96.0-24" in text
    assert "removed IPPool libretexts-campus-10.244.64.0-24" in text
    assert "kubectl delete ippool.projectcalico.org/libretexts-campus-10.244.64.0-24" in text
    assert 'annotations.cni.projectcalico.org/ipv4pools: ["10.244.64.0/24"] → ["10.244.96.0/24"]' in text


def test_an_organisation_that_moves_is_told_where_its_homes_stay():
    """Else homes seem lost in a new namespace."""
    text = told(objects(), objects(DAVIS + MERCED[:-2] + ", namespace: moved}\n"))
    assert "merced (moved): joins" in text
    assert "merced (org-merced): leaves; its people and their homes are kept" in text


def test_a_quota_that_goes_is_removed_and_nothing_else():
    """Else a limit that the file no longer has still holds."""
    found = changes(objects(), objects(DAVIS.replace(", limits: {servers: 5, cpu: 0.5}", "") + MERCED))
    assert [(change.what, str(change.reference)) for change in found] == [
        (What.REMOVED, "ResourceQuota libretexts in org-davis")
    ]
    assert words(found)[-1] == "  then    kubectl delete --namespace=org-davis resourcequota/libretexts"


TAMPERED = {
    "a range opened by hand": (
        "NetworkPolicy",
        "libretexts-servers",
        lambda item: item["spec"]["egress"].append({"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}]}),
        "spec.egress: no longer",
    ),
    "a right added by hand": (
        "Role",
        "libretexts-hub",
        lambda item: item["rules"][0]["verbs"].append("patch"),
        "verbs: no longer patch",
    ),
    "a quota raised by hand": (
        "ResourceQuota",
        "libretexts",
        lambda item: item["spec"]["hard"].update(pods="500"),
        "spec.hard.pods: 500 → 5",
    ),
    "a limit that nobody wrote": (
        "ResourceQuota",
        "libretexts",
        lambda item: item["spec"]["hard"].update(secrets="1"),
        "spec.hard.secrets: 1 → nothing",
    ),
    "the guard of pods lowered": (
        "Namespace",
        "org-davis",
        lambda item: item["metadata"]["labels"].update({"pod-security.kubernetes.io/enforce": "privileged"}),
        "labels.pod-security.kubernetes.io/enforce: privileged → baseline",
    ),
    "a label of ours that nobody rendered": (
        "Namespace",
        "org-davis",
        lambda item: item["metadata"]["labels"].update({"libretexts.org/extra": "yes"}),
        "labels.libretexts.org/extra: yes → nothing",
    ),
    "a token given to every pod": (
        "ServiceAccount",
        "libretexts-servers",
        lambda item: item.update(automountServiceAccountToken=True),
        "automountServiceAccountToken: true → false",
    ),
    "another account as the hub": (
        "RoleBinding",
        "libretexts-hub",
        lambda item: item["subjects"].append({"kind": "User", "name": "eve"}),
        "subjects: no longer",
    ),
    "another role for the hub": (
        "RoleBinding",
        "libretexts-hub",
        lambda item: item["roleRef"].update(name="admin"),
        "cannot be changed",
    ),
    "a wall with a hole": (
        "GlobalNetworkPolicy",
        "libretexts-wall",
        lambda item: item["spec"].update(order=2000),
        "spec.order: 2000 → 10",
    ),
}


@pytest.mark.parametrize("what", TAMPERED)
def test_what_somebody_changed_by_hand_is_named(what):
    """Else a hole that was made for an afternoon stays."""
    kind, name, tamper, expected = TAMPERED[what]
    live = as_served(objects())
    tamper(next(item for item in live if item["kind"] == kind and item["metadata"]["name"] == name))
    found = changes(live, objects())
    assert len(found) == 1, found
    assert found[0].what is What.CHANGED
    assert any(expected in detail for detail in found[0].details), found[0].details
