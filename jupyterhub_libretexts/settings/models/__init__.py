"""The document that an operator writes, as frozen models; no reading and no deciding here."""

from jupyterhub_libretexts.settings.models.base import Model, aliases
from jupyterhub_libretexts.settings.models.document import Settings
from jupyterhub_libretexts.settings.models.hub import (
    Account,
    Announcement,
    Authentication,
    Branding,
    Hub,
    Supporter,
)
from jupyterhub_libretexts.settings.models.organizations import (
    Course,
    GpuShare,
    Limits,
    MemberRule,
    Organization,
    OrganizationHomes,
)
from jupyterhub_libretexts.settings.models.resources import (
    Bandwidth,
    Calico,
    ClusterRanges,
    Gpu,
    Homes,
    Network,
    Range,
    Size,
    Snapshots,
    Toleration,
    Zfs,
)
from jupyterhub_libretexts.settings.models.servers import (
    DataVolume,
    Environment,
    SecretReference,
    ServerRules,
)

__all__ = [
    "Account",
    "Announcement",
    "Authentication",
    "Bandwidth",
    "Branding",
    "Calico",
    "ClusterRanges",
    "Course",
    "DataVolume",
    "Environment",
    "Gpu",
    "GpuShare",
    "Homes",
    "Hub",
    "Limits",
    "MemberRule",
    "Model",
    "Network",
    "Organization",
    "OrganizationHomes",
    "Range",
    "SecretReference",
    "ServerRules",
    "Settings",
    "Size",
    "Snapshots",
    "Supporter",
    "Toleration",
    "Zfs",
    "aliases",
]
