"""Images: what they hold (their manifest), which of them a settings file may rely on, how they are built.

``manifest``, ``lock``, ``compare`` and ``sbom`` are pure; ``engines``, ``inspect`` and ``build`` call podman,
docker, buildah and skopeo by argument lists.
"""
