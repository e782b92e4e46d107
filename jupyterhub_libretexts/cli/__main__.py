"""``python -m jupyterhub_libretexts.cli`` is the command where its script is not on the path."""

import sys

from jupyterhub_libretexts.cli.main import main

sys.exit(main())
