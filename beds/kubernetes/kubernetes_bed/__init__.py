"""A whole real Kubernetes inside namespaces of one machine; ``README.md`` beside it says what runs."""
