"""Reference pages written from the code: settings, commands, errors and the list of modules.

``python -m dev.reference`` writes them; a test fails while a committed page says something else.
"""
