"""Teaching hubs on JupyterHub and Kubernetes: one validated file, a pure plan, a thin spawner."""

__version__ = "0.1.0.dev0"
