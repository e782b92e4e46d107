"""A hub of this project in the real cluster: its image, its pods, and what students do there.

Unlike ``kubernetes_bed`` it uses the package that is tested, so it needs this checkout's environment.
"""
