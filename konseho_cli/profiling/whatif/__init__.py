"""A run again with something changed, in virtual time."""
