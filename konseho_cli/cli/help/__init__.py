"""What `--help` says beside options: when to use a command, examples, exit status, files."""
