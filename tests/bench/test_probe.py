"""What a probe pays: one run at most, whoever of the models it is that costs something."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from konseho_cli.bench.probe import _Guard
from konseho_cli.cli.main import invoke

COUNCIL = """
konseho: 1
name: small
task: Tabs or spaces?
models: {{first: {{use: "sim:errors=1", attempts: 1, fallback: [paid]}},
          paid: {{use: "openai:gpt-5-mini", base_url: "{url}"}}}}
model: first
agents: {{ann: {{role: You answer in one line.}}}}
steps:
  - {{kind: ask, agent: ann}}
"""
REPLY = {
    "id": "1", "model": "gpt-5-mini",
    "choices": [{"index": 0, "finish_reason": "stop",
                 "message": {"role": "assistant", "content": "Spaces."}}],
    "usage": {"prompt_tokens": 3, "completion_tokens": 2},
}  # fmt: skip


def git(*arguments: str) -> None:
    identity = ("-c", "user.name=Ann", "-c", "user.email=ann@example.org")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def paid(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[str, list[str]]]:
    """The address of a model that costs something, and each time that it was asked."""
    asked: list[str] = []

    class Model(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(self.path)
            body = json.dumps(REPLY).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Not into the test's output."""

    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    with ThreadingHTTPServer(("127.0.0.1", 0), Model) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/v1", asked
        server.shutdown()
        thread.join()


@pytest.fixture
def file(paid: tuple[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "small.yaml"
    path.write_text(COUNCIL.format(url=paid[0]), encoding="utf-8")
    return path


def test_a_fallback_that_costs_something_is_asked_once(
    file: Path, paid: tuple[str, list[str]]
) -> None:
    assert invoke(["bench", str(file), "-n", "4", "--exact", "--quiet"]) == 0
    assert len(paid[1]) == 1


def test_nothing_connects_in_virtual_time() -> None:
    guard = _Guard()
    with pytest.raises(ValueError, match="asked in virtual time"), guard, socket.socket() as plug:
        plug.connect_ex(("127.0.0.1", 9))
    with socket.socket() as plug:
        assert plug.connect_ex(("127.0.0.1", 9)) != 0


def test_what_can_be_known_is_known_before_anybody_is_paid(
    file: Path, paid: tuple[str, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    file.write_text(file.read_text().replace("You answer", "You reply"), encoding="utf-8")
    (file.parent / "new.yaml").write_text(COUNCIL.format(url=paid[0]), encoding="utf-8")
    for options, said in (
        ((str(file), "-k", "makespam"), "no figure of a council matches"),
        ((str(file), "-k", "cpu", "--exact"), "no exact figure"),
        ((str(file), "--junit", "no/such/x.xml"), "--junit no/such/x.xml: there is no folder"),
        ((str(file), "--against", "main", "--exact"), "--simulate compares both"),
        (("new.yaml", "--against", "main", "--exact"), "there is no new.yaml at main"),
    ):
        assert invoke(["bench", *options]) == 2
        assert said in capsys.readouterr().err
    assert paid[1] == []


def test_models_that_were_changed_do_not_share_answers(
    file: Path, paid: tuple[str, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    git("init", "-q", "-b", "main")
    git("add", ".")
    git("commit", "-q", "-m", "one")
    file.write_text(file.read_text().replace("gpt-5-mini", "gpt-5"), encoding="utf-8")
    assert invoke(["bench", str(file), "--against", "main", "--exact"]) == 2
    assert "other models" in capsys.readouterr().err
    assert paid[1] == []


def test_a_run_that_was_paid_is_kept(
    file: Path, paid: tuple[str, list[str]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["bench", str(file), "-n", "2", "--exact", "--json"]) == 0
    assert "asked once, and kept as run" in capsys.readouterr().err
    assert invoke(["bench", str(file), "-n", "2", "--exact", "--replay", "last"]) == 0
    assert len(paid[1]) == 1


def test_junit_can_go_to_stdout(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["bench", str(file), "-n", "2", "--exact", "--simulate", "--junit", "-"]
    assert invoke(options) == 0
    assert capsys.readouterr().out.startswith("<?xml")
    assert not Path("-").exists()
    assert invoke([*options, "--json"]) == 2
    assert "--json and --junit exclude each other" in capsys.readouterr().err
