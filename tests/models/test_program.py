from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from msgspec import structs

from konseho_cli.core.clock import RealClock
from konseho_cli.core.errors import ModelError, ModelRefused, ModelUnavailable
from konseho_cli.models.base import Call, Identity, Message, Reply, Request
from konseho_cli.models.command import CommandDone, CommandRequest
from konseho_cli.models.program import Place, ProgramModel
from konseho_cli.models.redact import Redactor
from konseho_cli.telemetry.spans import Recorder

KEY = "sk-a-key-that-nobody-may-see"
ENV = {
    "PATH": os.environ["PATH"], "HOME": "/home/me", "LC_ALL": "C.UTF-8", "OPENAI_API_KEY": KEY,
    "MINE": "mine", "COPY": KEY, "DEPLOY_TOKEN": "a-token-of-mine",
}  # fmt: skip


def python(code: str, *arguments: str, **fields: object) -> CommandRequest:
    argv = (sys.executable, "-I", "-S", "-c", code, *arguments)
    return CommandRequest(argv=argv, **fields)  # type: ignore[arg-type]


def execute(root: Path, order: CommandRequest) -> tuple[CommandDone, Reply, Call]:
    place = Place(root=root, env=ENV, redactor=Redactor(KEY))
    recorder = Recorder(RealClock())
    call = Call(identity=Identity(step="s", agent="p"), scope=recorder.root())
    request = Request(model="p", messages=(Message("user", order.written()),))
    try:
        reply = asyncio.run(ProgramModel("p", place).generate(request, call))
    finally:
        place.warden.close()
    import json

    import msgspec

    return msgspec.convert(json.loads(reply.text), CommandDone), reply, call


def said(root: Path, order: CommandRequest) -> str:
    return execute(root, order)[0].output


SHOW = "import sys; print(sys.argv[1:])"


@pytest.mark.parametrize(
    "argument", ["a b", "$(id)", "a\nb", "-rf", "--", "é\u202e🙂", "", "*", "'; exit 1; '"]
)
def test_an_argument_arrives_as_it_is(tmp_path: Path, argument: str) -> None:
    assert said(tmp_path, python(SHOW, argument)) == f"{[argument]}\n"


def test_it_is_free_and_counts_as_one_request(tmp_path: Path) -> None:
    done, reply, call = execute(tmp_path, python("print(1)"))
    assert (reply.model, reply.usage.total, reply.finish) == ("command:p", 0, "stop")
    assert call.account.requests == 1
    assert done.seconds > 0
    assert [span.kind for span in call.scope.recorder.spans] == ["tool"]


ENVIRONMENT = "import os; print(sorted(os.environ))"


def test_it_sees_little_of_our_environment_and_no_key(tmp_path: Path) -> None:
    names = eval(said(tmp_path, python(ENVIRONMENT)))
    assert set(names) - {"__CF_USER_TEXT_ENCODING", "LC_CTYPE"} == {"HOME", "LC_ALL", "PATH"}


def test_it_sees_what_is_passed_and_what_is_set(tmp_path: Path) -> None:
    order = python(
        "import os; print(os.environ['MINE'], os.environ['SET'])", passes=("MINE", "NOT_THERE"),
        env={"SET": "$MINE"},
    )  # fmt: skip
    assert said(tmp_path, order) == "mine $MINE\n"


@pytest.mark.parametrize(
    "fields",
    [{"passes": ("OPENAI_API_KEY",)}, {"passes": ("COPY",)}, {"env": {"X": KEY}},
     {"env": {"VLLM_API_KEY": "x"}}],
)  # fmt: skip
def test_a_key_is_never_passed_whatever_asks_for_it(
    tmp_path: Path, fields: dict[str, object]
) -> None:
    with pytest.raises(ModelRefused, match="model's key"):
        execute(tmp_path, python(ENVIRONMENT, **fields))


def test_secrets_are_hidden_in_what_it_says(tmp_path: Path) -> None:
    code = f"import os; print('{KEY}', os.environ['DEPLOY_TOKEN'])"
    assert said(tmp_path, python(code, passes=("DEPLOY_TOKEN",))) == "*** ***\n"


def test_a_failure_tells_what_it_said_last_and_hides_secrets(tmp_path: Path) -> None:
    code = f"import sys; print('{KEY}', *range(30), sep='\\n', file=sys.stderr); sys.exit(4)"
    with pytest.raises(ModelUnavailable, match="ended with status 4") as caught:
        execute(tmp_path, python(code))
    assert str(caught.value).endswith("28\n29")
    assert KEY not in str(caught.value)


def test_other_statuses_may_be_no_failure(tmp_path: Path) -> None:
    assert execute(tmp_path, python("raise SystemExit(1)", ok=(0, 1)))[0].status == 1
    assert execute(tmp_path, python("import os; os.abort()", ok=None))[0].status == -6
    with pytest.raises(ModelUnavailable, match="was ended by signal 6"):
        execute(tmp_path, python("import os; os.abort()"))


def test_one_that_takes_too_long_fails_even_if_all_is_well_with_it(tmp_path: Path) -> None:
    order = python("import time; print('so far', flush=True); time.sleep(60)", ok=None)
    with pytest.raises(ModelUnavailable, match="longer than its timeout of 300 ms") as caught:
        execute(tmp_path, structs.replace(order, timeout_s=0.3))
    assert caught.value.partial == "so far\n"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("no-such-program",), "is not there"),
        (("./nothing",), "is not there"),
        (("./plain",), "is not executable"),
        (("./broken",), "cannot be started"),
        ((".",), "is not"),
        (("./plain/x",), "is not there"),
    ],
)
def test_what_cannot_be_executed_is_named(tmp_path: Path, argv: tuple[str, ...], said: str) -> None:
    (tmp_path / "plain").write_text("x")
    (tmp_path / "broken").write_text("\x7fELF nothing")
    (tmp_path / "broken").chmod(0o755)
    with pytest.raises(ModelRefused, match=said):
        execute(tmp_path, CommandRequest(argv=argv))


def test_a_program_of_the_folder_is_not_found_by_its_name_alone(tmp_path: Path) -> None:
    """Nor by a PATH that names no folder for certain."""
    (tmp_path / "tool").write_text("#!/bin/sh\necho hello\n")
    (tmp_path / "tool").chmod(0o755)
    assert said(tmp_path, CommandRequest(argv=("./tool",))) == "hello\n"
    for path in ({}, {"PATH": ".::sub"}):
        with pytest.raises(ModelRefused, match="is not there"):
            execute(tmp_path, CommandRequest(argv=("tool",), env=path))


WHERE = "import os; print(os.getcwd())"


def test_it_runs_in_a_folder_inside_of_ours(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "link").symlink_to("sub")
    for cwd in ("sub", "link", "sub/../sub", str(tmp_path / "sub")):
        assert said(tmp_path, python(WHERE, cwd=cwd)) == f"{(tmp_path / 'sub').resolve()}\n"


@pytest.mark.parametrize(
    "cwd", ["../..", "..", "/", "/etc", "out", "sub/../..", "a\0b", "gone", "file"]
)
def test_it_runs_nowhere_else(tmp_path: Path, cwd: str) -> None:
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "file").write_text("")
    (root / "out").symlink_to(tmp_path)
    with pytest.raises(ModelRefused, match="cwd"):
        execute(root, python(WHERE, cwd=cwd))


def test_who_is_cancelled_leaves_no_process(tmp_path: Path) -> None:
    order = python("import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(60)")
    place = Place(root=tmp_path, env=ENV, redactor=Redactor())

    async def main() -> None:
        recorder = Recorder(RealClock())
        call = Call(identity=Identity(step="s", agent="p"), scope=recorder.root())
        request = Request(model="p", messages=(Message("user", order.written()),))
        task = asyncio.ensure_future(ProgramModel("p", place).generate(request, call))
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / "pid").read_text()), 0)

    asyncio.run(main())
    place.warden.close()


def test_its_failures_are_errors_of_models() -> None:
    """So the journal keeps them, and a run that goes on tries them again."""
    assert issubclass(ModelUnavailable, ModelError)
