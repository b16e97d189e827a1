"""Who speaks: definitions, Markdown files, leases."""
