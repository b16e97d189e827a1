"""One change at a time, kept where it pays and answers alike."""
