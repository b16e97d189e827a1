"""Pure analyses of recorded runs."""
