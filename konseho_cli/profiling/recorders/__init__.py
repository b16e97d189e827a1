"""Runs a council under a profiler, in a process of its own, and leaves a recording."""
