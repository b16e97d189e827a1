"""Where the time of a run went: pure functions over its spans."""
