"""Why a run came to its answer, and how two runs differ."""
