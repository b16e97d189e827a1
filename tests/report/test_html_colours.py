from __future__ import annotations

import re

import pytest

from konseho_cli.report.html import ASSETS

STYLE = (ASSETS / "report.css").read_text(encoding="utf-8")
THEMES = [
    dict(re.findall(r"--(\w+): (#\w{6})", block)) for block in re.findall(r"\{([^{}]*--page: [^{}]*)\}", STYLE)
]  # fmt: skip
DRAWN = ("waiting", "first", "streaming", "konseho", "others")


def luminance(colour: str) -> float:
    """Relative, as WCAG 2.2 defines it."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_there_is_a_light_theme_and_the_same_dark_one_twice() -> None:
    light, chosen, preferred = THEMES
    assert chosen == preferred != light
    assert set(light) == set(chosen)


@pytest.mark.parametrize("theme", THEMES[:2], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["page", "card", "wash"])
def test_text_can_be_read(theme: dict[str, str], ground: str) -> None:
    for text in ("ink", "soft", "accent", "good", "link"):
        assert contrast(theme[text], theme[ground]) >= 4.5, text


@pytest.mark.parametrize("theme", THEMES[:2], ids=["light", "dark"])
def test_what_has_the_focus_can_be_seen(theme: dict[str, str]) -> None:
    assert contrast(theme["focus"], theme["card"]) >= 3


def test_words_on_flames_can_be_read() -> None:
    script = (ASSETS / "page.js").read_text(encoding="utf-8")
    (groups,) = re.findall(r"const GROUPS = \[(.*?)\]", script)
    for colour in re.findall(r"#\w{6}", groups):
        assert contrast("#16181b", colour) >= 4.5


@pytest.mark.parametrize("theme", THEMES[:2], ids=["light", "dark"])
def test_what_is_drawn_differs_in_lightness_from_what_it_borders_on(theme: dict[str, str]) -> None:
    for one, other in (("waiting", "streaming"), ("first", "streaming")):
        assert contrast(theme[one], theme[other]) >= 1.5
    assert len({theme[name] for name in DRAWN}) == len(DRAWN)
