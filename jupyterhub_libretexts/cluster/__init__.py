"""The Kubernetes edge: what happens in the cluster, known without asking again.

One :class:`~jupyterhub_libretexts.cluster.informer.Informer` per hub watches the pods and events of all
organisations; :mod:`~jupyterhub_libretexts.cluster.explain` says in plain words what they mean. This room
decides nothing about people or settings and imports neither jupyterhub nor kubespawner.
"""
