"""`--forecasts FILE`: anyone's forecasts in a run; several models in one file are several runs."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import backtune as bt
from backtune.bars import load_bars
from price_frames import frame

SMALL = ("--simulations", 5, "--window", 30)


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "data"
    place.mkdir()
    for number, name in enumerate(("ONE", "TWO")):
        frame(n=160, seed=number).to_csv(place / f"{name}.csv", index=False)
    return place


def table(folder, symbols, models):
    rows = []
    for symbol in symbols:
        bars = load_bars(folder / f"{symbol}.csv")
        for model in models:
            forecast = bt.forecast(bars, model)
            columns = {"date": bars.timestamps, "pred_high": forecast.high, "pred_low": forecast.low}
            rows.append(pd.DataFrame(columns).assign(symbol=symbol, model=model))
    return pd.concat(rows).dropna()


@pytest.mark.slow
def test_a_file_of_forecasts_is_backtested(backtune, folder, tmp_path):
    table(folder, ["ONE", "TWO"], ["range"]).to_csv(tmp_path / "own.csv", index=False)
    code, out, err = backtune("run", "ONE", "TWO", "--data", folder, "--forecasts", "own.csv", *SMALL)
    assert code == 0, err
    assert "ONE: note: forecasts are read as moves on the close before" in out
    assert len(list((tmp_path / "runs").iterdir())) == 1


@pytest.mark.slow
def test_several_models_of_a_file_are_several_runs_side_by_side(backtune, folder, tmp_path):
    table(folder, ["ONE", "TWO"], ["range", "naive"]).to_csv(tmp_path / "own.csv", index=False)
    code, out, err = backtune("run", "ONE", "TWO", "--data", folder, "--forecasts", "own.csv", *SMALL)
    assert code == 0, err
    assert "model range:" in out
    assert "model naive:" in out
    assert out.rstrip().splitlines()[-1].startswith("side by side: backtune report ")
    folders = sorted((tmp_path / "runs").iterdir())
    assert len(folders) == 2
    used = {bt.Run.open(one).record["settings"]["forecasts"].rpartition("#")[2] for one in folders}
    assert used == {"range", "naive"}


@pytest.mark.slow
def test_json_has_each_model_and_its_leaks(backtune, folder, tmp_path):
    rows = table(folder, ["ONE"], ["range", "naive"])
    bars = load_bars(folder / "ONE.csv")
    actual = pd.DataFrame({"high": bars.moves[1], "low": bars.moves[2]}, index=bars.timestamps)
    for side in ("high", "low"):
        truth = actual[side].reindex(rows["date"]).to_numpy()
        rows[f"pred_{side}"] += np.where(rows["model"] == "naive", 0.3 * truth, 0.0)
    rows.to_parquet(tmp_path / "own.parquet")
    code, out, _ = backtune(
        "run", "ONE", "--data", folder, "--forecasts", "own.parquet", "--json", "--run-folder", "here", *SMALL
    )
    printed = json.loads(out)["models"]
    assert code == 0
    assert list(printed) == ["range", "naive"]
    assert printed["range"]["leaks"] == {}
    assert printed["naive"]["leaks"]["ONE"][0].startswith("LEAK: forecasts know the bar")
    assert printed["naive"]["folder"].endswith("here/naive")


@pytest.mark.slow
def test_one_model_of_a_file_is_named_behind_a_hash(backtune, folder, tmp_path):
    table(folder, ["ONE"], ["range", "naive"]).to_csv(tmp_path / "own.csv", index=False)
    code, out, _ = backtune("run", "ONE", "--data", folder, "--forecasts", "own.csv#naive", *SMALL, "--json")
    assert code == 0
    assert "symbols" in json.loads(out)


def test_other_commands_take_the_file_too(backtune, folder, tmp_path):
    table(folder, ["ONE"], ["range"]).to_csv(tmp_path / "own.csv", index=False)
    code, out, err = backtune("profile", "ONE", "--data", folder, "--forecasts", "own.csv", *SMALL, "--json")
    assert code == 0, err
    assert json.loads(out)["stages"]
    code, out, err = backtune("forecast-check", "own.csv", "ONE", "--data", folder, *SMALL, "--json")
    assert code == 0, err
    assert json.loads(out)["ONE"][0]["variant"] == "plain"


@pytest.mark.slow
def test_a_run_goes_on_with_its_file(backtune, folder, tmp_path):
    table(folder, ["ONE"], ["range"]).to_csv(tmp_path / "own.csv", index=False)
    common = ("run", "ONE", "--data", folder, "--forecasts", "own.csv", "--run-folder", "here", *SMALL)
    assert backtune(*common)[0] == 0
    code, _, err = backtune("run", "--resume", "here")
    assert code == 0, err
    assert "ONE done before" in err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.assign(date="1999-01-01"), "has the time of a bar"),
        (lambda rows: rows.assign(pred_high=rows["pred_low"] - 1), "is below the low"),
        (lambda rows: rows.assign(symbol="THREE"), "holds symbols THREE, and ONE is none of them"),
    ],
)
def test_bad_forecasts_are_one_line_and_leave_nothing(backtune, folder, tmp_path, change, said):
    change(table(folder, ["ONE"], ["range"])).to_csv(tmp_path / "own.csv", index=False)
    code, _, err = backtune("run", "ONE", "--data", folder, "--forecasts", "own.csv", *SMALL, "--json")
    assert code == 2
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "runs").exists()


def test_what_forecasts_leak_is_told_beside_what_they_are_worth(backtune, folder, tmp_path):
    rows = table(folder, ["ONE"], ["range"])
    bars = load_bars(folder / "ONE.csv")
    actual = pd.DataFrame({"high": bars.moves[1], "low": bars.moves[2]}, index=bars.timestamps)
    for side in ("high", "low"):
        rows[f"pred_{side}"] += 0.2 * actual[side].reindex(rows["date"]).to_numpy()
    rows.to_csv(tmp_path / "own.csv", index=False)
    common = ("--symbols", "ONE", "--data", folder, "--rotations", 0, *SMALL, "--json")
    code, out, err = backtune("forecasts", "check", "own.csv", *common)
    assert code == 0, err
    assert json.loads(out)["symbols"][0]["leaks"][0].startswith("LEAK: forecasts know the bar")
    code, out, err = backtune("forecasts", "check", "range", *common)
    assert code == 0, err
    assert json.loads(out)["symbols"][0]["leaks"] == []


def test_the_row_of_the_next_bar_becomes_its_order(backtune, folder, tmp_path):
    bars = load_bars(folder / "ONE.csv")
    rows = table(folder, ["ONE"], ["range"])
    days = 1 if pd.Timestamp(bars.timestamps[-1]).weekday() < 4 else 3
    due = bars.timestamps[-1] + np.timedelta64(days, "D")
    ahead = {"date": [due], "pred_high": 0.02, "pred_low": -0.01, "symbol": "ONE", "model": "range"}
    end = str(bars.timestamps[-1])[:10]
    common = ("ONE", "--data", folder, "--forecasts", "own.csv", "--end", end, "--json", *SMALL)
    rows.to_csv(tmp_path / "own.csv", index=False)
    code, _, err = backtune("orders", *common)
    assert code == 2
    assert "made no forecast of the bar behind the last" in err
    pd.concat([rows, pd.DataFrame(ahead)]).to_csv(tmp_path / "own.csv", index=False)
    code, out, err = backtune("orders", *common)
    assert code == 0, err
    assert json.loads(out)["orders"] is not None
