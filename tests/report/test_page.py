"""The page: everything in it, nothing run from it, written whole."""

import json
import re
import shlex
import shutil

import pandas as pd
import pytest

import backtune as bt
from backtune.errors import RunError, SettingError
from backtune.report.html import prose, script_json, text
from backtune.report.page import _again, _subject, report
from backtune.store import Run
from backtune.verdict.rule import RULE

EVIL = "<script>alert('x')</script>"


@pytest.fixture(scope="module", name="page")
def _page(sample_run):
    report(sample_run.folder).write(sample_run.folder / "report.html")
    return (sample_run.folder / "report.html").read_text("utf-8")


def body(page):
    """The page without plotly.js."""
    return page.split("<main>")[1].split("</main>")[0]


def test_the_page_answers_first_and_then_shows_in_the_order_a_reader_asks(page):
    titles = [
        "The rule behind the verdicts", "Why this verdict", "<h3>Out of sample",
        "In sample against out of sample",
        "The order inside the bar", "Profit surface of the last simulation", "Parameters over time",
        "When to leave", "Returns of traded bars", "Costs", "Forecast quality",
        "Where the time went", "Run it again",
    ]  # fmt: skip
    places = [body(page).index(title) for title in titles]
    assert places == sorted(places)
    assert text(RULE) in page
    assert "backtune run --x &#x27;a b&#x27;" in page


def test_every_symbol_has_a_row_with_its_verdict_and_eleven_figures(page, sample_run):
    judged = report(sample_run.folder).judged[0]
    rows = re.findall(r'<details class="symbol".*?</script></details>', page, re.DOTALL)
    assert len(rows) == len(sample_run) == 2
    for row, found in zip(rows, judged.symbols.values(), strict=True):
        assert text(found.label) in row
        assert prose(found.sentence) in row
        stored = json.loads(re.search(r'class="figures">(.*?)</script>', row, re.DOTALL)[1])
        places = re.findall(r'data-figure="(\w+)"', row)
        assert sorted(stored["figures"]) == sorted(places)
        assert len(places) == 11


def test_the_page_names_no_host(page):
    """Links would be followed only on a click, but images, styles and scripts would be fetched."""
    assert not re.findall(r"(?:src|href)\s*=\s*[\"']?(?:https?:)?//", body(page))
    assert "default-src 'none'" in page


def test_the_page_is_below_six_megabytes(page):
    assert len(page.encode()) < 6e6


def test_text_from_outside_is_shown_and_not_run(sample_run, tmp_path):
    """Names that could come from a file, a command line or an error message."""
    run = tmp_path / "run"
    shutil.copytree(sample_run.folder, run)
    record = json.loads((run / "run.json").read_text("utf-8"))
    record["failed"] = {EVIL: f"bad {EVIL}"}
    record["command"] = ["backtune", EVIL]
    record["settings"]["model"] = EVIL
    record["versions"][EVIL] = EVIL
    record["data"]["SP500"]["source"] = EVIL
    record["data"]["SP500"]["seconds"][EVIL] = 1.0
    (run / "run.json").write_text(json.dumps(record), "utf-8")
    page = report(run).html
    assert EVIL not in page
    assert page.count("&lt;script&gt;alert") >= 5


def test_a_strategy_name_cannot_leave_its_place():
    strategy = bt.backtest_forecasts("SP500", num_simulations=5, window=40)
    for frame in (strategy.simulations, strategy.summary, strategy.returns, strategy.configurations):
        frame["strategy"] = frame["strategy"].replace("maxdiff", EVIL)
    strategy.inputs.columns = [name.replace("maxdiff", EVIL) for name in strategy.inputs]
    assert EVIL not in report(strategy).html


def test_json_in_a_script_cannot_end_it():
    assert "<" not in script_json({"x": "</script><script>"})
    assert json.loads(script_json({"x": "</script>&"})) == {"x": "</script>&"}


def test_several_runs_are_shown_side_by_side(sample_run):
    page = report(sample_run.folder, sample_run.folder).html
    assert "2 runs side by side" in page
    assert page.count('<details class="symbol"') == 4
    assert page.count(sample_run.folder.name) > 2


def test_a_result_in_memory_is_reported_too(sample_result):
    made = bt.report(sample_result)
    assert set(made.judged[0].symbols) == {"SP500"}
    assert "bt.backtest_forecasts(&#x27;SP500&#x27;" in made.html
    assert made._repr_html_().startswith("<iframe srcdoc=")


def with_record(run, tmp_path, **changed):
    """A copy of a run folder whose record was changed."""
    copy = tmp_path / "run"
    shutil.copytree(run.folder, copy)
    record = json.loads((copy / "run.json").read_text("utf-8"))
    (copy / "run.json").write_text(json.dumps(record | changed), "utf-8")
    return _subject(Run.open(copy))


@pytest.mark.parametrize(
    ("given", "shown"),
    [(["--data", "../bars"], ["--data", "/my bars"]), (["--data=../bars"], ["--data=/my bars"])],
)
def test_the_command_that_runs_it_again_does_so_from_any_folder(sample_run, tmp_path, given, shown):
    command, source = ["backtune", "run", "A", *given, "--seed", "3"], {"kind": "path", "path": "/my bars"}
    subject = with_record(sample_run, tmp_path, command=command, source=source)
    assert shlex.split(_again(subject)) == ["backtune", "run", "A", *shown, "--seed", "3"]


@pytest.mark.needs("distributed")
def test_a_run_made_by_a_program_gives_the_call_that_makes_it_again(sample_run, tmp_path):
    """Run it: what is not at its default is in the call, and the results are the same."""
    call = _again(with_record(sample_run, tmp_path, command=[]))
    again = eval(call, {"bt": bt})  # the page asks for just that
    for symbol, result in again.items():
        pd.testing.assert_frame_equal(result.returns, sample_run[symbol].returns)
    assert list(again) == list(sample_run)


def test_data_that_a_folder_does_not_keep_is_named_as_missing(sample_run, sample_result, tmp_path):
    subject = with_record(sample_run, tmp_path, command=[], source={"kind": "memory"})
    assert _again(subject).endswith("# data: as it was given")
    assert _again(_subject(sample_result)).startswith("bt.backtest_forecasts('SP500', data=data, num_sim")


def test_the_header_says_when_it_was_traded(page, sample_run):
    stamps = sample_run["SP500"].returns["timestamp"]
    assert f"Out of sample {stamps.min():%Y-%m-%d} to {stamps.max():%Y-%m-%d}." in page


def test_numbers_are_written_one_way(page):
    """Sentences come with ASCII signs; the page has one minus sign and no space before a per cent sign."""
    shown = re.sub(r"<script.*?</script>|<pre>.*?</pre>|<[^>]*>", " ", body(page), flags=re.DOTALL)
    shown = shown.split("Configuration")[0]
    assert prose("a-1 (buy-and-hold -3.1%), -0.20 to <5>") == "a-1 (buy-and-hold −3.1%), −0.20 to &lt;5&gt;"
    assert re.findall(r"(?<!\w)-\d|\s%", shown) == []


def test_several_runs_name_where_a_symbol_failed(sample_run, tmp_path):
    with_record(sample_run, tmp_path, failed={"BAD": "no bars"})
    page = report(sample_run.folder, tmp_path / "run").html
    assert "<h2>Symbols that failed in run</h2>" in page
    assert page.count("<h2>Configuration</h2>") == 1


def test_the_package_answers_as_the_function_even_after_its_modules_are_imported(sample_result):
    import backtune.report

    assert backtune.report(sample_result).judged[0].whole is not None


@pytest.mark.parametrize("given", [(), (3,), ({},)])
def test_nothing_to_report_on_is_refused(given):
    with pytest.raises(SettingError, match="nothing"):
        report(*given)


def test_no_run_folder_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(RunError, match="is not a run folder"):
        report(tmp_path).write(tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


def test_a_damaged_table_is_refused_in_one_line(sample_run, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(sample_run.folder, run)
    (run / "results" / "symbol=SP500" / "inputs.parquet").write_bytes(b"no parquet")
    (run / "report.html").write_text("an earlier page")
    with pytest.raises(RunError, match=r"inputs\.parquet: damaged"):
        report(run).write(run / "report.html")
    assert (run / "report.html").read_text() == "an earlier page"
    assert not list(run.glob(".*.tmp"))
