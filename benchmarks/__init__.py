"""
Speed of the hot paths, each as a ratio against a baseline measured in the same run: ``make bench``.

Nothing here is a test: figures of one machine and one moment say nothing by themselves.
"""
