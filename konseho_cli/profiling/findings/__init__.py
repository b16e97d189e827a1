"""What somebody could change about a run: pure functions from what is known to findings."""
