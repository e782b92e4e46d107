"""Environments, and the rules for servers that an environment, a course or an organisation may set."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, StringConstraints, model_validator

from jupyterhub_libretexts.quantities import Span
from jupyterhub_libretexts.settings.models.base import (
    Frozen,
    GroupName,
    Identifier,
    KubernetesName,
    LabelKey,
    LabelValue,
    Line,
    Model,
    VariableName,
)

__all__ = ["DataVolume", "Environment", "SecretReference", "ServerRules"]

AbsolutePath = Annotated[str, StringConstraints(max_length=255, pattern=r"^/[^\x00-\x1f]*$")]


class SecretReference(Model):
    """A value that stays in a Secret of the organisation's namespace and reaches the server from there."""

    secret: KubernetesName
    """Name of the Secret."""
    key: str | None = Field(None, max_length=253, pattern=r"^[-._A-Za-z0-9]+$")
    """Key in the Secret; needed with `variable`."""
    variable: VariableName | None = None
    """Environment variable that carries the value."""
    path: AbsolutePath | None = None
    """Folder under which all keys of the Secret appear as files."""

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if (self.variable is None) == (self.path is None):
            raise ValueError("a secret needs either variable (with key) or path")
        if self.variable is not None and self.key is None:
            raise ValueError("variable needs key: which key of the Secret it carries")
        return self


class DataVolume(Model):
    """Data that servers may read and never write."""

    path: AbsolutePath
    """Where the data appears in the server."""
    claim: KubernetesName | None = None
    """PersistentVolumeClaim in the organisation's namespace."""
    config_map: KubernetesName | None = None
    """ConfigMap in the organisation's namespace."""
    sub_path: str | None = Field(None, max_length=255, pattern=r"^[^/\x00-\x1f][^\x00-\x1f]*$")
    """Folder inside the volume."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.claim is None) == (self.config_map is None):
            raise ValueError("a data volume needs either claim or configMap")
        if self.sub_path is not None and ".." in self.sub_path.split("/"):
            raise ValueError(f"subPath {self.sub_path!r} leads out of the volume; leave out the ..")
        return self


class ServerRules(Model):
    """Rules for servers. Of idle and longest the most specific counts: course, environment, organisation."""

    idle: Span | None = None
    """A server without activity for this long is stopped."""
    longest: Span | None = None
    """A server older than this is stopped."""
    servers_per_person: int | None = Field(None, ge=1, le=100)
    """Servers that one person may run at a time here; each level counts its own."""
    variables: Frozen[VariableName, str] = Field(default_factory=dict, max_length=100)
    """Environment variables. Never a secret: those are named under `secrets`."""
    secrets: tuple[SecretReference, ...] = ()
    """Secrets by reference."""
    data: tuple[DataVolume, ...] = ()
    """Data to read."""
    pull_secrets: tuple[KubernetesName, ...] = ()
    """Secrets with which images are fetched."""
    node_labels: Frozen[LabelKey, LabelValue] = Field(default_factory=dict)
    """Labels that a node must carry to run these servers."""
    pod: Frozen[str, Any] = Field(default_factory=dict)
    """Anything else of a pod, merged strategically, never over what policy sets."""


class Environment(ServerRules):
    """A subject that students pick: an image, a kernel and where they land."""

    title: Line
    """What students read."""
    subject: Line | None = None
    """What it is for, in the students' words."""
    description: Annotated[str, StringConstraints(max_length=1000)] | None = None
    """More about it, plain text."""
    image: Annotated[str, StringConstraints(min_length=1, max_length=512, pattern=r"^[^\s\x00-\x1f]+$")]
    """The image that runs, with its tag or digest."""
    kernel: Annotated[str, StringConstraints(max_length=100, pattern=r"^[A-Za-z0-9._-]+$")] | None = None
    """The kernel that a new notebook gets; must be in the image."""
    opens: Annotated[
        str, StringConstraints(max_length=255, pattern=r"^(lab|notebook|rstudio|/[^\s\x00-\x1f]*)$")
    ] = "lab"
    """Where students land: lab, notebook, rstudio, or a path that begins with /."""
    sizes: tuple[Identifier, ...] | None = Field(None, min_length=1)
    """Sizes to pick from; all of them where this is not given."""
    gpus: tuple[Identifier, ...] | None = None
    """GPU flavours to pick from; all that the organisation has where this is not given."""
    groups: tuple[GroupName, ...] | None = Field(None, min_length=1)
    """Only these groups may start it; everybody whom the organisation offers it to otherwise."""
    needs: tuple[Line, ...] = ()
    """What the image must hold, for example `r:tidyverse`."""
