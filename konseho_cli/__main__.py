"""`python -m konseho_cli` is `konseho`."""

from __future__ import annotations

from konseho_cli.entry import main

if __name__ == "__main__":
    main()
