"""What ``./dev/images`` does: one module for each command. Only the standard library is needed."""
