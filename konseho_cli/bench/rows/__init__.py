"""What is measured against its bare peer: one topic a file."""
