from __future__ import annotations

import json

import pytest

from konseho_cli.bench.__main__ import main


def test_one_row_is_measured_and_printed_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick", "--json", "-k", "council_5"]) in (0, 1, 4)
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row["name"] == "council_5"


def test_one_row_is_measured_and_printed_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--quick", "-k", "council_5"]) in (0, 1, 4)
    assert capsys.readouterr().out.startswith("council_5 ")


def test_a_name_that_no_row_has_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-k", "nothing"]) == 2
    assert "agent_call" in capsys.readouterr().err
