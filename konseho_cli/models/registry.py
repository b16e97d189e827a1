"""Which providers there are, what `provider:model` means, and which model answers by default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import structs

from konseho_cli.core.errors import UsageError
from konseho_cli.core.suggest import did_you_mean
from konseho_cli.models.base import PERSON, PROGRAM, Model, Request
from konseho_cli.models.config import configured_model

if TYPE_CHECKING:
    from konseho_cli.models.http import Http


class ModelChoice(msgspec.Struct, frozen=True, kw_only=True):
    """One model with its parameters, everything resolved."""

    provider: str
    model: str
    base_url: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    timeout_s: float | None = None
    """Seconds for one attempt; None: 10 minutes."""
    attempts: int = 3
    fallback: tuple[ModelChoice, ...] = ()
    cooldown_s: float = 60.0
    """How long it is passed over after a failure, where it has a fallback."""
    rpm: int | None = None
    tpm: int | None = None
    concurrency: int | Literal["auto"] | None = None
    hedge: bool = False
    cache: bool | Literal["warm"] | None = None
    """None: what is asked at temperature 0 is cached."""
    window: int | None = None
    """Tokens, prompt and answer; None: prompts are not fitted."""

    @property
    def name(self) -> str:
        """`provider:model`."""
        return f"{self.provider}:{self.model}" if self.model else self.provider

    @property
    def names(self) -> tuple[str, ...]:
        """Its own name and those of its fallbacks."""
        return (self.name, *(name for other in self.fallback for name in other.names))

    def adapt(self, request: Request) -> Request:
        """The request for this model; where the choice sets a parameter, it wins."""
        return structs.replace(
            request,
            model=self.model,
            temperature=request.temperature if self.temperature is None else self.temperature,
            top_p=request.top_p if self.top_p is None else self.top_p,
            max_tokens=request.max_tokens if self.max_tokens is None else self.max_tokens,
            stop=self.stop or request.stop,
            seed=request.seed if self.seed is None else self.seed,
        )


Make = Callable[["ModelChoice", "Provider", Mapping[str, str], "Http"], Model]


class Provider(msgspec.Struct, frozen=True, kw_only=True):
    """One word before the colon."""

    name: str
    make: Make
    """Loads its adapter and makes the model. Raises UsageError."""
    base_url: str = ""
    base_url_env: str = ""
    key_env: str = ""
    needs_key: bool = False
    """Whether `base_url` answers nobody without a key; another address may."""
    default_model: str = ""
    """What is used where only its key says that it is there."""

    def address(self, choice: ModelChoice, env: Mapping[str, str]) -> str:
        """The base URL: the file's, else the environment's, else the provider's own."""
        return choice.base_url or self._stated(env) or self.base_url

    def place(self, choice: ModelChoice, env: Mapping[str, str]) -> str:
        """The address as it may be shown and kept: in one spelling, without a user and password."""
        address = self.address(choice, env).strip()
        (scheme, host), path = _origin(address), address.partition("://")[2].partition("/")[2]
        return f"{scheme}://{host}/{path}".rstrip("/") if host else scheme

    def key(self, choice: ModelChoice, env: Mapping[str, str]) -> str | None:
        """The key; None where none is needed or the server gets none. Raises UsageError."""
        variable = self.key_variable(choice, env)
        key = env.get(variable, "").strip() if variable else ""
        if not key and self.needs_key and self.address(choice, env) == self.base_url:
            raise UsageError(
                f"no key for {self.name}: set {self.key_env}",
                hint="`konseho run --simulate` lets the simulator answer in the place of every model",
            )
        return key or None

    def key_variable(self, choice: ModelChoice, env: Mapping[str, str]) -> str:
        """The environment variable of the key for this server; empty where it gets none.

        A council file is data, perhaps somebody else's: a `base_url` of its own must not collect
        keys. Only the provider's own server, and one that the environment names, get one.
        """
        ours = {_origin(url) for url in (self.base_url, self._stated(env)) if url}
        return self.key_env if _origin(self.address(choice, env)) in ours else ""

    def _stated(self, env: Mapping[str, str]) -> str:
        stated = env.get(self.base_url_env, "").strip() if self.base_url_env else ""
        return _ollama(stated) if self.name == "ollama" and stated else stated


def _origin(url: str) -> tuple[str, str]:
    """Scheme, and host with port, as far as the text states them."""
    scheme, _, rest = url.strip().partition("://")
    return scheme.lower(), rest.partition("/")[0].rpartition("@")[2].lower()


_ANYWHERE = ("", "0.0.0.0", "[::]")  # noqa: S104 - what OLLAMA_HOST may say


def _ollama(host: str) -> str:
    """OLLAMA_HOST as ollama itself reads it: a host, perhaps a port, perhaps a scheme."""
    scheme, found, rest = host.partition("://")
    scheme, rest = (scheme, rest) if found else ("http", host)
    address, _, path = rest.partition("/")
    name, _, port = address.rpartition(":")
    if not port.isdigit():
        name, port = address, "443" if scheme == "https" else "11434"
    if name in _ANYWHERE:  # a server listens there; a client cannot go there
        name = "127.0.0.1"
    path = path.strip("/").removesuffix("v1").strip("/")
    return f"{scheme}://{name}:{port}/{path + '/' if path else ''}v1"


def _make_openai(
    choice: ModelChoice, provider: Provider, env: Mapping[str, str], http: Http
) -> Model:
    from konseho_cli.models.endpoint import endpoint
    from konseho_cli.models.openai import PATH, OpenAIModel

    key = provider.key(choice, env)
    address = provider.address(choice, env)
    place = endpoint(
        provider.name, address, PATH, key=key, key_env=provider.key_variable(choice, env)
    )
    return OpenAIModel(choice.model, place, http, choice.timeout_s)


def _make_anthropic(
    choice: ModelChoice, provider: Provider, env: Mapping[str, str], http: Http
) -> Model:
    from konseho_cli.models.anthropic import PATH, VERSION, AnthropicModel
    from konseho_cli.models.endpoint import endpoint

    key = provider.key(choice, env)
    place = endpoint(
        provider.name,
        provider.address(choice, env).rstrip("/").removesuffix("/v1"),
        PATH,
        key=key,
        key_env=provider.key_variable(choice, env),
        key_header="x-api-key",
        headers={"anthropic-version": VERSION},
    )
    return AnthropicModel(choice.model, place, http, choice.timeout_s)


def _make_sim(choice: ModelChoice, provider: Provider, env: Mapping[str, str], http: Http) -> Model:
    from konseho_cli.models.sim import SimModel

    return SimModel(choice.model)


def _make_person(
    choice: ModelChoice, provider: Provider, env: Mapping[str, str], http: Http
) -> Model:
    from konseho_cli.models.person import Person

    return Person(choice.model, None, choice.timeout_s)  # one whom nobody can reach


_TABLE = (
    Provider(
        name="openai", make=_make_openai, base_url="https://api.openai.com/v1",
        base_url_env="OPENAI_BASE_URL", key_env="OPENAI_API_KEY", needs_key=True,
        default_model="gpt-5-mini",
    ),
    Provider(
        name="anthropic", make=_make_anthropic, base_url="https://api.anthropic.com",
        base_url_env="ANTHROPIC_BASE_URL", key_env="ANTHROPIC_API_KEY", needs_key=True,
        default_model="claude-haiku-4-5",
    ),
    Provider(
        name="openrouter", make=_make_openai, base_url="https://openrouter.ai/api/v1",
        key_env="OPENROUTER_API_KEY", needs_key=True, default_model="openai/gpt-5-mini",
    ),
    Provider(
        name="ollama", make=_make_openai, base_url="http://127.0.0.1:11434/v1",
        base_url_env="OLLAMA_HOST", key_env="OLLAMA_API_KEY",
    ),
    Provider(
        name="vllm", make=_make_openai, base_url="http://127.0.0.1:8000/v1",
        base_url_env="VLLM_BASE_URL", key_env="VLLM_API_KEY",
    ),
    Provider(
        name="lmstudio", make=_make_openai, base_url="http://127.0.0.1:1234/v1",
        base_url_env="LMSTUDIO_BASE_URL", key_env="LMSTUDIO_API_KEY",
    ),
    Provider(name="sim", make=_make_sim),
    Provider(name=PERSON, make=_make_person),
)  # fmt: skip

_ALONE = frozenset({"sim", PERSON})
"""Providers that need no model's name."""

PROVIDERS: Mapping[str, Provider] = {provider.name: provider for provider in _TABLE}
"""By name, in the order in which a key in the environment chooses one."""

KEYS: tuple[str, ...] = tuple(each.key_env for each in _TABLE if each.key_env)
"""Every environment variable that holds a key."""

NO_MODELS: Mapping[str, str] = {PROGRAM: "a program is executed by a step of its own kind"}
"""Words in front of a colon, in what a run says of its calls, that no agent can choose."""

_CLAUDE = {
    "haiku": "anthropic:claude-haiku-4-5",
    "sonnet": "anthropic:claude-sonnet-4-5",
    "opus": "anthropic:claude-opus-4-5",
}


def parse_model_name(text: str) -> tuple[str, str]:
    """Provider and model of `provider:model`; `sim` and `human` stand alone. Raises UsageError."""
    provider, colon, model = text.strip().partition(":")
    if provider in NO_MODELS:
        raise UsageError(
            f"'{text}' is no model: {NO_MODELS[provider]}", hint=f"such as kind: {provider}"
        )
    if provider not in PROVIDERS:
        known = ", ".join(PROVIDERS)
        near = did_you_mean(provider, PROVIDERS) if colon else None
        what = f"unknown provider '{provider}'" if colon else f"'{text}' names no provider"
        raise UsageError(
            f"{what}: a model is written provider:model, as in openai:gpt-5-mini",
            hint=near or f"known providers: {known}",
        )
    if not model.strip() and provider not in _ALONE:
        raise UsageError(
            f"'{text}' names no model", hint=f"such as {provider}:{_example(provider)}"
        )
    return provider, model.strip()


def _example(provider: str) -> str:
    return PROVIDERS[provider].default_model or "llama3.2"


def default_model(cli: str | None, env: Mapping[str, str]) -> tuple[str, bool]:
    """The model of whoever names none, and whether anybody chose it.

    In turn: `--model`, KONSEHO_MODEL, the user's config, a provider whose key is in the
    environment, and `sim`, which nobody chose. Raises UsageError for an unreadable config.
    """
    stated = cli or env.get("KONSEHO_MODEL", "").strip() or configured_model(env)
    if stated:
        return stated, True
    for provider in _TABLE:
        if provider.default_model and env.get(provider.key_env, "").strip():
            return f"{provider.name}:{provider.default_model}", True
    return "sim", False


def sparing(env: Mapping[str, str]) -> dict[str, str]:
    """The environment in which `sim` answers where nobody says otherwise.

    No key that happens to be there chooses a model: to measure must not cost money by surprise.
    """
    return {**env, "KONSEHO_MODEL": env.get("KONSEHO_MODEL", "").strip() or "sim"}


def claude_model(word: str, env: Mapping[str, str]) -> str | None:
    """What `model: sonnet` of a Claude Code subagent means here.

    None: the council's own model, because the word is `inherit` or there is no key for Claude.
    """
    return _CLAUDE.get(word) if env.get("ANTHROPIC_API_KEY", "").strip() else None


def is_claude_word(word: str) -> bool:
    """Whether a subagent's `model` is one of Claude Code's words rather than a model's name."""
    return word == "inherit" or word in _CLAUDE
