"""Measured claims: each number beside its target and a bare peer."""
