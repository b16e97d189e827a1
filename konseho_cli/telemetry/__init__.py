"""What happened: spans and events, as ids and primitives."""
