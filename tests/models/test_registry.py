from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from konseho_cli.core.errors import UsageError
from konseho_cli.models.registry import (
    KEYS,
    PROVIDERS,
    ModelChoice,
    claude_model,
    default_model,
    is_claude_word,
    parse_model_name,
)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("openai:gpt-5-mini", ("openai", "gpt-5-mini")),
        ("ollama:qwen2.5:0.5b", ("ollama", "qwen2.5:0.5b")),
        ("openrouter:openai/gpt-5-mini", ("openrouter", "openai/gpt-5-mini")),
        ("sim", ("sim", "")),
        ("sim:fast", ("sim", "fast")),
    ],
)
def test_a_model_is_its_provider_and_its_name(text: str, parts: tuple[str, str]) -> None:
    assert parse_model_name(text) == parts
    assert ModelChoice(provider=parts[0], model=parts[1]).name == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("opnai:gpt-5", "did you mean 'openai'?"),
        ("gpt-5-mini", "known providers: openai, "),
        ("", "known providers"),
        ("ollama:", "such as ollama:llama3.2"),
    ],
)
def test_what_names_no_model_says_how_to(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_model_name(text)
    assert said in str(caught.value.hint)


@given(st.text(max_size=30))
def test_any_text_is_a_model_or_a_usage_error(text: str) -> None:
    try:
        provider, _ = parse_model_name(text)
    except UsageError:
        return
    assert provider in PROVIDERS


def test_the_first_that_says_anything_chooses_the_model(tmp_path: Path) -> None:
    env = {"OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k", "XDG_CONFIG_HOME": str(tmp_path)}
    (tmp_path / "konseho").mkdir()
    config = tmp_path / "konseho" / "config.yaml"
    config.write_text("model: ollama:llama3.2\n")
    env["KONSEHO_MODEL"] = "sim:fast"
    assert default_model("vllm:x", env) == ("vllm:x", True)
    assert default_model(None, env) == ("sim:fast", True)
    del env["KONSEHO_MODEL"]
    assert default_model(None, env) == ("ollama:llama3.2", True)
    config.unlink()
    assert default_model(None, env) == ("openai:gpt-5-mini", True)
    del env["OPENAI_API_KEY"]
    assert default_model(None, env) == ("anthropic:claude-haiku-4-5", True)
    del env["ANTHROPIC_API_KEY"]
    assert default_model(None, env) == ("sim", False)


def test_an_empty_variable_chooses_nothing() -> None:
    env = {"OPENAI_API_KEY": " ", "KONSEHO_MODEL": ""}
    assert default_model(None, env) == ("sim", False)


def test_a_local_server_is_never_guessed() -> None:
    assert default_model(None, {"OLLAMA_HOST": "http://gpu:11434"}) == ("sim", False)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("", "http://127.0.0.1:11434/v1"),
        ("0.0.0.0", "http://127.0.0.1:11434/v1"),
        ("gpu", "http://gpu:11434/v1"),
        ("gpu:8080", "http://gpu:8080/v1"),
        (":8080", "http://127.0.0.1:8080/v1"),
        ("https://gpu.example", "https://gpu.example:443/v1"),
        ("http://gpu:11434/", "http://gpu:11434/v1"),
        ("http://gpu:11434/v1/", "http://gpu:11434/v1"),
        ("http://gpu/ollama", "http://gpu:11434/ollama/v1"),
        ("[::1]:8080", "http://[::1]:8080/v1"),
    ],
)
def test_ollama_host_is_read_as_ollama_reads_it(host: str, url: str) -> None:
    choice = ModelChoice(provider="ollama", model="m")
    assert PROVIDERS["ollama"].address(choice, {"OLLAMA_HOST": host}) == url


def test_the_files_address_comes_before_the_environments_and_that_before_the_providers() -> None:
    openai = PROVIDERS["openai"]
    plain, own = (ModelChoice(provider="openai", model="m", base_url=u) for u in (None, "http://x"))
    env = {"OPENAI_BASE_URL": "http://env/v1"}
    assert openai.address(own, env) == "http://x"
    assert openai.address(plain, env) == "http://env/v1"
    assert openai.address(plain, {}) == "https://api.openai.com/v1"


def test_a_missing_key_is_an_error_only_where_it_is_needed() -> None:
    openai = PROVIDERS["openai"]
    plain = ModelChoice(provider="openai", model="m")
    with pytest.raises(UsageError, match="no key for openai: set OPENAI_API_KEY"):
        openai.key(plain, {})
    assert openai.key(plain, {"OPENAI_API_KEY": " k\n"}) == "k"
    assert openai.key(plain, {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1"}) is None
    assert PROVIDERS["ollama"].key(ModelChoice(provider="ollama", model="m"), {}) is None


def test_a_server_that_only_the_file_names_gets_no_key() -> None:
    openai = PROVIDERS["openai"]
    env = {"OPENAI_API_KEY": "secret", "OPENAI_BASE_URL": "https://mine.example/v1"}
    for url in ("https://evil.example/v1", "http://mine.example/v1", "https://mine.example:8443"):
        assert openai.key(ModelChoice(provider="openai", model="m", base_url=url), env) is None
    for url in ("https://mine.example/other", "https://api.openai.com/v1", None):
        assert openai.key(ModelChoice(provider="openai", model="m", base_url=url), env) == "secret"


def test_a_choice_sets_its_own_parameters_and_leaves_the_rest() -> None:
    from konseho_cli.models.base import Request

    request = Request(model="first", messages=(), temperature=0.5, stop=("A",), max_tokens=9)
    choice = ModelChoice(provider="openai", model="second", temperature=0.0, seed=1)
    adapted = choice.adapt(request)
    assert (adapted.model, adapted.temperature, adapted.seed) == ("second", 0.0, 1)
    assert (adapted.stop, adapted.max_tokens) == (("A",), 9)


@pytest.mark.parametrize("word", ["haiku", "sonnet", "opus"])
def test_claude_codes_words_mean_claude_where_there_is_a_key(word: str) -> None:
    assert is_claude_word(word)
    name = claude_model(word, {"ANTHROPIC_API_KEY": "k"})
    assert name is not None
    assert parse_model_name(name)[0] == "anthropic"
    assert word in name
    assert claude_model(word, {}) is None


def test_inherit_is_the_councils_own_model() -> None:
    assert is_claude_word("inherit")
    assert claude_model("inherit", {"ANTHROPIC_API_KEY": "k"}) is None
    assert not is_claude_word("gpt-5")


def test_every_key_is_listed() -> None:
    assert {"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "OPENROUTER_API_KEY"} <= set(KEYS)
