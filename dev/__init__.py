"""The developers' commands: from a bare machine to a running hub, tests or measurements.

What runs before an environment exists (everything that ``__main__`` imports) uses the standard library only.
"""
