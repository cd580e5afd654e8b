"""Pages whose code runs: Python examples, files that they write, and commands with what they print.

A page is gone through from its top, in one folder. Of its fenced blocks

- ``python`` with ``>>>`` are examples as `doctest` knows them, with names shared over the page;
- any with ``title="NAME"`` is a file of that name;
- ``console`` holds commands behind ``$ ``, each with its output, where ``...`` stands for anything.

``python tests/support/pages.py PAGE`` writes what examples and commands print now into the page.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
FENCE = re.compile(r"^```(\w+)?([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r'title="([^"]+)"')


@dataclass
class Command:
    """A command of a page, and the output that stands below it."""

    line: str
    output: str

    @property
    def words(self) -> list[str]:
        """The command's words, without a comment."""
        return shlex.split(self.line, comments=True)


def commands(block: str) -> list[Command]:
    """Commands of a console block."""
    parts = re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]
    pairs = (part.partition("\n") for part in parts)
    return [Command(line, output) for line, _, output in pairs]


def call(words: list[str]) -> str:
    """Run backtune in this process; give what it prints on standard output."""
    from backtune.cli import main

    assert words[0] == "backtune", words
    out, before = io.StringIO(), sys.argv
    sys.argv = words
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            main()
    except SystemExit:
        pass
    finally:
        sys.argv = before
    return out.getvalue()


def blocks(text: str) -> Iterator[tuple[str, str, str]]:
    """Language, title and text of each fenced block; examples that are not fenced come with no language."""
    place = 0
    for match in FENCE.finditer(text):
        if ">>> " in (between := text[place : match.start()]):
            yield "python", "", between
        title = TITLE.search(match[2])
        yield match[1] or "", title[1] if title else "", match[3]
        place = match.end()
    if ">>> " in text[place:]:
        yield "python", "", text[place:]


def run_page(path: Path) -> tuple[int, list[str]]:
    """Run all that a page shows, in the current folder; give how much that was, and what differed."""
    names: dict[str, object] = {"__name__": "__main__"}
    parser, checker = doctest.DocTestParser(), doctest.OutputChecker()
    tried, wrong = 0, []
    for language, title, text in blocks(path.read_text("utf-8")):
        if title:
            Path(title).parent.mkdir(parents=True, exist_ok=True)
            Path(title).write_text(text, "utf-8")
        elif language == "python" and ">>> " in text:
            test = parser.get_doctest(text, names, path.name, str(path), 0)
            report = io.StringIO()
            runner = doctest.DocTestRunner(optionflags=FLAGS)
            done = runner.run(test, out=report.write, clear_globs=False)
            names = test.globs
            tried += done.attempted
            wrong += [report.getvalue()] if done.failed else []
        elif language == "console":
            for command in commands(text):
                output = call(command.words)
                tried += 1
                if not checker.check_output(command.output, output, FLAGS):
                    wrong.append(f"$ {command.line}\nexpected:\n{command.output}\nprinted:\n{output}")
    return tried, wrong


def examples_again(block: str, names: dict[str, object]) -> str:
    """Text of a block of examples with what they give now; an output with ``...`` or an error stays."""
    parts = []
    for part in doctest.DocTestParser().parse(block):
        if isinstance(part, str):
            parts.append(part)
            continue
        shown = io.StringIO()
        with contextlib.redirect_stdout(shown), contextlib.suppress(Exception):
            exec(compile(part.source, "<page>", "single"), names)
        kept = "..." in part.want or part.exc_msg
        for number, line in enumerate(part.source.splitlines()):
            parts.append(f"{'...' if number else '>>>'} {line}".rstrip() + "\n")
        parts.append(part.want if kept else re.sub(r"[ \t]+$", "", shown.getvalue(), flags=re.MULTILINE))
    return "".join(parts)


def command_again(command: Command) -> str:
    """Text of a command with what it prints now, unless its output is cut by ``...``."""
    printed = re.sub(r"[ \t]+$", "", call(command.words), flags=re.MULTILINE)
    return f"$ {command.line}\n{command.output if '...' in command.output else printed}"


def rewritten(path: Path) -> str:
    """Text of a page with what its examples and commands print now; see `examples_again`."""
    names: dict[str, object] = {"__name__": "__main__"}

    def again(match: re.Match[str]) -> str:
        language, about, body = match.groups()
        title = TITLE.search(about)
        if title:
            Path(title[1]).write_text(body, "utf-8")
        elif language == "python" and ">>> " in body:
            body = examples_again(body, names)
        elif language == "console":
            body = "".join(command_again(command) for command in commands(body))
        return f"```{language or ''}{about}\n{body}```"

    return FENCE.sub(again, path.read_text("utf-8"))


if __name__ == "__main__":
    for page in map(Path, sys.argv[1:]):
        place = page.resolve()
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            os.environ["BACKTUNE_LEDGER"] = str(Path(folder) / "ledger.jsonl")
            place.write_text(rewritten(place), "utf-8")
