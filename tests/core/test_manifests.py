"""What a cluster must hold: stored as it is, valid for each Kubernetes, closed before it is opened.

If these fail, an organisation is open that should be closed, or `kubectl apply` is the first to notice.
"""

from __future__ import annotations

import json
import tempfile
import time
from functools import cache
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
import yaml

from jupyterhub_libretexts.core.manifests import as_text, expected_of_operators, manifests, not_run
from jupyterhub_libretexts.core.objects import HubPlace
from jupyterhub_libretexts.settings.load import load, load_text

ROOT = Path(__file__).parents[2]
NETWORKS = ROOT / "tests" / "data" / "settings" / "networks.yaml"
OVER = {
    "calico-3.28": "",
    "calico-3.31": 'cluster: {calico: {version: "3.31", api: projectcalico.org/v3, encapsulation: vxlan-cross-subnet}}\n',
    "cluster-network-policy": "cluster: {wall: clusterNetworkPolicy, dns: [10.77.0.10/32]}\n",
    "no-calico": "cluster: {calico: null}\n",
}
HUB = HubPlace()


def rendered(over="calico-3.28", hub=HUB, **options):
    """The files of the scenario, with what is laid over it."""
    return manifests(laid_over(OVER[over]), hub, **options)


@cache
def laid_over(text):
    """The scenario's settings with a text laid over them."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text or "{}")
        file.flush()
        return load([NETWORKS, file.name])


def policies(files, namespace):
    return [
        item
        for made in files.values()
        for item in made
        if item["kind"] == "NetworkPolicy" and item["metadata"]["namespace"] == namespace
    ]


@pytest.mark.parametrize("over", OVER)
def test_manifests_are_the_stored_ones(over, golden):
    """Else what a cluster is told changes and nobody sees it in a diff."""
    golden(f"manifests/{over}", {name: list(made) for name, made in rendered(over).items()})


def test_the_same_settings_give_the_same_text():
    """Else a repository of manifests shows a diff where nothing changed."""
    first, second = rendered(), rendered()
    assert {name: as_text(made) for name, made in first.items()} == {
        name: as_text(made) for name, made in second.items()
    }


def test_text_is_yaml_that_says_the_same():
    """Else what kubectl reads is not what was decided."""
    for made in rendered().values():
        assert list(yaml.safe_load_all(as_text(made))) == list(made)


@pytest.mark.parametrize("version", ["1.34", "1.35", "1.36", "1.37"])
def test_every_object_is_valid_for_each_kubernetes(version):
    """Else `kubectl apply` is the first to find a mistyped field."""
    import kubernetes_validate

    # Most objects are the same whatever is laid over the scenario; each is looked at once.
    different = {json.dumps(item): item for over in OVER for made in rendered(over).values() for item in made}
    kinds = set()
    for item in different.values():
        if "calico" in item["apiVersion"] or item["kind"] == "ClusterNetworkPolicy":
            continue
        kubernetes_validate.validate(item, version, strict=True)
        kinds.add(item["kind"])
    assert len(kinds) == 9


def test_a_wrong_field_would_be_found():
    """Else the test above finds nothing and says that all is well."""
    import kubernetes_validate

    policy = json.loads(json.dumps(policies(rendered(), "org-davis")[0]))
    policy["spec"]["podSelektor"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(policy, "1.36", strict=True)


@pytest.mark.parametrize("namespace", ["org-davis", "org-merced", "org-school", "teaching-physics"])
def test_the_door_is_closed_before_anything_is_opened(namespace):
    """Else a pod that no policy selects is open to everybody."""
    closed = policies(rendered(), namespace)[0]
    assert closed["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def opened(namespace, over="calico-3.28"):
    """Every range that the policies of a namespace let servers reach, with what they leave out."""
    return [
        (ip_network(to["ipBlock"]["cidr"]), [ip_network(item) for item in to["ipBlock"].get("except", ())])
        for policy in policies(rendered(over), namespace)
        for rule in policy["spec"].get("egress", ())
        for to in rule.get("to", ())
        if "ipBlock" in to
    ]


def reaches(namespace, address):
    """Whether the policies of a namespace let servers reach an address, whatever the port."""
    one = ip_address(address)
    return any(
        one in net and not any(one in left_out for left_out in but)
        for net, but in opened(namespace)
        if net.version == one.version
    )


@pytest.mark.parametrize(
    "address",
    [
        "169.254.169.254",
        "10.77.0.1",
        "10.77.0.200",
        "10.96.0.1",
        "10.244.192.9",
        "192.168.1.1",
        "172.16.0.9",
        "100.64.0.1",
        "127.0.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "2606:4700:4700::1111",
        "fd00:ec2::254",
        "fe80::1",
    ],
)
def test_the_internet_is_public_addresses_of_ipv4_and_nothing_else(address):
    """Else metadata, nodes, storage, other organisations or the whole of IPv6 hide in `internet: true`."""
    assert not reaches("org-davis", address)
    assert reaches("org-davis", "192.31.196.1")


def test_what_is_left_out_of_the_internet_is_what_the_registry_calls_not_global():
    """Else a block of the registry is forgotten; Python's library follows the same registry."""
    import random

    chance = random.Random(6)
    for _ in range(3000):
        one = ip_address(chance.getrandbits(32))
        public = one.is_global and not one.is_multicast
        # 192.0.0.0/24 holds a few single addresses that are global (anycast of PCP and TURN).
        if one not in ip_network("192.0.0.0/24"):
            assert reaches("org-davis", str(one)) == public, one


def test_nodes_with_public_addresses_are_no_internet():
    """Else node ports of a cluster with public addresses are open to every student."""
    files = manifests(laid_over("cluster: {nodes: [1.2.3.0/24], storage: [5.6.7.8/32]}\n"), HUB)
    told = json.dumps(policies(files, "org-davis"))
    assert '"1.2.3.0/24"' in told
    assert '"5.6.7.8/32"' in told


def test_only_what_is_listed_is_reached():
    """Else a network without internet reaches it, or one organisation's list opens another's."""
    assert reaches("teaching-physics", "10.50.1.1")
    assert reaches("teaching-physics", "2001:db8:50::1")
    assert not reaches("teaching-physics", "10.51.0.1")
    assert not reaches("teaching-physics", "192.31.196.1")
    assert opened("org-school") == []


def test_servers_reach_each_other_only_where_peers_may():
    """Else one student's kernel is open to another."""
    assert "organization" not in json.dumps(policies(rendered(), "org-davis")[1]["spec"]["egress"])
    told = json.dumps(policies(rendered(), "teaching-physics")[1]["spec"])
    assert told.count('{"libretexts.org/organization": "physics"}') == 0
    assert told.count('"libretexts.org/organization": "physics"') == 3


def test_the_hub_in_an_organisations_namespace_stays_open():
    """Else an organisation that lives beside the hub cuts the hub off from its proxy."""
    here = policies(rendered(), "jupyterhub")
    for policy in here:
        selected = policy["spec"]["podSelector"]["matchLabels"]
        assert selected.get("libretexts.org/organization") == "staff" or selected["component"] == "hub"
    kinds = [item["kind"] for item in rendered()["10-staff.yaml"]]
    assert kinds == ["ServiceAccount", "Role", "RoleBinding", "NetworkPolicy", "NetworkPolicy"]


def test_the_hubs_role_is_the_rights_it_uses():
    """Else the hub may do more in an organisation's namespace than start and end servers."""
    role = next(item for item in rendered()["10-davis.yaml"] if item["kind"] == "Role")
    assert role["rules"] == [
        {
            "apiGroups": [""],
            "resources": ["pods"],
            "verbs": ["get", "list", "watch", "create", "delete"],
        },
        {"apiGroups": [""], "resources": ["events"], "verbs": ["list", "watch"]},
        {
            "apiGroups": [""],
            "resources": ["persistentvolumeclaims"],
            "verbs": ["get", "create", "delete"],
        },
    ]


def test_rights_over_all_namespaces_can_be_left_out():
    """Else a site that gives its hub none must edit what is rendered."""
    kinds = {item["kind"] for made in rendered(cluster_wide=False).values() for item in made}
    assert not kinds & {"ClusterRole", "ClusterRoleBinding"}


def test_the_wall_leaves_the_rest_to_the_policies():
    """Else a final `Pass` skips every NetworkPolicy, which Calico keeps in the same tier, and opens all."""
    walls = [item for item in rendered()["00-cluster.yaml"] if item["kind"] == "GlobalNetworkPolicy"]
    assert [item["metadata"]["name"] for item in walls] == [
        "default.libretexts-wall",
        "default.libretexts-wall-servers",
    ]
    for item in walls:
        assert {rule["action"] for rule in item["spec"]["egress"]} == {"Deny"}
        assert item["spec"]["order"] < 1000


def test_no_wall_stands_without_what_could_hold_it():
    """Else `kubectl apply` fails on a cluster without Calico."""
    kinds = {item["kind"] for made in rendered("no-calico").values() for item in made}
    assert not kinds & {"IPPool", "GlobalNetworkPolicy", "ClusterNetworkPolicy"}


def test_pools_are_kept_from_everybody_else():
    """Else pods of the cluster take the addresses by which a campus knows an organisation."""
    old = [item for item in rendered()["00-cluster.yaml"] if item["kind"] == "IPPool"]
    assert {item["spec"]["nodeSelector"] for item in old} == {"!all()"}
    new = [item for item in rendered("calico-3.31")["00-cluster.yaml"] if item["kind"] == "IPPool"]
    assert {item["spec"]["namespaceSelector"] for item in new} == {
        "libretexts.org/network == 'campus'",
        "libretexts.org/network == 'instruments'",
    }
    for files in (rendered(), rendered("calico-3.31")):
        namespace = files["10-davis.yaml"][0]
        assert namespace["metadata"]["annotations"] == {
            "cni.projectcalico.org/ipv4pools": '["10.244.192.0/24"]'
        }
        assert namespace["metadata"]["labels"]["libretexts.org/network"] == "campus"


def test_what_no_test_has_seen_at_work_is_said():
    """Else an operator takes a rendered object for a proved one."""
    told = "\n".join(not_run([item for made in rendered("cluster-network-policy").values() for item in made]))
    assert "ClusterNetworkPolicy libretexts-wall" in told
    told = "\n".join(not_run([item for made in rendered("calico-3.31").values() for item in made]))
    assert "namespaceSelector" in told
    assert not_run([item for made in rendered().values() for item in made]) == ()


def test_what_an_operator_must_bring_is_named_by_namespace():
    """Else a server waits for a Secret of which nobody told."""
    found = expected_of_operators(load(NETWORKS))
    assert dict(found) == {"org-davis": ("Secret registry",)}


def many(count):
    """A document with so many organisations, each with a network of its own."""
    organizations = "".join(
        f"  u{n}: {{title: U{n}, members: [{{emailDomain: u{n}.example}}], network: n{n}, environments: [lab], "
        "limits: {servers: 100}}\n"
        for n in range(count)
    )
    networks = "".join(
        f"  n{n}: {{internet: true, reach: [10.{n}.0.0/16], addresses: 172.20.{n}.0/24}}\n"
        for n in range(count)
    )
    return (
        f"organizations:\n{organizations}networks:\n{networks}"
        "environments: {lab: {title: Lab, image: 'localhost/lab:1'}}\n"
        "sizes: {s: {cpu: {guarantee: 1, limit: 1}, memory: {guarantee: 1Gi, limit: 1Gi}, default: true}}\n"
        'cluster: {calico: {version: "3.31"}}\n'
    )


def test_two_hundred_organisations_take_less_than_two_seconds_of_processor():
    """Else an operator with many schools waits at every edit; the limit is the issue's."""
    settings = load_text(many(200))
    before = time.process_time()
    files = manifests(settings, HUB)
    text = "".join(as_text(made) for made in files.values())
    assert time.process_time() - before < 2
    assert len(files) == 201
    assert text.count('"kind": "NetworkPolicy"') == 401
