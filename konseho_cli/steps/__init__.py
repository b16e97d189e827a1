"""One kind of step a file: its fields and its behaviour, in one place."""
