"""From a council to a plan, and from a plan to a run."""
