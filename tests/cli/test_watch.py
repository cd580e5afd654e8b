"""backtune compare, ledger and power, and the verdicts that run and report print as JSON."""

import json

import pytest

from backtune.verdict.rule import VERDICTS


@pytest.fixture(scope="module", name="place")
def _place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("watch")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BACKTUNE_LEDGER", str(folder / "ledger.jsonl"))
        yield folder


@pytest.fixture(scope="module", name="runs")
def _runs(place, backtune_in):
    """Two runs of the sample, by the window that was tuned on."""
    for window in (40, 60):
        told = backtune_in("run", "--demo", "--simulations", 25, "--window", window, "--json", cwd=place)
        assert told.returncode == 0, told.stderr
        (place / f"{window}.json").write_text(told.stdout)
    return [json.loads((place / f"{window}.json").read_text()) for window in (40, 60)]


@pytest.mark.slow
def test_the_json_of_a_run_has_words_and_numbers_and_the_sentence_beside_them(runs):
    first, second = runs
    assert first["verdict"] in VERDICTS
    for values in (first["portfolio"], *first["verdicts"].values()):
        assert values["verdict"] in VERDICTS
        assert isinstance(values["p_value"], float)
        assert isinstance(values["e_value"], float)
        assert len(values["sharpe_interval"]) == 2
        assert values["can_tell"]["alone"] <= values["can_tell"]["among_symbols"]
        assert values["sentence"].endswith(".")
    assert first["unseen_bars"]["SP500"] == first["most_simulations"]["SP500"] - 25 > 4000
    assert [one["verdicts"]["SP500"]["tried"]["variants"] for one in (first, second)] == [1, 2]


@pytest.mark.slow
def test_the_ledger_lists_what_was_tried(runs, place, backtune_in):
    listed = json.loads(backtune_in("ledger", "--json", cwd=place).stdout)
    assert [one["settings"]["window"] for one in listed["runs"]] == [40, 60]
    assert [one["tried_on_these_bars"] for one in listed["runs"]] == [2, 2]
    assert listed["ledger"] == str(place / "ledger.jsonl")
    assert "window=40" in backtune_in("ledger", cwd=place).stdout


@pytest.mark.slow
def test_compare_prints_paired_differences_and_writes_a_page_with_both(runs, place, backtune_in):
    folders = [one["folder"] for one in runs]
    told = backtune_in("compare", *folders, cwd=place)
    assert told.returncode == 0, told.stderr
    assert "window was 40, is 60" in told.stdout
    assert "together" in told.stdout
    assert "SPA p = " in told.stdout
    page = (place / "report.html").read_text("utf-8")
    assert "On the bars that all share" in page
    assert "<h2>What differs</h2>" in page
    values = json.loads(backtune_in("compare", *folders, "--json", cwd=place).stdout)
    (difference,) = values["differences"]["together"].values()
    assert difference["interval"][0] <= difference["mean"] <= difference["interval"][1]


@pytest.mark.slow
@pytest.mark.parametrize("count", [0, 1])
def test_one_run_is_nothing_to_compare(runs, place, count, backtune_in):
    told = backtune_in("compare", *(one["folder"] for one in runs[:count]), cwd=place)
    assert told.returncode == 2
    assert len(told.stderr.strip().splitlines()) == 1


@pytest.mark.slow
def test_power_says_how_many_bars_an_edge_needs(place, backtune_in):
    told = backtune_in("power", "SP500", "NASDAQ", "--json", cwd=place)
    assert told.returncode == 0, told.stderr
    sp500, nasdaq = json.loads(told.stdout)
    assert sp500["symbol"], nasdaq["symbol"] == ("SP500", "NASDAQ")
    assert (sp500["bars"], sp500["most_bars"] > 4000) == (70, True)
    assert sp500["told_sharpe"] > 5.0 > 1.0 > sp500["told_sharpe_with_all"]
    needed = [row["bars"] for row in sp500["sharpes"]]
    assert needed == sorted(needed, reverse=True)
    assert "among 2 symbols" in backtune_in("power", "SP500", "NASDAQ", cwd=place).stdout


@pytest.mark.slow
def test_compare_runs_every_tuning_on_the_same_bars(place, backtune_in):
    options = ("--tunings", "--simulations", 5, "--window", 40, "--strategies", "maxdiff")
    told = backtune_in("compare", "SP500", *options, "--json", cwd=place)
    assert told.returncode == 0, told.stderr
    values = json.loads(told.stdout)
    assert [row["tuning"] for row in values["tunings"]][:3] == ["best", "sharpe", "plateau"]
    assert values["bars"] == {"SP500": 5}
    assert "SPA p = " in values["sentences"][0]
    shown = backtune_in("compare", "SP500", *options, cwd=place).stdout
    assert "plateau" in shown
    assert "above best" in shown


@pytest.mark.slow
def test_settings_beside_run_folders_are_refused(runs, place, backtune_in):
    told = backtune_in("compare", *(one["folder"] for one in runs), "--window", 40, cwd=place)
    assert told.returncode == 2
    assert "add --tunings" in told.stderr
