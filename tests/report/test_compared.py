"""Several runs on one page: what they are on the bars that all share, and what differs between them."""

import pytest

import backtune as bt
from backtune.report.compared import comparison_lines, comparison_values, run_differences
from backtune.verdict.comparison import compare_runs
from report_pages import stored


@pytest.fixture(scope="module", name="runs")
def _runs(tmp_path_factory):
    """Two runs of one symbol, by the window that was tuned on."""
    root = tmp_path_factory.mktemp("compared")
    return [
        bt.run_parallel_backtests(["SP500"], 20, 1, window=window, output=root / str(window))
        for window in (40, 60)
    ]


def test_the_page_of_two_runs_shows_their_equity_paired_differences_and_what_differs(runs):
    page = bt.report(*runs).html
    assert "On the bars that all share" in page
    (growth,) = stored(page, "overview")["charts"]["together"]["panels"]
    assert len(growth["lines"]) == 2
    assert 'data-chart="together"' in page
    assert "window was 40, is 60" in page


def test_runs_without_a_bar_in_common_are_shown_side_by_side_all_the_same(runs):
    other = bt.run_parallel_backtests(["NASDAQ"], 5, 1, window=40)
    page = bt.report(runs[0], other).html
    assert "2 runs side by side" in page
    assert "On the bars that all share" not in page


def test_the_sentences_name_the_best_run_and_the_values_are_numbers(runs):
    compared = compare_runs(runs, ["short", "long"])
    better, earned = comparison_lines(compared)
    assert better.startswith("Of 1 run, long")
    assert earned.startswith("Of all 2")
    values = comparison_values(compared)
    assert set(values["better_than_nothing"]) == {"short", "long"}
    assert isinstance(values["differences"]["SP500"]["long"]["mean"], float)
    assert run_differences([("a", runs[0].record), ("b", runs[0].record)]) == [
        "b beside a: nothing differs but the bars"
    ]
