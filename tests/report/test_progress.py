"""Progress: a line an event where there is no terminal, one bar where there is."""

import io

import pytest
from rich.console import Console
from rich.progress import Progress, TextColumn

from backtune.report.progress import Bar, Lines, count_progress, run_progress
from backtune.runner import Event

EVENTS = [
    Event("running", names=("A", "B")),
    Event("step", "A"),
    Event("done", "A"),
    Event("retry", "B", "its worker died"),
    Event("failed", "B", "B: [red] no such thing"),
    Event("reused", "C"),
]


def test_lines_count_the_symbols_and_say_why_one_failed():
    stream = io.StringIO()
    show = Lines(stream, 3)
    for event in EVENTS:
        show(event)
    lines = stream.getvalue().splitlines()
    assert lines[0].startswith("A done (1 of 3, ")
    assert lines[0].endswith("s left)")
    assert lines[1] == "B again: its worker died"
    assert lines[2].startswith("backtune: B failed: [red] no such thing (2 of 3")
    assert lines[3] == "C done before (3 of 3)"


def test_a_symbol_that_takes_long_says_now_and_then_how_far_it_is(monkeypatch):
    moments = iter([100.0, 103.0, 111.0, 111.0])
    monkeypatch.setattr("backtune.report.progress.time.monotonic", lambda: next(moments))
    stream = io.StringIO()
    show = Lines(stream, 1)
    for share in (0.1, 0.42, 1.0):
        show(Event("part", "A", share=share))
    assert stream.getvalue() == "A 42 % done\n"


def test_the_bar_moves_within_a_symbol_and_never_back():
    with Progress(console=Console(file=io.StringIO())) as progress:
        show, seen = Bar(progress, 2, 4), []
        shares = [Event("part", "A", share=share) for share in (0.2, 1 / 3)]
        for event in (*shares, Event("step", "A"), Event("part", "A", share=0.9), Event("done", "A")):
            show(event)
            seen.append(progress.tasks[0].completed)
    assert seen == pytest.approx([0.2, 1 / 3, 1 / 3, 0.9, 1.0])


def test_the_rate_counts_from_the_start_not_from_the_first_end(monkeypatch):
    """Workers tell nothing before their first symbol ends."""
    moments = iter([100.0, 104.0])
    monkeypatch.setattr("backtune.report.progress.time.monotonic", lambda: next(moments))
    stream = io.StringIO()
    Lines(stream, 3)(Event("done", "A"))
    assert stream.getvalue() == "A done (1 of 3, 0.25 a second, 8 s left)\n"


def test_the_bar_shows_what_runs_counts_symbols_and_scrolls_failures():
    stream = io.StringIO()
    columns = [
        TextColumn("{task.completed}/{task.total} {task.fields[rate]} {task.description}", markup=False)
    ]
    with Progress(*columns, console=Console(file=stream, force_terminal=True, width=100)) as progress:
        show = Bar(progress, 3, 3)
        seen = []
        for event in EVENTS:
            show(event)
            seen.append(progress.tasks[0].completed)
        assert progress.tasks[0].description == "A, B"
    assert seen == pytest.approx([0, 1 / 3, 1, 1, 2, 3])
    assert "B failed: [red] no such thing" in stream.getvalue()


def test_names_of_many_running_symbols_are_cut_short():
    columns = [TextColumn("{task.description}")]
    progress = Progress(*columns, console=Console(file=io.StringIO()))
    Bar(progress, 9, 1)(Event("running", names=tuple("ABCDEFG")))
    assert progress.tasks[0].description == "A, B, C, D and 3 more"


def test_quiet_shows_nothing(capsys):
    with run_progress(3, 1, quiet=True) as show:
        for event in EVENTS:
            show(event)
    assert capsys.readouterr() == ("", "")


def test_a_count_is_a_line_each_tenth_of_it_where_there_is_no_terminal(capsys):
    with count_progress("runs", quiet=False) as show:
        for done in range(1, 41):
            show("cma", done, 40)
        for done in range(1, 3):  # another count has begun
            show("scipy", done, 2)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 11 + 2
    assert lines[0] == "1 of 40 runs done (cma)"
    assert lines[10:] == ["40 of 40 runs done (cma)", "1 of 2 runs done (scipy)", "2 of 2 runs done (scipy)"]


def test_a_count_says_how_long_it_still_takes(capsys, monkeypatch):
    clock = iter([0.0, 4.0, 40.0])
    monkeypatch.setattr("backtune.report.progress.time.monotonic", lambda: next(clock))
    with count_progress("runs", quiet=False) as show:
        show("cma", 1, 10)
        show("cma", 10, 10)
    assert capsys.readouterr().err.splitlines() == [
        "1 of 10 runs done (cma, 36 s left)",
        "10 of 10 runs done (cma)",
    ]


def test_a_count_is_a_bar_on_a_terminal(capsys, monkeypatch):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with count_progress("runs", quiet=False) as show:
        show("cma", 3, 4)
    assert "runs done" not in capsys.readouterr().err


def test_a_quiet_count_shows_nothing(capsys):
    with count_progress("runs", quiet=True) as show:
        show("cma", 1, 1)
    assert capsys.readouterr() == ("", "")
