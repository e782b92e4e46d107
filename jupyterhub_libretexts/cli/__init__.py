"""The command line: what an operator types; each command is a module of its own."""
