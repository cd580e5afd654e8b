"""Any series in any layout reads back to the bit or is refused, and no file breaks the reader."""

from __future__ import annotations

import os
import random
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from backtune import BarsError, DataWarning, load_bars
from mutations import SEED, files, mutated
from price_frames import PRICES
from price_layouts import CRYPTO, DAILY, LAYOUTS, LONGER, MINUTES, rows

PRICE = st.decimals(min_value="0.01", max_value="99999", places=2)
MUTATIONS = int(os.environ.get("BACKTUNE_MUTATIONS", "600"))  # benchmarks/bars.py asks for 10,000


@st.composite
def price_series(draw):
    """Bars of two digits, an hour to ten days apart."""
    n = draw(st.integers(2, 30))
    values = [sorted(float(draw(PRICE)) for _ in range(4)) for _ in range(n)]
    flips = draw(st.lists(st.booleans(), min_size=n, max_size=n))
    unit = draw(st.sampled_from([3600, 86_400]))
    steps = draw(st.lists(st.integers(1, 10), min_size=n, max_size=n))
    start = draw(st.datetimes(pd.Timestamp("1995-01-01"), pd.Timestamp("2024-01-01"))).replace(
        minute=0, second=0, microsecond=0, hour=0
    )
    return pd.DataFrame(
        {
            "Date": pd.Timestamp(start) + pd.to_timedelta(np.cumsum(steps) * unit, unit="s"),
            "Open": [row[1 + flip] for row, flip in zip(values, flips, strict=True)],
            "High": [row[3] for row in values],
            "Low": [row[0] for row in values],
            "Close": [row[2 - flip] for row, flip in zip(values, flips, strict=True)],
            "Volume": draw(st.lists(st.integers(1, 10**7), min_size=n, max_size=n)),
        }
    )


def whole_clock(stamps):
    """Whether a layout's time names every part of the moment, so that nothing is lost in writing."""
    texts = " ".join(form for form in stamps.values() if isinstance(form, str))
    return any(callable(form) for form in stamps.values()) or any(mark in texts for mark in ("%H", "%I"))


@pytest.mark.slow
@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=price_series(), name=st.sampled_from(sorted(LAYOUTS)), backwards=st.booleans())
def test_a_series_in_a_layout_is_read_back_to_the_bit_or_refused(tmp_path, data, name, backwards):
    """Never as another series: with other bars, in another order, at other times."""
    _, head, template, stamps, _ = LAYOUTS[name]
    if not whole_clock(stamps) or "2024" in str(stamps.get("t")):
        data = data.assign(Date=pd.date_range("2024-01-01", periods=len(data), freq="D"))
    lines = rows(data, template, **stamps)[:: -1 if backwards else 1]
    path = tmp_path / "X.csv"
    path.write_text("\n".join([*head, *lines]), "utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        try:
            bars = load_bars(path)
        except BarsError:
            return
    for price in PRICES:
        np.testing.assert_array_equal(getattr(bars, price.lower()), data[price].to_numpy(dtype=np.float64))
    np.testing.assert_array_equal(bars.timestamps, data["Date"].to_numpy("datetime64[ns]"))


@pytest.mark.slow
def test_no_mutated_file_gives_anything_but_bars_or_one_line(tmp_path):
    rng, originals = random.Random(SEED), files()
    path = tmp_path / "X.csv"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DataWarning)
        for number in range(MUTATIONS):
            content = mutated(rng.choice(originals), rng)
            path.write_bytes(content)
            try:
                bars = load_bars(path, drop_bad=bool(number % 2))
            except BarsError as error:
                assert "\n" not in str(error), number  # noqa: PT017
            except Exception as error:
                pytest.fail(f"file {number}: {type(error).__name__}: {error}\n{content[:400]!r}")
            else:
                assert (bars.low > 0).all(), number
                assert (bars.low <= np.minimum(bars.open, bars.close)).all(), number
                assert (bars.high >= np.maximum(bars.open, bars.close)).all(), number
                assert (np.diff(bars.timestamps) > np.timedelta64(0)).all(), number
                assert np.isfinite(bars.periods_a_year), number


@pytest.mark.parametrize(
    "data", [DAILY, MINUTES, LONGER, CRYPTO], ids=["daily", "minutes", "days of minutes", "crypto"]
)
def test_bars_read_back_from_their_own_frame_and_its_files(tmp_path, data):
    bars = load_bars(data, "ABCUSDT")
    bars.frame.to_csv(tmp_path / "ABCUSDT.csv")
    bars.frame.to_parquet(tmp_path / "ABCUSDT.parquet")
    for source in (bars.frame, tmp_path / "ABCUSDT.csv", tmp_path / "ABCUSDT.parquet"):
        assert load_bars(source, "ABCUSDT").digest == bars.digest
