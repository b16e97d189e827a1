from __future__ import annotations

import pytest

from konseho_cli.core.errors import UsageError
from konseho_cli.models.endpoint import Endpoint, endpoint

KEY = "a-key-of-some-length"


def make(base_url: str, key: str | None = KEY, **fields: str) -> Endpoint:
    return endpoint("openai", base_url, "/chat", key=key, key_env="OPENAI_API_KEY", **fields)


@pytest.mark.parametrize("base", ["http://host:1/v1", "http://host:1/v1/", " http://host:1/v1 "])
def test_the_path_is_joined_once(base: str) -> None:
    place = make(base)
    assert place.url == "http://host:1/v1/chat"
    assert (place.origin, place.host) == ("http://host:1", "host")


@pytest.mark.parametrize(
    "base",
    ["", "host:1/v1", "ftp://host/v1", "http://", "http://host:port/v1", "http://host/v1?a=b",
     "http://host/v1#x", "http://[::1/v1", "file:///etc/passwd", "http://.../v1",
     "http://a..b/v1", f"http://{'a' * 300}/v1", "http://host:99999/v1"],
)  # fmt: skip
def test_what_is_no_address_is_a_usage_error(base: str) -> None:
    with pytest.raises(UsageError, match="base_url"):
        make(base)


@pytest.mark.parametrize("base", ["ftp://{}@host/v1", "{}@host/v1", "http:/{}@h", "http://{}@..."])
def test_an_error_about_an_address_does_not_show_its_password(base: str) -> None:
    with pytest.raises(UsageError) as caught:
        make(base.format("me:topsecret"))
    assert "topsecret" not in str(caught.value)


def test_userinfo_is_taken_out_of_the_address_and_wins_over_the_key() -> None:
    place = make("http://me:top%20secret@host/v1")
    assert place.url == "http://host/v1/chat"
    assert place.headers["Authorization"] == "Basic bWU6dG9wIHNlY3JldA=="
    assert "secret" not in repr(place)


def test_another_header_holds_the_key_bare() -> None:
    assert make("http://host", key_header="x-api-key").headers["x-api-key"] == KEY


@pytest.mark.parametrize("key", ["sk-abc\ndef-123456", "sk-ключ-123456"])
def test_a_key_that_cannot_be_a_header_is_named_by_its_variable_only(key: str) -> None:
    with pytest.raises(UsageError, match="OPENAI_API_KEY") as caught:
        make("http://host", key)
    assert "sk-" not in str(caught.value)
