"""Decisions: plain Python, no framework, no network, no clock. Callers pass everything in, ``now`` included."""
