"""What operators write: the document with its line numbers, the models, and ``load``."""
