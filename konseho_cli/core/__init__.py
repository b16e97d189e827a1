"""Ground floor: errors, clocks, units, hashing, files. Imports nothing of ours."""
