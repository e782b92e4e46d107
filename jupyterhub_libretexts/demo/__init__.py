"""A hub on this machine: to try the product out, and to test it."""
