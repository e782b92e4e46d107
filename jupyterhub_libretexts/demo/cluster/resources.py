"""The kinds that the embedded cluster serves: one row each."""

from __future__ import annotations

from dataclasses import dataclass

CORE = "io.k8s.api.core.v1."


@dataclass(frozen=True, slots=True)
class Resource:
    """One kind of object and where it is served."""

    plural: str
    kind: str
    schema: str
    group: str = ""
    version: str = "v1"
    namespaced: bool = True
    short: tuple[str, ...] = ()
    status: bool = False
    """Whether ``/status`` is a document of its own that an ordinary write leaves alone."""
    returns_deleted: bool = False
    """Whether a deletion answers with the object instead of a Status."""
    generation: bool = False
    """Whether a change of the specification counts in ``metadata.generation``."""
    names: str = "subdomain"
    """How names are checked: subdomain, label, label1035 or path."""

    @property
    def api_version(self) -> str:
        """What an object of this kind carries as ``apiVersion``."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """The name used in messages: ``pods``, ``leases.coordination.k8s.io``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def qualified_kind(self) -> str:
        """The kind used in messages: ``Pod``, ``Lease.coordination.k8s.io``."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @property
    def root(self) -> str:
        """The path of the group and version."""
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"


RBAC = "rbac.authorization.k8s.io"
PODS = Resource(
    "pods", "Pod", CORE + "Pod", short=("po",), status=True, returns_deleted=True, generation=True
)
NODES = Resource("nodes", "Node", CORE + "Node", namespaced=False, short=("no",), status=True)
NAMESPACES = Resource(
    "namespaces", "Namespace", CORE + "Namespace", namespaced=False, short=("ns",), status=True, names="label"
)
EVENTS = Resource("events", "Event", CORE + "Event", short=("ev",))
SERVICES = Resource(
    "services",
    "Service",
    CORE + "Service",
    short=("svc",),
    status=True,
    returns_deleted=True,
    names="label1035",
)
SECRETS = Resource("secrets", "Secret", CORE + "Secret")
CONFIG_MAPS = Resource("configmaps", "ConfigMap", CORE + "ConfigMap", short=("cm",))
CLAIMS = Resource(
    "persistentvolumeclaims",
    "PersistentVolumeClaim",
    CORE + "PersistentVolumeClaim",
    short=("pvc",),
    status=True,
    returns_deleted=True,
)
VOLUMES = Resource(
    "persistentvolumes",
    "PersistentVolume",
    CORE + "PersistentVolume",
    namespaced=False,
    short=("pv",),
    status=True,
    returns_deleted=True,
)
SERVICE_ACCOUNTS = Resource(
    "serviceaccounts", "ServiceAccount", CORE + "ServiceAccount", short=("sa",), returns_deleted=True
)
QUOTAS = Resource(
    "resourcequotas",
    "ResourceQuota",
    CORE + "ResourceQuota",
    short=("quota",),
    status=True,
    returns_deleted=True,
)
LIMIT_RANGES = Resource("limitranges", "LimitRange", CORE + "LimitRange", short=("limits",))
STORAGE_CLASSES = Resource(
    "storageclasses",
    "StorageClass",
    "io.k8s.api.storage.v1.StorageClass",
    "storage.k8s.io",
    namespaced=False,
    short=("sc",),
    returns_deleted=True,
)
LEASES = Resource("leases", "Lease", "io.k8s.api.coordination.v1.Lease", "coordination.k8s.io")

RESOURCES = (
    PODS,
    NODES,
    NAMESPACES,
    EVENTS,
    SERVICES,
    SECRETS,
    CONFIG_MAPS,
    CLAIMS,
    VOLUMES,
    SERVICE_ACCOUNTS,
    QUOTAS,
    LIMIT_RANGES,
    STORAGE_CLASSES,
    LEASES,
    Resource(
        "networkpolicies",
        "NetworkPolicy",
        "io.k8s.api.networking.v1.NetworkPolicy",
        "networking.k8s.io",
        short=("netpol",),
        generation=True,
    ),
    Resource("roles", "Role", "io.k8s.api.rbac.v1.Role", RBAC, names="path"),
    Resource("rolebindings", "RoleBinding", "io.k8s.api.rbac.v1.RoleBinding", RBAC, names="path"),
    Resource(
        "clusterroles", "ClusterRole", "io.k8s.api.rbac.v1.ClusterRole", RBAC, namespaced=False, names="path"
    ),
    Resource(
        "clusterrolebindings",
        "ClusterRoleBinding",
        "io.k8s.api.rbac.v1.ClusterRoleBinding",
        RBAC,
        namespaced=False,
        names="path",
    ),
    Resource(
        "priorityclasses",
        "PriorityClass",
        "io.k8s.api.scheduling.v1.PriorityClass",
        "scheduling.k8s.io",
        namespaced=False,
        short=("pc",),
    ),
    Resource(
        "poddisruptionbudgets",
        "PodDisruptionBudget",
        "io.k8s.api.policy.v1.PodDisruptionBudget",
        "policy",
        short=("pdb",),
        status=True,
        generation=True,
    ),
)
PRIORITY_CLASSES = next(each for each in RESOURCES if each.plural == "priorityclasses")

BY_PATH = {(each.group, each.version, each.plural): each for each in RESOURCES}
BY_KIND = {(each.api_version, each.kind): each for each in RESOURCES}
GROUPS = tuple(dict.fromkeys((each.group, each.version) for each in RESOURCES if each.group))
