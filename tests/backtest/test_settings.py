"""Settings of any type: taken as plain values, or refused in one line, never an error of somebody else's."""

from __future__ import annotations

import datetime
import json
from dataclasses import fields
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest

import backtune as bt
from backtune.cli.settings import read_settings_file

ODD = [
    3, 0, -1, 2.5, float("nan"), float("inf"), True, "", "x", "a:b", "\0", "/", [], [1, 2], ["a"],
    [[1, 2], [3, 4]], {"a": 1}, datetime.date(2024, 1, 1), datetime.datetime(2024, 1, 1),
    datetime.time(7, 32), b"x", 1j, {1, 2}, datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC),
    object(), np.array("exact"),
    np.array(["a", "b"]), np.array(3), np.eye(2),
    pd.DataFrame({"a": [1, 2]}), pd.NA, pd.NaT, np.datetime64("2024-01-01"),
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", [entry.name for entry in fields(bt.Settings)])
def test_whatever_a_setting_is_it_is_taken_or_refused_in_one_line(name):
    for value in ODD:
        try:
            settings = bt.Settings(**{name: value})
        except bt.BacktuneError as error:
            said = str(error)
        else:
            said = json.dumps(settings.as_dict())  # as run.json keeps it
        assert len(said.splitlines()) == 1


@pytest.mark.parametrize("name", ["start", "end", "model_cutoff"])
def test_a_date_is_taken_as_text_or_as_a_date(name, tmp_path):
    dates = ["2024-01-05", "20240105", datetime.date(2024, 1, 5), datetime.datetime(2024, 1, 5),
             pd.Timestamp("2024-01-05"), np.str_("2024-01-05")]  # fmt: skip
    for date in dates:
        assert getattr(bt.Settings(**{name: date}), name) == "2024-01-05"
    for wrong in ("", "2024-13-01", datetime.datetime(2024, 1, 5, 9), pd.Timestamp("2024-01-05", tz="UTC")):
        with pytest.raises(bt.SettingError, match=f"{name} is .*; expected a date such as 2023-12-31"):
            bt.Settings(**{name: wrong})
    (tmp_path / "s.toml").write_bytes(f"\ufeff{name} = 2024-01-05\n".encode())
    assert getattr(bt.Settings(**read_settings_file(tmp_path / "s.toml", bt.Settings)), name) == "2024-01-05"


def test_a_zone_is_kept_by_its_name():
    for zone in ("Asia/Tokyo", np.str_("Asia/Tokyo"), ZoneInfo("Asia/Tokyo")):
        assert bt.Settings(timezone=zone).as_dict()["timezone"] == "Asia/Tokyo"
    with pytest.raises(bt.SettingError, match="give an IANA name"):
        bt.Settings(timezone=np.array("Asia/Tokyo"))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("split", 3, "split is 3; give"),
        ("split", datetime.date(2024, 1, 1), "split is datetime.date"),
        ("split", {"2024-01-01:2": 1}, "split is {"),
        ("optimizer", {"a": 1}, "optimizer is {'a': 1}; give its name"),
        ("optimizer", np.array("exact"), "optimizer is array"),
        ("costs", "\0", "cannot be read"),
        ("detail", "\0", "give the folder of the finer bars"),
        ("columns", 3, "columns are '3'"),
        ("num_simulations", pd.NA, "num_simulations is <NA>"),
    ],
)
def test_what_a_setting_is_not_is_said(name, value, words):
    with pytest.raises(bt.SettingError, match=words):
        bt.Settings(**{name: value})
