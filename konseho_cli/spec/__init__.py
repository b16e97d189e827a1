"""The council document: loading, checking, defaults, JSON Schema."""
