"""Forecasts from outside: read as their owner means them, joined by time, refused in one line."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import backtune as bt
from backtune import Forecast
from backtune.bars import Bars, load_sample
from backtune.forecasts.headings import heading_of
from backtune.forecasts.outside import OutsideForecaster
from synthetic import make_bars

MOVES = ("high", "low", "close")


def part(first=-400, last=None):
    """The last bars of the sample."""
    bars = load_sample("SP500")
    columns = ("timestamps", "open", "high", "low", "close", "volume")
    return replace(bars, **{name: getattr(bars, name)[first:last] for name in columns})


def hourly(n=300, offset=-5):
    """Bars of an hour, six a day, on the clock of an exchange that is `offset` hours from UTC."""
    bars = make_bars(n)
    days, hours = np.arange(n) // 6, np.arange(n) % 6 + 10
    local = np.datetime64("2024-01-01", "ns") + days * np.timedelta64(1, "D") + hours * np.timedelta64(1, "h")
    away = np.timedelta64(offset, "h").astype("timedelta64[ns]")
    return replace(bars, timestamps=local - away, utc_offset=np.full(n, away))


def rows_of(bars, model="naive", prices=False):
    """The forecasts of a model as somebody would write them down: a row a bar that has one."""
    forecast = bt.forecast(bars, model)
    before = np.r_[np.nan, bars.close[:-1]]
    values = {move: getattr(forecast, move) for move in MOVES}
    if prices:
        values = {move: (1.0 + value) * before for move, value in values.items()}
    return pd.DataFrame({"time": bars.timestamps, **values}).dropna().reset_index(drop=True)


def same(one, other, tolerance=0.0):
    for move in MOVES:
        np.testing.assert_allclose(getattr(one, move), getattr(other, move), rtol=0.0, atol=tolerance)


def codes(forecast):
    return [note.code for note in forecast.notes]


def refused(rows, bars, part_of_message, **options):
    with pytest.raises(bt.ForecasterError) as caught:
        Forecast.from_frame(rows, bars, **options)
    said = str(caught.value)
    assert part_of_message in said
    assert "\n" not in said


# ---- what it reads


def test_moves_come_back_to_the_bit():
    bars = part()
    same(Forecast.from_frame(rows_of(bars), bars), bt.forecast(bars, "naive"))


def test_prices_are_told_from_moves_and_become_moves():
    bars = part()
    forecast = Forecast.from_frame(rows_of(bars, prices=True), bars)
    same(forecast, bt.forecast(bars, "naive"), 1e-12)
    note = next(note for note in forecast.notes if note.code == "forecast_values")
    assert "prices" in note.sentence
    assert not note.warns


def test_rows_are_joined_by_time_whatever_their_order_and_number():
    bars = part()
    rows = rows_of(bars)
    shuffled = rows.sample(frac=0.5, random_state=1)
    forecast, predicted = Forecast.from_frame(shuffled, bars), bt.forecast(bars, "naive")
    there = np.isin(bars.timestamps, shuffled["time"].to_numpy())
    np.testing.assert_array_equal(forecast.known, there)
    np.testing.assert_array_equal(forecast.high[there], predicted.high[there])


def test_long_wide_and_nested_tables_say_the_same():
    bars, other = part(), replace(part(), symbol="NASDAQ")
    mine, theirs = rows_of(bars), rows_of(other).assign(high=0.05, low=-0.05, close=0.0)
    long = pd.concat([mine.assign(symbol="SP500"), theirs.assign(symbol="NASDAQ")])
    wide = mine.rename(columns={move: f"SP500_{move}" for move in MOVES}).merge(
        theirs.rename(columns={move: f"{move}_NASDAQ" for move in MOVES}), on="time"
    )
    nested = pd.concat({"NASDAQ": theirs.set_index("time"), "SP500": mine.set_index("time")}, axis=1)
    for table in (long, wide, nested):
        same(Forecast.from_frame(table, bars), bt.forecast(bars, "naive"))
        assert np.nanmax(Forecast.from_frame(table, other).high) == 0.05


@pytest.mark.parametrize(
    ("name", "role", "symbol", "level"),
    [
        ("High", "high", "", None), ("predictedHigh", "high", "", None), ("low_pred", "low", "", None),
        ("TSLA_high", "high", "tsla", None), ("close.BRK.B", "", "", None), ("high_q10", "high", "", 0.1),
        ("BTC-USD Low 0.9", "low", "btc_usd", 0.9), ("q0.5_close", "close", "", 0.5),
        ("700_high", "high", "700", None),
        ("high 90%", "high", "", 0.9), ("unique_id", "symbol", "", None), ("ds", "time", "", None),
        ("Date", "time", "", None), ("made_at", "made_at", "", None), ("model", "model", "", None),
        ("volume", "", "", None), ("median high", "high", "", 0.5),
    ],
)  # fmt: skip
def test_names_of_columns(name, role, symbol, level):
    heading = heading_of(name)
    assert (heading.role, heading.symbol, heading.level) == (role, symbol, level)


def test_what_is_called_a_forecast_wins_over_the_prices_beside_it():
    bars = part()
    rows = rows_of(bars).rename(columns={move: f"pred_{move}" for move in MOVES})
    rows = rows.merge(bars.frame.reset_index().rename(columns={"timestamp": "time"}), on="time")
    forecast = Forecast.from_frame(rows, bars)
    same(forecast, bt.forecast(bars, "naive"))
    (note,) = [note for note in forecast.notes if note.code == "forecast_columns"]
    assert note.sentence.endswith("open, high, low, close, volume")


def test_quantiles_alone_give_their_median_and_are_kept():
    bars = part()
    predicted = bt.forecast(bars)
    columns = {"time": bars.timestamps}
    for index, move in enumerate(MOVES):
        for place, level in enumerate(predicted.levels):
            columns[f"{move}_q{level}"] = predicted.quantiles[:, index, place]
    forecast = Forecast.from_frame(pd.DataFrame(columns).dropna(), bars)
    assert forecast.levels == predicted.levels
    np.testing.assert_array_equal(forecast.quantiles, predicted.quantiles)
    same(forecast, predicted)


def test_a_close_that_is_not_there_is_the_one_nearest_to_unchanged():
    bars = part()
    forecast = Forecast.from_frame(rows_of(bars)[["time", "high", "low"]], bars)
    known = forecast.known
    np.testing.assert_array_equal(
        forecast.close[known], np.clip(0.0, forecast.low[known], forecast.high[known])
    )


def test_the_row_of_the_next_bar_is_kept_as_moves_on_the_last_close():
    bars = part()
    longer = rows_of(bars, prices=True)
    last = bars.timestamps[-1] + np.timedelta64(2, "D")
    ahead = {"time": [last, last + np.timedelta64(1, "D")], "high": 1.02 * bars.close[-1],
             "low": 0.97 * bars.close[-1], "close": bars.close[-1]}  # fmt: skip
    forecast = Forecast.from_frame(pd.concat([longer, pd.DataFrame(ahead)]), bars)
    assert (forecast.next_high, forecast.next_low, forecast.next_close) == pytest.approx((0.02, -0.03, 0.0))
    assert forecast.next_time == last
    same(forecast, Forecast.from_frame(longer, bars))
    assert np.isnan(Forecast.from_frame(longer, bars).next_high)


def test_files_of_every_kind_and_a_folder_give_what_the_frame_gives(tmp_path):
    bars = part()
    rows = rows_of(bars)
    forecast = Forecast.from_frame(rows, bars)
    rows.to_csv(tmp_path / "a.csv", index=False)
    rows.to_csv(tmp_path / "semicolons.csv", index=False, sep=";", decimal=",")
    rows.to_csv(tmp_path / "packed.csv.gz", index=False)
    rows.to_parquet(tmp_path / "b.parquet")
    rows.to_feather(tmp_path / "c.feather")
    rows[::-1].to_csv(tmp_path / "newest_first.csv", index=False)
    for path in sorted(tmp_path.iterdir()):
        same(OutsideForecaster(path).forecast(bars), forecast)
    (tmp_path / "folder").mkdir()
    rows.to_csv(tmp_path / "folder" / "SP500.csv", index=False)
    same(OutsideForecaster(tmp_path / "folder").forecast(bars), forecast)
    with pytest.raises(bt.ForecasterError, match="no forecasts for NASDAQ"):
        OutsideForecaster(tmp_path / "folder").forecast(replace(bars, symbol="NASDAQ"))


def test_a_long_file_whose_last_rows_begin_with_a_symbol_loses_none(tmp_path):
    bars = part()
    rows = rows_of(bars)[["time", "high", "low"]]
    rows.insert(0, "symbol", "SP500")
    rows.to_csv(tmp_path / "long.csv", index=False)
    assert OutsideForecaster(tmp_path / "long.csv").forecast(bars).known.sum() == len(rows)


def test_of_several_models_one_is_named(tmp_path):
    bars = part()
    rows = pd.concat([rows_of(bars, model).assign(model=model) for model in ("naive", "range")])
    rows.to_csv(tmp_path / "several.csv", index=False)
    path = f"{tmp_path / 'several.csv'}"
    assert OutsideForecaster(path).models(["SP500"]) == ["naive", "range"]
    same(OutsideForecaster(f"{path}#range").forecast(bars), bt.forecast(bars, "range"))
    same(Forecast.from_frame(rows, bars, model="naive"), bt.forecast(bars, "naive"))
    refused(rows, bars, "holds 2 models (naive, range); say which")
    refused(rows, bars, "holds no model 'toto'", model="toto")


# ---- times


def test_dates_and_clocks_of_daily_bars_are_dates():
    bars = part()
    rows = rows_of(bars)
    forecast = Forecast.from_frame(rows, bars)
    for text in (
        rows["time"].dt.strftime("%d.%m.%Y"),
        rows["time"] + pd.Timedelta(hours=16),
        rows["time"].dt.tz_localize("America/New_York"),
    ):
        same(Forecast.from_frame(rows.assign(time=text), bars), forecast)


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo", "Pacific/Auckland", "UTC"])
@pytest.mark.parametrize("offset", [None, 0])
def test_the_moments_of_daily_bars_are_those_in_whatever_zone_they_are_written(zone, offset):
    """In New York the day of a coin begins at 19:00 of the day before: that date is of the bar before."""
    away = None if offset is None else np.zeros(400, "timedelta64[ns]")
    stamps = np.datetime64("2024-01-01", "ns") + np.arange(400) * np.timedelta64(1, "D")
    bars = replace(make_bars(400), timestamps=stamps, utc_offset=away)
    rows = rows_of(bars)
    written = rows["time"].dt.tz_localize("UTC").dt.tz_convert(zone)
    same(Forecast.from_frame(rows.assign(time=written), bars), Forecast.from_frame(rows, bars))


def test_intraday_times_are_read_as_the_clock_that_fits():
    bars = hourly()
    rows = rows_of(bars)
    predicted = Forecast.from_frame(rows.assign(time=rows["time"].dt.tz_localize("UTC")), bars)
    assert predicted.known.sum() == len(rows)
    local = rows.assign(time=rows["time"] + pd.Timedelta(hours=-5))
    forecast = Forecast.from_frame(local, bars)
    same(forecast, predicted)
    assert (
        "exchange's clock" in next(note for note in forecast.notes if note.code == "forecast_times").sentence
    )
    same(Forecast.from_frame(local, bars, timezone="America/New_York"), predicted)
    forecast = Forecast.from_frame(rows, bars)  # UTC, which no row says
    same(forecast, predicted)
    assert "UTC" in next(note for note in forecast.notes if note.code == "forecast_times").sentence


def test_times_of_another_zone_are_refused():
    bars = hourly()
    rows = rows_of(bars)
    refused(
        rows.assign(time=rows["time"] + pd.Timedelta(hours=3)),
        bars,
        "3 h earlier; are their times of another zone",
    )
    tokyo = part()
    dates = rows_of(tokyo)
    midnight = dates["time"].dt.tz_localize("Asia/Tokyo").dt.tz_convert("UTC")
    refused(dates.assign(time=midnight), tokyo, "1 day later")


def test_times_off_by_a_calendar_day_are_refused_where_dates_tell():
    bars = part()
    rows = rows_of(bars)
    refused(rows.assign(time=rows["time"] + pd.Timedelta(days=1)), bars, "1 day earlier")


def test_rows_of_days_without_a_bar_are_left_out_and_counted():
    bars = part()
    rows = rows_of(bars).set_index("time").resample("D").ffill().reset_index()
    forecast = Forecast.from_frame(rows, bars)
    assert "have no bar" in next(note for note in forecast.notes if note.code == "forecast_rows").sentence
    same(forecast, bt.forecast(bars, "naive"))


def test_no_overlap_is_refused():
    bars = part()
    rows = rows_of(bars)
    refused(rows.assign(time=rows["time"] + pd.Timedelta(days=4000)), bars, "has the time of a bar of SP500")


# ---- what it refuses


def test_rows_there_twice_are_refused_unless_made_at_tells_them_apart():
    bars = part()
    rows = rows_of(bars)
    twice = pd.concat([rows, rows.iloc[[5]]])
    refused(twice, bars, f"rows 6 and {len(rows) + 1} are for the same bar of SP500")
    early = twice.assign(made_at=twice["time"] - pd.Timedelta(days=1))
    later = early.iloc[[7]].assign(made_at=early["time"].iloc[7] - pd.Timedelta(hours=2), high=0.03)
    forecast = Forecast.from_frame(pd.concat([later, early.iloc[:-1]]), bars)
    bar = int(np.flatnonzero(bars.timestamps == early["time"].iloc[7])[0])
    assert forecast.high[bar] == 0.03  # the last that was made before the bar
    assert "leak_late" not in codes(forecast)


def test_rows_made_after_their_bar_opened_are_a_finding():
    bars = part()
    rows = rows_of(bars)
    late = rows.assign(made_at=rows["time"] + pd.Timedelta(hours=20))
    forecast = Forecast.from_frame(late, bars)
    note = next(note for note in forecast.notes if note.code == "leak_late")
    assert note.sentence.startswith(f"LEAK: {len(rows)} of {len(rows)} forecasts were made after")
    morning = Forecast.from_frame(rows.assign(made_at=rows["time"] + pd.Timedelta(hours=9)), bars)
    assert "leak_late" not in codes(morning)
    intraday = hourly()
    rows = rows_of(intraday)
    inside = rows.assign(made_at=rows["time"] + pd.Timedelta(minutes=10))
    assert "leak_late" in codes(Forecast.from_frame(inside, intraday))


def renamed(**names):
    return lambda rows: rows.rename(columns=names)


def assigned(**columns):
    return lambda rows: rows.assign(**columns)


def fourth(value, kind=float):
    """The high of the fourth row is another."""
    return lambda rows: rows.assign(high=rows["high"].astype(kind).where(rows.index != 3, value))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (renamed(time="foo"), "no column for time; it has: foo, high, low, close"),
        (renamed(high="hihg"), "no columns for the predicted high and low"),
        (lambda rows: rows.iloc[:0], "holds no rows"),
        (assigned(high=np.nan), "has both a high and a low"),
        (lambda rows: rows.assign(high=rows["low"] - 0.01), "is below the low"),
        (fourth("oops", object), "row 4: high is 'oops'"),
        (fourth(3.0), "row 4: the high is a move of +3"),
        (lambda rows: rows.assign(**{m: 100 * rows[m] for m in MOVES}), "divide by 100"),
        (assigned(symbol="NVDA"), "holds symbols NVDA, and SP500 is none of them"),
        (renamed(high="NVDA_high", low="NVDA_low"), "has columns for nvda, and SP500"),
        (assigned(pred_high=0.0, forecast_high=0.1), "may each be the high"),
        (assigned(high_q10=0.0, high_q90=0.1, low_q10=0.0), "quantiles of the low are of other levels"),
        (assigned(time="soon"), "row 1: time 'soon' is no time"),
    ],
)
def test_what_cannot_be_right_is_one_line(change, said):
    bars = part()
    refused(change(rows_of(bars)), bars, said)


@pytest.mark.parametrize("scale", [4.0, 0.25, 130.0, 0.0075])
def test_prices_of_another_scale_are_refused(scale):
    bars = part()
    rows = rows_of(bars, prices=True)
    refused(
        rows.assign(**{move: scale * rows[move] for move in MOVES}),
        bars,
        "times the close before (SP500); give them on the scale of the bars",
    )


def test_prices_without_the_adjustment_of_the_bars_are_refused():
    bars = part()
    rows = rows_of(bars, prices=True)
    early = np.where(rows.index < 200, 1.07, 1.0)  # a dividend that the bars have taken out
    raw = rows.assign(**{move: early * rows[move] for move in MOVES})
    refused(raw, bars, "give prices adjusted as the bars are")


def test_a_missing_file_and_a_file_beside_a_model_are_refused(tmp_path):
    with pytest.raises(bt.SettingError, match="no such file or folder"):
        bt.Settings(forecasts=str(tmp_path / "none.csv"))
    rows_of(part()).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(bt.SettingError, match="given with model range; leave one out"):
        bt.Settings(forecasts=str(tmp_path / "a.csv"), model="range")
    with pytest.raises(bt.SettingError, match="names no file"):
        bt.Settings(model="file")
    with pytest.raises(bt.SettingError, match="expected a date"):
        bt.Settings(model_cutoff="soon")


def test_several_symbols_need_a_table_that_tells_them_apart(tmp_path):
    rows_of(part()).to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(bt.SettingError, match="names no symbols, for 2 of them"):
        bt.run_parallel_backtests(["SP500", "NASDAQ"], 2, max_workers=1, forecasts=str(tmp_path / "a.csv"))


@pytest.mark.slow
@given(st.data())
def test_any_text_is_read_or_refused_in_one_line(data):
    """No text of a file makes a traceback, and none a forecast of bars that it has no row for."""
    bars = part(-60)
    words = ["", "nan", "1.0", "-0.01", "0.02", '"1,5"', "x", "2018-12-03", "2018-12-04", "2e9", "-", "SP500"]
    cell = st.one_of(st.sampled_from(words), st.floats(-5, 5000).map(str))
    names = data.draw(st.permutations(["high", "low", "close", "high q10", "symbol", "made_at"]))
    width = data.draw(st.integers(3, 7))
    lines = [",".join(["time", *names][:width])]
    for k in range(data.draw(st.integers(0, 6))):
        cells = (data.draw(cell) for _ in range(width - 1))
        lines.append(",".join([str(bars.timestamps[-k - 2])[:10], *cells]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "any.csv"
        path.write_text("\n".join(lines), encoding="utf-8")
        try:
            forecast = OutsideForecaster(path).forecast(bars)
        except bt.ForecasterError as error:
            said = str(error)
        else:
            said = ""
            assert forecast.known.sum() <= len(lines) - 1
            high, low, close = (getattr(forecast, move)[forecast.known] for move in MOVES)
            assert ((low <= close) & (close <= high)).all()
    assert "\n" not in said


# ---- in a run


def test_a_run_on_a_file_is_the_run_on_the_model_to_the_bit(tmp_path):
    bars = part()
    rows_of(bars, "range").to_parquet(tmp_path / "range.parquet")
    common = {"num_simulations": 20, "data": bars}
    one = bt.backtest_forecasts("SP500", forecasts=str(tmp_path / "range.parquet"), **common)
    other = bt.backtest_forecasts("SP500", model="range", **common)
    for name in ("simulations", "returns", "configurations", "summary"):
        tables = [
            getattr(result, name).drop(columns="optimizer_seconds", errors="ignore")
            for result in (one, other)
        ]
        pd.testing.assert_frame_equal(*tables, check_exact=True)
    assert not [note for note in one.facts["notes"] if note["code"].startswith("leak")]


def test_a_run_is_used_again_as_long_as_the_forecasts_are_the_same(tmp_path):
    bars = part()
    rows = rows_of(bars)
    path, folder = tmp_path / "a.csv", tmp_path / "run"
    common = {"data": {"SP500": bars}, "max_workers": 1, "run_folder": folder, "forecasts": str(path)}

    def kinds():
        seen = []
        bt.run_parallel_backtests(
            ["SP500"], 5, progress=lambda event: seen.append((event.kind, event.message)), **common
        )
        return [one for one in seen if one[0] in ("done", "reused")]

    rows.to_csv(path, index=False)
    assert kinds() == [("done", "")]
    rows[::-1].to_csv(path, index=False)  # other bytes, the same forecasts
    assert kinds()[0][0] == "reused"
    rows.assign(high=rows["high"] + 1e-9).to_csv(path, index=False)
    kind, why = kinds()[0]
    assert kind == "done"
    assert "forecast" in why


def test_a_leak_is_told_by_the_run_the_page_and_the_notes(tmp_path):
    bars = part()
    rows = rows_of(bars, "range").set_index("time")
    actual = pd.DataFrame(bars.moves[1:].T, index=bars.timestamps, columns=MOVES)
    (0.9 * rows + 0.1 * actual).dropna().reset_index(names="time").to_csv(tmp_path / "leaky.csv", index=False)
    runs = bt.run_parallel_backtests(
        ["SP500"],
        5,
        data={"SP500": bars},
        max_workers=1,
        output=tmp_path,
        forecasts=str(tmp_path / "leaky.csv"),
    )
    (note,) = [note for note in runs["SP500"].facts["notes"] if note["code"] == "leak_target"]
    assert note["warns"]
    assert "forecasts know the bar that they are for" in note["sentence"]
    assert "forecasts know the bar that they are for" in bt.report(runs.folder).html


def test_holes_are_drawn_and_judged(tmp_path):
    bars = part()
    rows_of(bars, "range").drop(index=[300, 350, 352]).to_csv(tmp_path / "holed.csv", index=False)
    runs = bt.run_parallel_backtests(
        ["SP500"],
        10,
        data={"SP500": bars},
        max_workers=1,
        output=tmp_path,
        forecasts=str(tmp_path / "holed.csv"),
    )
    assert runs["SP500"].inputs["high_forecast"].isna().sum() == 3
    assert "have no forecast, and so no order" in bt.report(runs.folder).html


def test_bars_are_not_needed_to_be_whole_days_apart():
    bars = Bars(
        "X", *(getattr(make_bars(100), name) for name in ("timestamps", "open", "high", "low", "close"))
    )
    same(Forecast.from_frame(rows_of(bars), bars), bt.forecast(bars, "naive"))
