"""Every page of help, by the words of its command: a test sees to it that none is missing."""

from __future__ import annotations

from collections.abc import Mapping

from konseho_cli.cli.help import guarding, keeping, looking, running, writing
from konseho_cli.cli.help.page import Page

PAGES: Mapping[str, Page] = {
    **running.PAGES, **writing.PAGES, **looking.PAGES, **guarding.PAGES, **keeping.PAGES,
}  # fmt: skip
