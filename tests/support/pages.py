"""Pages whose code runs: Python examples, files that they write, and commands with what they print.

A page is gone through from its top, in one folder. Of its fenced blocks

- ``python`` with ``>>>`` are examples as `doctest` knows them, with names shared over the page;
- any with ``title="NAME"`` is a file of that name;
- ``console`` holds commands behind ``$ ``, each with its output, where ``...`` stands for anything.

``python tests/support/pages.py PAGE`` writes what the commands print now into the page.
"""

from __future__ import annotations

import contextlib
import doctest
import io
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


def rewritten(path: Path) -> str:
    """Text of a page with what its commands print now; those whose output is cut by ``...`` stay."""
    text = path.read_text("utf-8")

    def again(match: re.Match[str]) -> str:
        title = TITLE.search(match[2])
        if title:
            Path(title[1]).write_text(match[3], "utf-8")
        if match[1] == "python" and ">>> " in match[3] and not title:
            test = doctest.DocTestParser().get_doctest(match[3], names, path.name, None, 0)
            doctest.DocTestRunner(verbose=False).run(test, out=lambda _: None, clear_globs=False)
            names.update(test.globs)
        if match[1] != "console":
            return match[0]
        shown = [(c, call(c.words)) for c in commands(match[3])]
        body = "".join(
            f"$ {c.line}\n" + (c.output if "..." in c.output else re.sub(r"[ \t]+$", "", new, flags=re.M))
            for c, new in shown
        )
        return f"```console{match[2]}\n{body}```"

    names: dict[str, object] = {"__name__": "__main__"}
    return FENCE.sub(again, text)


if __name__ == "__main__":
    for page in map(Path, sys.argv[1:]):
        place = page.resolve()
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            place.write_text(rewritten(place), "utf-8")
