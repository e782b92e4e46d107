"""What no single value can say: references, shares, ranges, conflicts, the escape hatch, days.

What is lost when these fail: a mistake that shows at a student's start and not at the operator's desk.
"""

from __future__ import annotations

import pytest

from tests.settings.support import GOOD, swapped, told

NORTH = "north: {title: North, groups: [staff], environments: [python]}"
PYTHON = 'python: {title: Python, image: "python:1"}'


def north(more: str) -> str:
    return swapped(NORTH, NORTH[:-1] + f", {more}}}")


def python(more: str) -> str:
    return swapped(PYTHON, PYTHON[:-1] + f", {more}}}")


def pod(text: str) -> str:
    return python(f"pod: {text}")


def stands_at(text: str, problem: str, here: str) -> bool:
    """Whether a problem's line and column lead to this piece of the text."""
    _, line, column, _ = problem.split(":", 3)
    return text.split("\n")[int(line) - 1][int(column) - 1 :].startswith(here)


# By mistake: the document, what stands where it is told, and words of what is told.
CASES = {
    "a network that is not there": (
        north("network: campus") + "networks: {campos: {}}\n",
        "campus",
        "'campos'",
    ),
    "a GPU that is not there": (north("gpus: {a100: {total: 1}}"), "a100", "no GPU 'a100'"),
    "a size that is not there": (python("sizes: [smal]"), "smal", "'small'"),
    "a size named twice": (python("sizes: [small, small]"), "small", "listed twice"),
    "a member rule's unknown group": (
        north("members: [{email: a@b.cd, group: north/stuff}]"),
        "north/stuff",
        "north/staff",
    ),
    "a course of no organisation": (
        GOOD + "courses: {nort/c: {title: C, environment: python}}\n",
        "nort/c",
        "'north'",
    ),
    "a course with a size its environment lacks": (
        python("sizes: [small]").replace(
            "environments:",
            "  big: {cpu: {guarantee: 1, limit: 2}, memory: {guarantee: 1Gi, limit: 2Gi}}\nenvironments:",
            1,
        )
        + "courses: {north/c: {title: C, environment: python, sizes: [big]}}\n",
        "big",
        "python comes in small",
    ),
    "a course with a GPU of which there is no share": (
        GOOD
        + "gpus: {a: {title: A, resource: x.y/z}}\ncourses: {north/c: {title: C, environment: python, gpus: [a]}}\n",
        "a",
        "north has a share of none",
    ),
    "a group that a course declares already": (
        GOOD + "courses: {north/staff: {title: C, environment: python}}\n",
        "staff",
        "declares this group already",
    ),
    "an account's unknown group": (
        GOOD + "authentication: {provider: demo, accounts: {a: {email: a@b.cd, groups: [north/x]}}}\n",
        "north/x",
        "no group 'north/x'",
    ),
    "two default sizes": (
        swapped(
            "environments:",
            "  big: {cpu: {guarantee: 1, limit: 2}, memory: {guarantee: 1Gi, limit: 2Gi}, default: true}\nenvironments:",
        ),
        "true",
        "one default size",
    ),
    "one namespace for two organisations": (
        GOOD + "  south: {title: South, namespace: org-north}\n",
        "org-north",
        "share the namespace 'org-north'",
    ),
    "a namespace of Kubernetes": (north("namespace: kube-system"), "kube-system", "belongs to Kubernetes"),
    "more for one person than for all": (
        north("gpus: {a: {total: 1, perPerson: 2}}") + "gpus: {a: {title: A, resource: x.y/z, total: 1}}\n",
        "2",
        "at most 1",
    ),
    "shares of more than there is": (
        north("gpus: {a: {total: 3}}") + "gpus: {a: {title: A, resource: x.y/z, total: 2}}\n",
        "2",
        "shares of at most 2 together, or overcommit: true",
    ),
    "a limit above the share": (
        north("gpus: {a: {total: 2, limits: {north/staff: 3}}}")
        + "gpus: {a: {title: A, resource: x.y/z, total: 2}}\n",
        "3",
        "more than the organisation's 2",
    ),
    "a limit for a group of others": (
        north("gpus: {a: {total: 2, limits: {south: 1}}}")
        + "  south: {title: South}\ngpus: {a: {title: A, resource: x.y/z, total: 2}}\n",
        "1",
        "a group or a course of north",
    ),
    "servers that must and must not run on the nodes of a GPU": (
        north("nodeLabels: {pool: gpu, site: x}, gpus: {a: {total: 1}}")
        + "gpus: {a: {title: A, resource: x.y/z, nodeLabels: {pool: gpu}}}\n",
        "nodeLabels",
        "cpuServers: true at gpus.a",
    ),
    "a share of what there is none of": (
        north("gpus: {a: {total: 1}}")
        + "gpus: {a: {title: A, resource: x.y/z, total: 0, overcommit: true}}\n",
        "1",
        "has none of this GPU",
    ),
    "pools that overlap": (
        GOOD + "networks:\n  a: {addresses: 10.0.0.0/20}\n  b: {addresses: 10.0.8.0/24}\n",
        "10.0.8.0/24",
        "overlaps with 10.0.0.0/20, the pool of a",
    ),
    "a pool that is too small": (
        GOOD + "networks: {a: {addresses: 10.0.0.0/30}}\n",
        "10.0.0.0/30",
        "/29 or larger",
    ),
    "a pool outside the addresses of pods": (
        GOOD + "networks: {a: {addresses: 10.9.0.0/24}}\ncluster: {pods: [10.244.0.0/16]}\n",
        "10.9.0.0/24",
        "a part of 10.244.0.0/16",
    ),
    "a reach of everything": (GOOD + "networks: {a: {reach: [0.0.0.0/0]}}\n", "0.0.0.0/0", "internet: true"),
    "a reach of metadata": (
        GOOD + "networks: {a: {reach: [169.254.169.254/32]}}\n",
        "169.254.169.254/32",
        "credentials",
    ),
    "a reach of metadata over IPv6": (
        GOOD + "networks: {a: {reach: ['fd00:ec2::/32']}}\n",
        "'fd00:ec2::/32'",
        "credentials",
    ),
    "a reach of IPv4 written as IPv6": (
        GOOD + "networks: {a: {reach: ['::ffff:10.0.0.0/104']}}\n",
        "'::ffff:10.0.0.0/104'",
        "IPv4 addresses written as IPv6",
    ),
    "a reach of services": (
        GOOD + "networks: {a: {reach: [10.96.0.0/24]}}\ncluster: {services: [10.96.0.0/16]}\n",
        "10.96.0.0/24",
        "the cluster's own services",
    ),
    "a reach of the storage server": (
        GOOD + "networks: {a: {reach: [10.0.0.0/8]}}\ncluster: {storage: [10.1.2.3/32]}\n",
        "10.0.0.0/8",
        "the cluster's own storage (10.1.2.3/32)",
    ),
    "a reach of another network's pool": (
        GOOD + "networks: {a: {reach: [10.5.0.0/16]}, b: {addresses: 10.5.0.0/24}}\n",
        "10.5.0.0/16",
        "the pool of b",
    ),
    "a pool on the nodes' addresses": (
        GOOD + "networks: {a: {addresses: 10.5.0.0/24}}\ncluster: {nodes: [10.5.0.0/16]}\n",
        "10.5.0.0/24",
        "addresses of nodes",
    ),
    "ranges of the cluster that overlap": (
        GOOD + "cluster: {nodes: [10.5.0.0/16], pods: [10.5.6.0/24]}\n",
        "10.5.6.0/24",
        "overlaps with 10.5.0.0/16, addresses of nodes",
    ),
    "a wall of a Calico that is not there": (
        GOOD + "cluster: {wall: calico}\n",
        "calico",
        "cluster.calico says of none",
    ),
    "a pool of IPv6 in a tunnel of IPv4": (
        GOOD
        + "networks: {a: {addresses: 'fd00::/112'}}\ncluster: {calico: {version: '3.31', encapsulation: ipip}}\n",
        "'fd00::/112'",
        "carries IPv4 only",
    ),
    "a pool over one that Calico has": (
        GOOD
        + "networks: {a: {addresses: 10.5.6.0/24}}\ncluster: {calico: {version: '3.31', pools: [10.5.0.0/16]}}\n",
        "10.5.6.0/24",
        "a pool that Calico has already",
    ),
    "a pool that nobody compares": (
        GOOD
        + "networks: {a: {addresses: 10.5.6.0/24}}\n"
        + "cluster: {calico: {version: '3.28', api: crd.projectcalico.org/v1}}\n",
        "10.5.6.0/24",
        "nobody sees whether this pool overlaps",
    ),
    "a masquerade of no pool": (
        GOOD + "networks: {a: {masquerade: false}}\n",
        "false",
        "no addresses of its own",
    ),
    "a bandwidth of nothing": (
        GOOD + "networks: {a: {bandwidth: {}}}\n",
        "{}",
        "ingress, egress or both",
    ),
    "a bandwidth that stops everything": (
        GOOD + "networks: {a: {bandwidth: {egress: 1}}}\n",
        "{egress",
        "between 1k and 1P",
    ),
    "a Calico of another age": (
        GOOD + "cluster: {calico: {version: '2.6'}}\n",
        "'2.6'",
        "the minor version of Calico",
    ),
    "an attachment that is no name": (
        GOOD + "networks: {a: {attachments: [VLAN 120]}}\n",
        "VLAN 120",
        "attachments.0",
    ),
    "a host name for a range": (
        GOOD + "networks: {a: {reach: [example.org]}}\n",
        "example.org",
        "'example.org' is not a range",
    ),
    "an address for a range": (
        GOOD + "networks: {a: {reach: [10.0.0.1/8]}}\n",
        "10.0.0.1/8",
        "the range is 10.0.0.0/8",
    ),
    "cluster ranges that overlap": (
        GOOD + "cluster: {pods: [10.0.0.0/8], services: [10.96.0.0/16]}\n",
        "10.96.0.0/16",
        "overlaps with 10.0.0.0/8",
    ),
    "a variable set differently by two levels": (
        python("variables: {A: x}").replace(NORTH, NORTH[:-1] + ", variables: {A: y}}"),
        "x",
        "organizations.north",
    ),
    "a path used twice in one level": (
        python("data: [{path: /d, claim: a}, {path: /d/, claim: b}]"),
        "/d/",
        "set twice",
    ),
    "data where the home is": (python("data: [{path: /home/jovyan, claim: a}]"), "/home/jovyan", "homes"),
    "a node label that a GPU sets otherwise": (
        python("nodeLabels: {pool: cpu}").replace(NORTH, NORTH[:-1] + ", gpus: {a: {total: 1}}}")
        + "gpus: {a: {title: A, resource: x.y/z, nodeLabels: {pool: gpu}}}\n",
        "gpu",
        "environments.python",
    ),
    "the node's network": (pod("{hostNetwork: true}"), "true", "the node's network"),
    "a token of the cluster": (pod("{automountServiceAccountToken: true}"), "true", "no token"),
    "another image": (pod("{containers: [{name: notebook, image: x}]}"), "x", "what runs"),
    "a privileged helper": (
        pod("{initContainers: [{name: x, securityContext: {privileged: true}}]}"),
        "true",
        "no rights on the node",
    ),
    "a file of the node": (
        pod("{volumes: [{name: x, hostPath: {path: /}}]}"),
        "hostPath",
        "the node's files",
    ),
    "a device without gpus": (
        pod("{containers: [{name: notebook2, resources: {limits: {nvidia.com/gpu: 1}}}]}"),
        "1",
        "counted and shared",
    ),
    "a field that pods do not have": (pod("{tolerationz: []}"), "tolerationz", "'tolerations'"),
    "a toleration of everything": (
        pod("{tolerations: [{operator: Exists}]}"),
        "{operator: Exists}",
        "nodes with GPUs",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_does_not_fit_together_is_told_at_its_place(case: str) -> None:
    """Line, column and words: an operator mends it without asking."""
    text, here, words = CASES[case]
    problems = told(text)
    assert any(stands_at(text, problem, here) and words in problem for problem in problems), "\n".join(
        problems
    )


WARNED = {
    "a course that is over": (
        GOOD + "courses: {north/c: {title: C, environment: python, until: 2020-01-01}}\n",
        "2020-01-01",
        "ended on 2020-01-01",
    ),
    "a GPU that nobody may use": (
        GOOD + "gpus: {a: {title: A, resource: x.y/z}}\n",
        "a",
        "nobody may use this GPU",
    ),
    "a limit for a course that has no GPU": (
        north("gpus: {a: {total: 1, limits: {north/c: 1}}}")
        + "gpus: {a: {title: A, resource: x.y/z, total: 1}}\n"
        + "courses: {north/c: {title: C, environment: python, gpus: []}}\n",
        "1",
        "this limits nothing",
    ),
    "sign-in for trying out": (GOOD + "authentication: {provider: demo}\n", "demo", "for trying out"),
    "what is not in this version": (GOOD + "branding: {logo: x.svg}\n", "x.svg", "not in this version"),
    "an instructor whom no rule admits": (
        north("members: [{emailDomain: north.edu}]")
        + "courses: {north/c: {title: C, environment: python, instructors: [p@south.edu]}}\n",
        "p@south.edu",
        "no rule of north admits p@south.edu",
    ),
    "a pool that nothing makes": (
        GOOD + "networks: {a: {addresses: 10.0.0.0/24}}\n",
        "10.0.0.0/24",
        "no pool is made without a Calico",
    ),
    "a pool for fewer servers than may run": (
        north("network: a, limits: {servers: 99}") + "networks: {a: {addresses: 10.0.0.0/28}}\n",
        "10.0.0.0/28",
        "99 servers",
    ),
}


@pytest.mark.parametrize("case", WARNED)
def test_what_an_operator_should_know_is_a_warning_and_the_file_is_used(case: str) -> None:
    """A warning names the key and stops nobody."""
    text, here, words = WARNED[case]
    assert told(text) == []
    problems = told(text, warnings=True)
    assert any(stands_at(text, problem, here) and words in problem for problem in problems), "\n".join(
        problems
    )


def test_a_mistyped_key_does_not_hide_a_wrong_reference() -> None:
    """One run of check tells both."""
    problems = "\n".join(told(north("netwrok: x, network: y")))
    assert "netwrok" in problems
    assert "no network 'y'" in problems


def test_a_name_whose_value_is_wrong_still_counts_as_declared() -> None:
    """One mistake is told once, and not again at every reference."""
    problems = told(swapped('image: "python:1"', "imag: x"))
    assert not any("no environment" in problem for problem in problems), problems


def test_ranges_of_two_families_never_meet() -> None:
    """::/96 and 0.0.0.0/0 are not compared as numbers."""
    assert told(GOOD + "networks: {a: {reach: ['2001:db8::/32']}}\ncluster: {pods: [10.0.0.0/8]}\n") == []


def test_no_size_that_is_right_hides_no_wrong_reference() -> None:
    """Every document needs a size, and a mistake in the only one is told beside the others."""
    problems = "\n".join(told(swapped("guarantee: 1,", "guarantee: 3,").replace("[python]", "[pyton]")))
    assert "more than the limit" in problems
    assert "no environment 'pyton'" in problems


def test_a_number_where_text_belongs_is_told_with_its_quotes() -> None:
    """The message holds what to type."""
    assert 'put it in quotes: "0017"' in "".join(told(swapped("title: Python", "title: 0017")))
