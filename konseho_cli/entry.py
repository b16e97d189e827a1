"""The console script: Ctrl-C ends it quietly while everything is still being imported."""

from __future__ import annotations

import signal


def main() -> None:
    """Run `konseho`."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else: a script's `&`
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from konseho_cli.cli.main import main as run  # takes a tenth of a second

    run()
