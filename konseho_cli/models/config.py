"""The user's own settings: `~/.config/konseho/config.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from konseho_cli.core.errors import UsageError
from konseho_cli.core.suggest import did_you_mean

_KNOWN = ("model",)


def config_path(env: Mapping[str, str]) -> Path | None:
    """Where the file would be; None where the environment names no home."""
    base = env.get("XDG_CONFIG_HOME")
    if not base and env.get("HOME"):
        base = str(Path(env["HOME"]) / ".config")
    return Path(base) / "konseho" / "config.yaml" if base else None


def configured_model(env: Mapping[str, str]) -> str | None:
    """`model:` of the file; None without one. Raises UsageError naming the file."""
    path = config_path(env)
    try:
        text = path.read_text(encoding="utf-8") if path else ""
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read: {error}") from None
    return _settings(text, str(path)).get("model")


def _settings(text: str, path: str) -> dict[str, str]:
    import yaml  # only where there is such a file

    if not text.strip():
        return {}
    try:
        events = [
            event
            for event in yaml.parse(text, Loader=yaml.SafeLoader)
            if isinstance(event, yaml.NodeEvent | yaml.MappingEndEvent | yaml.SequenceEndEvent)
        ]
    except yaml.YAMLError as error:
        raise UsageError(f"{path}: {error}") from None
    scalars = [event.value for event in events if isinstance(event, yaml.ScalarEvent)]
    if not events or scalars == [""]:
        return {}
    if not isinstance(events[0], yaml.MappingStartEvent) or len(scalars) != len(events) - 2:
        raise UsageError(f"{path}: expected `key: value` lines", hint="such as model: sim:fast")
    settings = dict(zip(scalars[::2], scalars[1::2], strict=True))
    for key in settings:
        if key not in _KNOWN:
            hint = did_you_mean(key, _KNOWN) or f"known: {', '.join(_KNOWN)}"
            raise UsageError(f"{path}: unknown key '{key}'", hint=hint)
    return settings
