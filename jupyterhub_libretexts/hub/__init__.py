"""The edge towards JupyterHub: spawner, form, progress, and the one line that configures a hub."""
