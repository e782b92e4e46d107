"""How the documentation is built: Sphinx with MyST and furo, warnings are errors (`./dev/test docs`)."""

from jupyterhub_libretexts import __version__

project = "jupyterhub-libretexts"
author = "The jupyterhub-libretexts contributors"
project_copyright = "BSD-3-Clause"
release = version = __version__

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
source_suffix = {".md": "markdown"}
nitpicky = True

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "jupyterhub-libretexts"
# Everything is served from the pages themselves: no fonts, scripts or trackers from elsewhere.
html_theme_options = {
    "source_repository": "https://github.com/LibreTexts/jupyterhub-libretexts",
    "source_branch": "main",
    "source_directory": "docs/",
}
