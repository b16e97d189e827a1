"""Pages of the commands for whoever writes a council."""

from __future__ import annotations

from collections.abc import Mapping

from konseho_cli.cli.help.page import FINE, MODEL_ENV, USAGE, Page, Row

_AGENTS: tuple[Row, ...] = (
    ("agents/*.md", "the project's; .claude/agents/, too, and those of the folders above"),
    ("~/.config/konseho/agents/", "yours; ~/.claude/agents/, too"),
)

PAGES: Mapping[str, Page] = {
    "validate": Page(
        when="Use it while you write, in an editor's save hook and before a commit. It calls "
        "nothing and needs no key.",
        examples=(
            ("One file, or many:", "konseho validate council.yaml councils/*.yaml"),
            ("For an editor or a bot:", "konseho validate council.yaml --json"),
        ),
        status=(("0", "all files are fine, warnings or not"), ("2", "a file has mistakes")),
        see=("konseho show", "konseho schema", "docs/council-file.md"),
    ),
    "show": Page(
        when="Use it before the first paid run: what waits for what and why, how many calls it "
        "takes, and with --prompts what each agent would be asked. It calls nothing.",
        examples=(
            ("Order, reasons and calls:", "konseho show quickstart"),
            ("Every prompt, as an agent would get it:",
             'konseho show quickstart "Tabs or spaces?" --prompts'),
            ("A diagram for a README:", "konseho show council.yaml --mermaid"),
        ),
        status=FINE,
        files=(MODEL_ENV,),
        see=("konseho validate", "konseho run --dry-run", "docs/council-file.md"),
    ),
    "list": Page(
        when="Use it to see what there is to run, to copy from, or to begin with.",
        examples=(
            ("The councils that ship:", "konseho list"),
            ("The presets, for run --preset:", "konseho list --presets"),
        ),
        status=FINE,
        see=("konseho init --templates", "konseho show", "docs/presets.md"),
    ),
    "schema": Page(
        when="Use it for completion and checks in an editor without a network; konseho init writes "
        "the file and the line that names it.",
        examples=(
            ("Beside the councils; then, as the first line of each, "
             "`# yaml-language-server: $schema=council.schema.json`:",
             "konseho schema > council.schema.json"),
            ("The same for presets:", "konseho schema --preset > preset.schema.json"),
        ),
        status=FINE,
        see=("konseho init", "konseho validate", "docs/council-file.md"),
    ),
    "agents": Page(
        when="Use it to see who can be named in a council without writing a role, where each comes "
        "from, and to write one of your own.",
        examples=(
            ("Who is there:", "konseho agents list"),
            ("All that one is told:", "konseho agents show reviewer"),
            ("One of your own, from one that ships:",
             "konseho agents new house-style --from reviewer"),
        ),
        status=FINE,
        files=_AGENTS,
        see=("konseho init", "docs/agents.md"),
    ),
    "agents list": Page(
        when="Use it to find a name for `from:`, and the file that another one hides.",
        examples=(
            ("As a council in this folder finds them:", "konseho agents list"),
            ("As another council does:", "konseho agents list --council mine/council.yaml"),
        ),
        status=(("0", "fine, whatever cannot be used"), USAGE),
        files=_AGENTS,
        see=("konseho agents show", "docs/agents.md"),
    ),
    "agents show": Page(
        when="Use it before you name an agent, and when it does not do what you think it should.",
        examples=(
            ("At a terminal:", "konseho agents show reviewer"),
            ("For a program:", "konseho agents show reviewer --json"),
        ),
        status=(("0", "fine"), ("2", "nobody is called that, or the file is broken")),
        files=_AGENTS,
        see=("konseho agents list", "docs/agents.md"),
    ),
    "agents new": Page(
        when="Use it for an agent that several councils are to share: they find it by its name.",
        examples=(
            ("From nothing:", 'konseho agents new taxes -d "Knows what is deductible."'),
            ("From one that ships, for all of your projects:",
             "konseho agents new reviewer --from reviewer --user"),
        ),
        status=(("0", "fine"), ("2", "it is there already, or the name is none")),
        files=_AGENTS,
        see=("konseho agents show", "konseho init", "docs/agents.md"),
    ),
    "doctor": Page(
        when="Use it after an installation, and when something does not work and you do not know "
        "why. Each line that is not well says how to mend it.",
        examples=(
            ("What is there and what is not:", "konseho doctor"),
            ("Servers and keys as well; what is sent asks for nothing and costs nothing:",
             "konseho doctor --network"),
            ("For a bug report or a script:", "konseho doctor --json"),
        ),
        status=(("0", "fine, warnings or not"), ("1", "something that Konseho needs is broken"), USAGE),
        see=("konseho store check", "docs/doctor.md", "docs/models.md"),
    ),
}  # fmt: skip
