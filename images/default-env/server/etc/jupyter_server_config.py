"""What the image sets for every server: stronger than a file in a home, weaker than a hub's arguments."""

import sys
from pathlib import Path

c = get_config()  # noqa: F821

# Widgets live with the kernels that speak to them; their browser side is found there.
for application in (c.LabApp, c.JupyterNotebookApp):
    application.extra_labextensions_path = ["/opt/python/share/jupyter/labextensions"]

# A deleted file frees its space at once: a bin inside the home would still count against the quota,
# and deleted work comes back from the storage's snapshots.
c.FileContentsManager.delete_to_trash = False

# Neither asks the internet whether there is news: many servers cannot reach it.
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"

# The image has no language server, and looking for one runs R and Julia at every start. An image that adds one
# sets this to True.
c.LanguageServerManager.autodetect = False

c.ServerApp.terminado_settings = {"shell_command": ["/bin/bash", "--login"]}

# Applications behind the server's own sign-in, by unix socket; each starts at its first visit,
# and is offered only where its program is.
if Path("/usr/bin/Rscript").exists():
    c.ServerProxy.servers = {
        "shiny": {
            "command": [
                "/usr/bin/Rscript",
                "--no-save",
                "--no-restore",
                "/usr/share/libretexts/shiny/server.R",
                "{unix_socket}",
            ],
            "unix_socket": True,
            "timeout": 30,
            "launcher_entry": {"title": "Shiny", "icon_path": "/usr/share/libretexts/shiny/icon.svg"},
        }
    }
if Path("/usr/lib/rstudio-server/bin/rserver").exists():
    # jupyter-rsession-proxy offers RStudio by being importable.
    sys.path.append("/opt/jupyter/optional/rstudio")
