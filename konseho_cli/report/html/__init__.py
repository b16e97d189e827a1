"""A profile as one offline page."""
