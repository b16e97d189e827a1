"""Pages of the commands that run a council, and of `konseho` itself."""

from __future__ import annotations

from collections.abc import Mapping

from konseho_cli.cli.help.page import FAILED, FINE, RUN, RUNNING, USAGE, Page

PAGES: Mapping[str, Page] = {
    "": Page(
        when="Begin here.",
        examples=(
            ("See what a council is; without a key it simulates:",
             'konseho run quickstart "Tabs or spaces?"'),
            ("Begin one of your own, and check it:", "konseho init\nkonseho validate council.yaml"),
            ("See why the last run came to its answer, and where its time went:",
             "konseho runs explain last\nkonseho report last"),
            ("See whether all is well on this machine:", "konseho doctor"),
        ),
        status=(
            ("0", "fine"),
            ("1", "a gate is false, a target was missed, something got slower"),
            USAGE,
            ("3", "the council failed, or the store did"),
            ("4", "a measurement was inconclusive"),
            ("5", "a limit was reached: cost, tokens, calls or time"),
            ("130", "interrupted (Ctrl-C); 143 terminated; 129 hung up"),
        ),
        files=(
            *RUNNING,
            ("NO_COLOR", "no colours"),
            ("KONSEHO_DEBUG=1", "a traceback with every error"),
        ),
        see=("konseho COMMAND --help", "docs/commands.md"),
    ),
    "run": Page(
        when="Use it for any question that deserves more than one opinion, at a terminal, in a "
        "script or in CI: the answer goes to stdout, everything else to stderr, and the exit "
        "status says how it went. A person in the council is asked at the terminal, or by "
        "--answers; programs are executed under --allow-exec alone.",
        examples=(
            ("Ask a council that ships; without a key it simulates:",
             'konseho run quickstart "Tabs or spaces?"'),
            ("Review a change, as a gate in CI:",
             "git diff main... | konseho run code-review --input diff=@- \\\n"
             "--model openai:gpt-5-mini"),
            ("The whole outcome for a program, nothing else:",
             'konseho run council.yaml "Tabs or spaces?" --json -q -o out.json'),
            ("The last run again, without a model and at once:",
             'konseho run quickstart "Tabs or spaces?" --replay last \\\n--replay-speed 0'),
        ),
        status=RUN,
        files=RUNNING,
        see=("konseho show", "konseho chat", "konseho resume", "docs/council-file.md"),
    ),
    "chat": Page(
        when="Use it to think something through with a council, or to try one out. Each turn is "
        "kept as a run of its own, so konseho resume, runs and report know them all. A person in "
        "the council is asked at the terminal; without one, --answers answers in every turn.",
        examples=(
            ("Talk with a council that ships:", "konseho chat quickstart"),
            ("With a model, and with answers used again where the same is asked:",
             "konseho chat council.yaml --model ollama:llama3.2 --cache"),
            ("Questions from a file, a JSON object for each answer:",
             "konseho chat quickstart --json -q < questions.txt"),
        ),
        status=(
            ("0", "at a terminal, however the turns went"),
            ("1, 3, 5", "from a pipe: of the first turn that did not go well, as of konseho run"),
            USAGE,
            ("130", "from a pipe: interrupted (Ctrl-C)"),
            ("143", "terminated; 129 hung up"),
        ),
        files=((".konseho/chat_history", "what was typed, for its owner's eyes; not with --no-store"),
               *RUNNING),
        see=("konseho run", "konseho runs", "docs/chat.md"),
    ),
    "resume": Page(
        when="Use it after Ctrl-C, a crash, a lost connection or a limit. People are asked again "
        "what they had not answered.",
        examples=(
            ("Go on with the run that began last:", "konseho resume last"),
            ("Go on although the council has changed since:", "konseho resume 1m7z --force"),
            ("Answer the question at which it stopped, from a file:",
             "konseho resume last --answers decided.yaml"),
        ),
        status=RUN,
        files=RUNNING,
        see=("konseho runs", "konseho run --replay", "docs/resume.md"),
    ),
    "init": Page(
        when="Use it once in a folder, as you would git init. What is there already and is the "
        "same is kept, so it can be called again; --name begins another council beside the first.",
        examples=(
            ("A council in this folder:", "konseho init"),
            ("One that debates, in a folder of its own:",
             "konseho init decisions --template debate"),
            ("A reviewer beside the council that is here:",
             "konseho init --template review --name review"),
            ("What one can begin with:", "konseho init --templates"),
        ),
        status=(*FINE, FAILED),
        files=(
            ("council.yaml", "the council; NAME.yaml with --name"),
            ("agents/*.md", "agents of it"),
            ("council.schema.json", "what editors complete and check with"),
            (".gitignore", "gets the line .konseho/, unless it is there"),
        ),
        see=("konseho validate", "konseho run", "konseho schema", "docs/init.md"),
    ),
}  # fmt: skip
