"""The user's own settings: `~/.config/konseho/config.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from konseho_cli.core.errors import InvalidCouncil, UsageError
from konseho_cli.core.source import read_source
from konseho_cli.core.suggest import did_you_mean

_KNOWN: Mapping[str, type] = {"model": str, "allow_exec": bool}


def config_path(env: Mapping[str, str]) -> Path | None:
    """Where the file would be; None where the environment names no home."""
    base = env.get("XDG_CONFIG_HOME")
    if not base and env.get("HOME"):
        base = str(Path(env["HOME"]) / ".config")
    return Path(base) / "konseho" / "config.yaml" if base else None


def configured_model(env: Mapping[str, str]) -> str | None:
    """`model:` of the file; None without one. Raises UsageError naming the file."""
    return _read(env).get("model")


def allows_exec(env: Mapping[str, str]) -> bool:
    """`allow_exec:` of the file: whether councils may execute programs. Raises UsageError."""
    return bool(_read(env).get("allow_exec", False))


def _read(env: Mapping[str, str]) -> dict[str, Any]:
    path = config_path(env)
    if path is None:
        return {}
    try:
        path.lstat()  # only a file that is not there is no mistake
        return _settings(read_source(path), path)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise UsageError(f"{path}: the file cannot be read: {error.strerror}") from None
    except InvalidCouncil as error:
        raise UsageError(str(error), hint="such as model: sim:fast") from None


def _settings(text: str, path: Path) -> dict[str, Any]:
    from konseho_cli.core.yaml_events import parse_yaml  # only where there is such a file

    parsed = parse_yaml(text, file=str(path))
    if parsed.problems:
        raise InvalidCouncil(parsed.problems[:1])
    settings = {} if parsed.value is None else parsed.value
    if not isinstance(settings, dict):
        raise UsageError(f"{path}: expected `key: value` lines", hint="such as model: sim:fast")
    for key in settings:
        if key not in _KNOWN:
            hint = did_you_mean(key, _KNOWN) or f"known: {', '.join(_KNOWN)}"
            raise UsageError(f"{path}: unknown key '{key}'", hint=hint)
        if not isinstance(settings[key], _KNOWN[key]):
            what = "text" if _KNOWN[key] is str else "true or false"
            raise UsageError(f"{path}: {key}: expected {what}", hint="such as model: sim:fast")
    return settings
