from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.models.redact import HIDDEN, Redactor

KEY = "very-secret-key/+1"


def test_a_key_is_hidden_plain_and_percent_encoded() -> None:
    assert Redactor(KEY).hide(f"{KEY} or very-secret-key%2F%2B1") == f"{HIDDEN} or {HIDDEN}"


def test_a_placeholder_is_no_secret() -> None:
    assert Redactor("ollama", None).hide("ask ollama") == "ask ollama"


def test_a_message_shows_nothing_like_a_key() -> None:
    clean = Redactor().clean("bad key sk-proj-****abcd, Bearer abcdef123, http://me:pw@host/v1")
    assert clean == "bad key ***, Bearer ***, http://***@host/v1"


def test_a_message_is_one_short_printable_line() -> None:
    clean = Redactor().clean("\x1b[31mred\x1b[0m\n\u202eturned\x00 " + "x" * 1000)
    assert clean.startswith("[31mred[0m turned xxx")
    assert len(clean) == 301


def test_a_key_at_the_cut_of_a_long_message_is_hidden_whole() -> None:
    clean = Redactor(KEY).clean("x" * 295 + KEY)
    assert KEY[:3] not in clean


def test_the_repr_shows_no_secret() -> None:
    assert KEY not in repr(Redactor(KEY))


@given(
    parts=st.lists(st.sampled_from([KEY, KEY[:5], KEY[:-1], "v", "text ", "ve", ""]), max_size=8),
    cuts=st.lists(st.integers(0, 120), max_size=10),
)
def test_a_stream_hides_what_the_whole_text_hides(parts: list[str], cuts: list[int]) -> None:
    text = "".join(parts)
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    shown: list[str] = []
    stream = Redactor(KEY).stream(shown.append)
    for start, end in pairwise(places):
        stream.feed(text[start:end])
    stream.flush()
    assert "".join(shown) == Redactor(KEY).hide(text)


def test_a_key_that_is_cut_or_laced_is_hidden_from_messages() -> None:
    key = "sk-SECRETKEY1234567890abcdef"
    redactor = Redactor(key)
    for echoed in (
        key[3:],
        key[:12],
        f"x{key[5:20]}y",
        *(key[:9] + lace + key[9:] for lace in ("\0\u200b", "\u00ad", "\n", " ", "\ud800")),
        " ".join(key),
        f"{key[:10]} {key[6:]}{key}",
    ):
        cleaned = "".join(redactor.clean(f"bad key {echoed}!").split())
        assert cleaned.startswith("badkey")
        assert cleaned.endswith("!")
        assert not any(key[at : at + 8] in cleaned for at in range(len(key) - 7)), cleaned


def test_words_beside_a_hidden_piece_stay_as_they_are() -> None:
    said = Redactor("correct horse battery").clean("no: horse batt is correct, but hors is not")
    assert said == "no: *** is correct, but hors is not"
