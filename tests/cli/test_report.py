from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec import structs

from konseho_cli.cli.recordings import find_recordings
from konseho_cli.core.errors import UsageError


@pytest.fixture
def kept(konseho, council):
    """A run that is kept."""
    assert konseho("run", council(), "-q").status == 0


def test_a_run_that_is_kept_becomes_a_page(konseho, kept, tmp_path):
    file = tmp_path / "report.html"
    ran = konseho("report", "last", "--html", file)
    assert (ran.status, ran.out, ran.err) == (0, "", "")
    page = file.read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    assert "<h1>small</h1>" in page


def test_a_dash_is_stdout(konseho, kept):
    ran = konseho("report", "last", "--html", "-")
    assert ran.status == 0
    assert ran.out.startswith("<!doctype html>")
    assert ran.out.endswith("</html>\n")


def test_without_a_format_it_is_printed(konseho, kept):
    ran = konseho("report", "last")
    assert (ran.status, ran.err) == (0, "")
    assert "Critical path" in ran.out
    assert "Targets" in ran.out


def test_a_place_that_cannot_be_written_is_refused_before_the_run_is_looked_for(konseho, tmp_path):
    ran = konseho("report", "no-such-run", "--html", tmp_path / "none" / "a.html")
    assert ran.status == 2
    assert "--html" in ran.err
    assert "there is no folder" in ran.err


@pytest.mark.parametrize("name", ["nosuchrun", "x" * 5000, "a\0b", "no.recording"])
def test_a_name_of_nothing_is_a_usage_error(konseho, kept, name):
    ran = konseho("report", name, "--html", "-")
    assert (ran.status, ran.out) == (2, "")


def test_a_missing_extra_is_told_with_its_install_line(konseho, kept, monkeypatch):
    monkeypatch.setattr("konseho_cli.report.html.charts.find_spec", lambda name: None)
    ran = konseho("report", "last", "--html", "-")
    assert (ran.status, ran.out) == (2, "")
    assert "pip install 'konseho[report]'" in ran.err


def test_a_recording_and_a_folder_of_them_are_read_the_paid_run_first(kept, tmp_path):
    (recording,) = find_recordings("last", None)
    folder = tmp_path / "profiles"
    replay = structs.replace(recording, replayed="abc", made=recording.made - 1, profiler="cpu")
    replay.save(folder / "a.recording")
    recording.save(folder / "b.recording")
    assert find_recordings(str(folder / "a.recording"), None) == (replay,)
    assert find_recordings(str(folder), None) == (recording, replay)


def test_a_folder_without_recordings_says_so(tmp_path):
    with pytest.raises(UsageError, match=r"holds no \.recording files"):
        find_recordings(str(tmp_path), None)


def test_nothing_is_made_where_nothing_is_kept(konseho):
    assert konseho("report", "last", "--html", "-").status == 2
    assert not Path(os.environ["KONSEHO_HOME"]).exists()


@pytest.mark.parametrize(
    ("option", "begins"),
    [
        ("--speedscope", b'{"$schema":'),
        ("--perfetto", b"\x0a"),
        ("--otel", b'{"resourceSpans":'),
        ("--junit", b"<?xml"),
    ],
)
def test_every_format_is_a_file(konseho, kept, tmp_path, option, begins):
    file = tmp_path / "report"
    ran = konseho("report", "last", option, file)
    assert (ran.status, ran.out, ran.err) == (0, "", "")
    assert file.read_bytes().startswith(begins)


@pytest.mark.parametrize(("option", "begins"), [("--json", "{"), ("--markdown", "# Profile of")])
def test_what_is_read_at_once_is_printed(konseho, kept, option, begins):
    ran = konseho("report", "last", option)
    assert ran.status == 0
    assert ran.out.startswith(begins)


def test_only_one_of_them_is_printed(konseho, kept):
    ran = konseho("report", "last", "--json", "--markdown")
    assert (ran.status, ran.out) == (2, "")
    assert "--markdown and --json" in ran.err


def test_two_formats_are_two_files(konseho, kept, tmp_path):
    file = tmp_path / "report"
    again = tmp_path / "." / "nowhere" / ".." / "report"
    (tmp_path / "nowhere").mkdir()
    ran = konseho("report", "last", "--speedscope", file, "--junit", again)
    assert (ran.status, ran.out) == (2, "")
    assert "--speedscope and --junit are one file" in ran.err
    assert not file.exists()


def test_traces_are_sent_only_where_somebody_said_where_to(konseho, kept, monkeypatch):
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    ran = konseho("report", "last", "--otel-send")
    assert (ran.status, ran.out) == (2, "")
    assert "OTEL_EXPORTER_OTLP_ENDPOINT" in ran.err
