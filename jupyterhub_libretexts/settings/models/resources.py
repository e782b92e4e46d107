"""What servers are made of: sizes, GPUs, networks, homes and the cluster's ranges."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Annotated, Literal, Self

from pydantic import (
    Field,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    WithJsonSchema,
    model_validator,
)

from jupyterhub_libretexts.quantities import Quantity, Span
from jupyterhub_libretexts.settings.models.base import (
    Frozen,
    GroupName,
    KubernetesName,
    LabelKey,
    LabelValue,
    Line,
    Model,
)

__all__ = [
    "Addresses",
    "Bandwidth",
    "Calico",
    "ClusterRanges",
    "Gpu",
    "Homes",
    "Network",
    "Range",
    "Size",
    "Snapshots",
    "Toleration",
    "Zfs",
]


def _addresses(value: object) -> IPv4Network | IPv6Network:
    if isinstance(value, (IPv4Network, IPv6Network)):
        return value
    example = "write for example 10.20.0.0/16 or 2001:db8::/32"
    if not isinstance(value, str):
        raise ValueError(f"{value!r} is not a range of addresses; {example}")  # noqa: TRY004 (pydantic reports it)
    try:
        whole = ip_network(value, strict=False)
    except ValueError as problem:
        raise ValueError(f"{value[:80]!r} is not a range of addresses; {example}") from problem
    if whole.network_address != ip_address(value.partition("/")[0]):
        raise ValueError(f"{value!r} is an address inside a range; the range is {whole}")
    return whole


Addresses = Annotated[
    IPv4Network | IPv6Network,
    PlainValidator(_addresses),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "examples": ["10.20.0.0/16", "2001:db8::/32"]}),
]


Attachment = Annotated[
    str,
    StringConstraints(
        max_length=127,
        pattern=r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/)?[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$",
    ),
]
"""A NetworkAttachmentDefinition, in the organisation's namespace or as NAMESPACE/NAME."""


class Range(Model):
    """What a server is sure to get, and what it can use at most."""

    guarantee: Quantity
    """Set aside for the server on its node."""
    limit: Quantity
    """The most it can use."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.limit < self.guarantee:
            raise ValueError(f"the guarantee {self.guarantee} is more than the limit {self.limit}")
        return self


class Size(Model):
    """How much processor and memory a server gets."""

    title: Line | None = None
    """What students read; made from the numbers where not given."""
    cpu: Range
    """Processor cores."""
    memory: Range
    """Memory."""
    default: bool = False
    """Chosen where a student chooses nothing."""
    groups: tuple[GroupName, ...] | None = Field(None, min_length=1)
    """Only these groups may choose it."""


class Toleration(Model):
    """A taint of nodes that servers with a GPU pass by; any value of it where none is named."""

    key: LabelKey
    """Key of the taint."""
    value: LabelValue | None = None
    """Value of the taint."""
    effect: Literal["NoSchedule", "NoExecute", "PreferNoSchedule"] | None = None
    """Effect of the taint; every effect where none is named."""


class Gpu(Model):
    """A flavour of GPU: one resource name of the cluster, and where it is found."""

    title: Line
    """What students read."""
    resource: Annotated[
        str,
        StringConstraints(
            max_length=317,
            pattern=r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$",
        ),
    ]
    """Extended resource as the device plugin names it, for example `nvidia.com/mig-1g.10gb`."""
    total: int | None = Field(None, ge=0, le=100_000)
    """How many the cluster has; counted from the nodes where not given and readable."""
    overcommit: bool = False
    """Whether the organisations' shares together may be more than `total`."""
    node_labels: Frozen[LabelKey, LabelValue] = Field(default_factory=dict)
    """Labels of the nodes that have it; servers without a GPU keep off nodes that carry all of them."""
    cpu_servers: bool = False
    """Whether servers without a GPU may run on those nodes all the same."""
    tolerations: tuple[Toleration, ...] = (Toleration(key="nvidia.com/gpu"),)
    """Taints that keep other servers off those nodes; servers with this GPU pass by them."""
    shared_memory: Quantity | None = None
    """Size of /dev/shm, which many frameworks want larger than 64Mi."""
    longest: Span | None = None
    """A server with this GPU ends after this time."""
    queue: KubernetesName | None = None
    """LocalQueue of Kueue, in each organisation's namespace, whose line it is instead of ours."""
    turn: Span = Span.parse("10m")
    """Somebody who waited for it and is not there within this time of their turn loses it to the next."""
    idle: Span | None = None
    """A server with this GPU and without activity for this long is stopped."""


class Bandwidth(Model):
    """The most that a server sends and receives, in bits per second (`100M`)."""

    ingress: Quantity | None = None
    """What reaches the server."""
    egress: Quantity | None = None
    """What the server sends."""

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        for name in ("ingress", "egress"):
            amount: Quantity | None = getattr(self, name)
            # Calico's bounds: https://docs.tigera.io/calico/latest/networking/configuring/qos-controls
            if amount is not None and not 1000 <= amount.value <= 10**15:  # noqa: PLR2004
                raise ValueError(f"{name} {amount} is not between 1k and 1P bits per second")
        if self.ingress is None and self.egress is None:
            raise ValueError("a bandwidth needs ingress, egress or both")
        return self


class Network(Model):
    """A network that organisations share: what their servers may reach."""

    internet: bool = False
    """Whether public addresses may be reached."""
    reach: tuple[Addresses, ...] = ()
    """Private ranges that may be reached."""
    addresses: Addresses | None = None
    """Range of which the servers get their own addresses (a Calico pool)."""
    peers: bool = False
    """Whether servers of one organisation may reach each other."""
    masquerade: bool = True
    """Whether what leaves the cluster from `addresses` carries a node's address; without it the routers
    outside must know the way back."""
    bandwidth: Bandwidth | None = None
    """The most that each server sends and receives."""
    attachments: tuple[Attachment, ...] = Field((), max_length=8)
    """Further networks of each server (Multus): a NetworkAttachmentDefinition as NAME or NAMESPACE/NAME.
    Network policies do not reach what runs over them."""


class Calico(Model):
    """The cluster's Calico, for what only Calico understands: pools of addresses and the wall."""

    version: Annotated[str, StringConstraints(max_length=8, pattern=r"^3\.\d{1,3}$")]
    """Its minor version, in quotes: "3.31"."""
    api: Literal["projectcalico.org/v3", "crd.projectcalico.org/v1"] = "projectcalico.org/v3"
    """How its objects are written: by its API server, which checks them, or straight into its resources."""
    encapsulation: Literal["vxlan", "vxlan-cross-subnet", "ipip", "ipip-cross-subnet", "none"] = "vxlan"
    """How packets of the pools travel between nodes; as for the cluster's own pool."""
    pools: tuple[Addresses, ...] = ()
    """Pools that the cluster has already. Calico refuses one that overlaps with another, so a cluster whose
    own pool is all of its addresses for pods has no room for pools of networks."""


class ClusterRanges(Model):
    """The ranges that network policies must know."""

    nodes: tuple[Addresses, ...] = ()
    """Addresses of the nodes."""
    pods: tuple[Addresses, ...] = ()
    """Addresses of pods: kube-proxy's cluster CIDR. A pod outside of it reaches Services under its node's
    address, so that no policy knows it."""
    services: tuple[Addresses, ...] = ()
    """Addresses of services."""
    storage: tuple[Addresses, ...] = ()
    """Storage servers; never reachable from a student's server."""
    dns: tuple[Addresses, ...] = ()
    """Name servers, where they are not pods of the cluster."""
    calico: Calico | None = None
    """The cluster's Calico, where it runs one."""
    wall: Literal["calico", "clusterNetworkPolicy", "none"] | None = None
    """What closes metadata, storage and nodes over every policy of an organisation: a GlobalNetworkPolicy of
    Calico (the default where `calico` is given) or a ClusterNetworkPolicy of the Network Policy API."""


class Zfs(Model):
    """The storage server."""

    server: Line
    """Its name or address, as nodes mount from it."""
    pool: Annotated[str, StringConstraints(max_length=128, pattern=r"^[A-Za-z][A-Za-z0-9_.:-]*$")]
    """The pool that holds the homes."""
    agent: Annotated[str, StringConstraints(max_length=512, pattern=r"^https://\S+$")]
    """Address of the agent on it."""


class Snapshots(Model):
    """How many snapshots of each home are kept."""

    hourly: int = Field(0, ge=0, le=1000)
    """Hours back."""
    daily: int = Field(0, ge=0, le=1000)
    """Days back."""


class Homes(Model):
    """Where people's files live."""

    kind: Literal["claim", "folder", "zfs"] = "claim"
    """claim: a PersistentVolumeClaim each; folder: a folder of the node (demo); zfs: a dataset each."""
    quota: Quantity = Quantity.parse("10Gi")
    """Space for each person, where their organisation says nothing else."""
    storage_class: KubernetesName | None = None
    """Storage class of claims; the cluster's default where not given."""
    folder: Annotated[str, StringConstraints(max_length=255, pattern=r"^/[^\x00-\x1f]*$")] | None = None
    """With kind folder: the folder under which each person's home is made."""
    mount: Annotated[str, StringConstraints(max_length=255, pattern=r"^/[^\x00-\x1f]*$")] = "/home/jovyan"
    """Where the home appears in the server."""
    zfs: Zfs | None = None
    """With kind zfs: the storage server."""
    snapshots: Snapshots | None = None
    """With kind zfs: what is kept."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        needed = {"folder": self.folder, "zfs": self.zfs}
        if self.kind in needed and needed[self.kind] is None:
            raise ValueError(f"kind {self.kind} needs {self.kind}:")
        for name, value in needed.items():
            if value is not None and name != self.kind:
                raise ValueError(f"{name}: belongs to kind {name}, and the kind here is {self.kind}")
        return self
