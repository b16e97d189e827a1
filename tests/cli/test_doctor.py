from __future__ import annotations

import importlib.metadata
import json
import re
import resource
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from konseho_cli.cli.examining import examine_machine, examine_packages, examine_terminal
from konseho_cli.cli.examining_models import examine_models, examine_network
from konseho_cli.cli.examining_store import examine_store
from konseho_cli.cli.requirements import numbers, read_requirement, requirements
from konseho_cli.models.registry import KEYS, PROVIDERS
from konseho_cli.report.doctor import Finding, findings_lines, is_broken
from konseho_cli.report.frame import as_text
from konseho_cli.report.symbols import ASCII, UNICODE

SECRET = "sk-do-not-show-me"


@pytest.fixture(autouse=True)
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.delenv(name, raising=False)


def by_name(findings: Iterator[Finding]) -> dict[str, Finding]:
    return {finding.name: finding for finding in findings}


@contextmanager
def server(status: int, body: str = '{"error": {"message": "no"}}') -> Iterator[str]:
    """Answers every post with one status; yields its base URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "text/html" if body[0] == "<" else "application/json")
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as listening:
        thread = threading.Thread(target=listening.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listening.server_port}/v1"
        finally:
            listening.shutdown()
            thread.join()


def test_a_machine_that_is_well_is_said_to_be(konseho):
    ran = konseho("doctor")
    assert ran.status == 0
    assert ran.err == ""
    for group in ("Python", "Packages", "Extras", "Models", "Store", "Profilers", "Terminal"):
        assert f"\n{group}\n" in f"\n{ran.out}"
    assert re.search(r"^[✔+] (all is well|Konseho works; \d+ warnings?)$", ran.out, re.MULTILINE)


def test_programs_read_json(konseho):
    ran = konseho("doctor", "--json")
    said = json.loads(ran.out)
    assert (said["konseho"], said["ok"], ran.status) == (1, True, 0)
    assert {finding["name"] for finding in said["findings"]} >= {"typer", "python", "clock"}
    assert all({"group", "name", "state", "said", "mend"} == set(each) for each in said["findings"])


@pytest.mark.parametrize("form", [(), ("--json",)])
def test_a_key_is_there_and_nothing_else_is_said_of_it(konseho, monkeypatch, form):
    for name in KEYS:
        monkeypatch.setenv(name, SECRET)
    out = konseho("doctor", *form).out
    assert "OPENAI_API_KEY is set" in out
    assert SECRET not in out
    assert str(len(SECRET)) not in re.findall(r"KEY is set.*", out)


def test_what_is_broken_makes_the_status(konseho, monkeypatch, tmp_path):
    config = tmp_path / "konseho" / "config.yaml"
    config.parent.mkdir()
    config.write_text("modle: sim\n", encoding="utf-8")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    ran = konseho("doctor")
    assert ran.status == 1
    assert "unknown key 'modle'" in " ".join(ran.out.split())
    assert "1 thing that Konseho needs is broken" in ran.out


def gone(name: str) -> str:
    raise importlib.metadata.PackageNotFoundError(name)


def broken(name: str) -> object:
    raise ImportError("libyaml is not there")


@pytest.mark.parametrize(
    ("version", "load", "said", "mend"),
    [
        (gone, str, "not installed", "pip install 'pyyaml>=6,<7'"),
        (lambda _: "5.4", str, "5.4, and >=6,<7 is needed", "pip install 'pyyaml>=6,<7'"),
        (lambda _: "7.0", str, "7.0, and >=6,<7 is needed", "pip install 'pyyaml>=6,<7'"),
        (lambda _: "6.0.1", broken, "libyaml is not there", "--force-reinstall pyyaml"),
    ],
)
def test_a_package_that_cannot_be_used_is_an_error(version, load, said, mend):
    (found,) = examine_packages([read_requirement("pyyaml>=6,<7")], version, load)
    assert found.state == "error"
    assert said in found.said
    assert mend in found.mend


def test_an_extra_that_is_not_there_is_no_error_and_says_its_install_line():
    needed = [read_requirement("altair>=6; extra == 'report'")]
    (found,) = examine_packages(needed, gone)
    assert (found.state, found.mend) == ("absent", "pip install 'konseho[report]'")
    (found,) = examine_packages(needed, lambda _: "5.0")
    assert (found.state, found.mend) == ("warning", "pip install 'konseho[report]'")


def test_the_requirements_are_those_of_the_project():
    found = {each.name: each for each in requirements()}
    assert found["typer"].admits("0.28.0")
    assert not found["typer"].admits("0.29.0")
    assert found["altair"].extra == "report"
    assert "pytest" not in found


@given(st.lists(st.integers(0, 9999), min_size=1, max_size=4))
def test_a_version_meets_bounds_at_itself_and_none_above(parts):
    version = ".".join(map(str, parts))
    above = ".".join(map(str, [*parts[:-1], parts[-1] + 1]))
    assert numbers(f"{version}.0") == numbers(version) == numbers(f"{version}rc1")
    assert read_requirement(f"x>={version}").admits(version)
    assert not read_requirement(f"x>={above}").admits(version)
    assert read_requirement(f"x>={version},<{above}").admits(version)
    assert not read_requirement(f"x<{version}").admits(version)


def test_a_model_that_there_is_not_is_an_error():
    found = by_name(examine_models({"KONSEHO_MODEL": "opnai:x"}))
    assert found["default"].state == "error"
    assert "unknown provider 'opnai'" in found["default"].said


def test_a_key_that_cannot_be_sent_is_named_without_it():
    found = by_name(examine_models({"OPENAI_API_KEY": f"{SECRET}\ninjected"}))
    assert found["openai"].state == "warning"
    assert SECRET not in found["openai"].said


@pytest.mark.parametrize(
    ("status", "state"),
    [(400, "ok"), (422, "ok"), (401, "error"), (503, "error"), (404, "warning")],
)
def test_a_server_that_refuses_an_empty_question_is_there(status, state):
    with server(status) as url:
        found = by_name(examine_network({"OPENAI_BASE_URL": url, "OPENAI_API_KEY": SECRET}))
    assert found["openai"].state == state
    assert SECRET not in str(found)
    assert found["openai"].mend or state == "ok"


def test_a_server_that_is_none_of_models_is_warned_of():
    with server(200, "<html>Log in to this network</html>") as url:
        found = by_name(examine_network({"VLLM_BASE_URL": url}))
    assert found["vllm"].state == "warning"
    assert "not as a server of models does" in found["vllm"].said


def test_a_server_that_is_not_there_is_an_error_where_it_was_named_and_none_where_not(monkeypatch):
    with server(400) as url:
        pass
    found = by_name(examine_network({"OPENAI_BASE_URL": url, "OPENAI_API_KEY": "x"}))
    assert found["openai"].state == "error"
    # Where it would be looked for by itself, somebody's own may run.
    monkeypatch.setitem(PROVIDERS, "lmstudio", structs.replace(PROVIDERS["lmstudio"], base_url=url))
    named = by_name(examine_network({"OLLAMA_HOST": url.removesuffix("/v1")}))
    assert named["ollama"].state == "error"
    assert named["lmstudio"].state == "absent"


def test_a_proxy_is_told_without_its_password(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:{SECRET}@proxy.example:3128")
    found = by_name(examine_network({}))
    assert found["proxy"].said == "https through proxy.example:3128"


def test_nothing_is_asked_without_network(konseho):
    assert "Network" not in konseho("doctor").out


def stored(folder: Path) -> dict[str, Finding]:
    return by_name(examine_store({"KONSEHO_HOME": str(folder / ".konseho")}))


def test_a_store_that_is_not_there_yet_is_fine_and_is_not_made(tmp_path):
    assert stored(tmp_path)["place"].state == "absent"
    assert not list(tmp_path.iterdir())


def test_a_store_that_is_well_is_looked_over(konseho, council, tmp_path, monkeypatch):
    monkeypatch.setenv("KONSEHO_HOME", str(tmp_path / ".konseho"))
    konseho("run", council(), "-q")
    found = stored(tmp_path)
    assert (found["place"].state, found["health"].state) == ("ok", "ok")
    assert "1 run, no problem" in found["health"].said
    (tmp_path / ".konseho").chmod(0o755)
    place = stored(tmp_path)["place"]
    assert place.state == "warning"
    assert place.mend.startswith(f"chmod 700 {tmp_path / '.konseho'}:")


def test_of_a_store_elsewhere_only_the_file_has_to_be_private(konseho, council, tmp_path):
    file = tmp_path / "konseho.db"
    tmp_path.chmod(0o755)
    konseho("run", council(), "-q", "--store", file)
    env = {"KONSEHO_STORE": str(file)}
    assert by_name(examine_store(env))["place"].state == "ok"
    file.chmod(0o644)
    assert by_name(examine_store(env))["place"].mend.startswith(f"chmod 600 {file}:")


def test_a_store_that_is_broken_is_an_error(tmp_path):
    home = tmp_path / ".konseho"
    home.mkdir(mode=0o700)
    (home / "konseho.db").write_bytes(b"this is no database" * 100)
    found = stored(tmp_path)
    assert found["health"].state == "error"


def test_few_open_files_and_a_wrong_clock_are_warned_of(monkeypatch):
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 4096))
    found = by_name(examine_machine(wall=lambda: 0.0))
    assert (found["open files"].state, found["clock"].state) == ("warning", "warning")
    assert "ulimit -n 4096" in found["open files"].mend


def test_a_terminal_says_why_there_is_no_colour():
    assert (
        "NO_COLOR" in by_name(examine_terminal({"TERM": "xterm", "NO_COLOR": "1"}))["colours"].said
    )
    assert "no live view" in by_name(examine_terminal({"TERM": "dumb"}))["kind"].said


Made = Callable[[str], Finding]
states = st.sampled_from(["ok", "absent", "warning", "error"])
texts = st.text(min_size=1, max_size=200)


@given(
    st.lists(st.builds(Finding, group=st.sampled_from(["Packages", "Store"]), name=st.sampled_from(
        ["a", "long name"]), state=states, said=texts, mend=st.none() | texts), min_size=1),
    st.sampled_from([UNICODE, ASCII]),
)  # fmt: skip
def test_lines_cannot_drive_the_terminal_and_end_with_the_sum(findings, symbols):
    text = as_text(findings_lines(findings, symbols, 80))
    assert "\x1b" not in text
    assert ("broken" in text.splitlines()[-1]) == is_broken(findings)
