"""What is exported is what the run has, in files that others read."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from backtune.errors import RunError, SettingError
from backtune.metrics.performance import performance
from backtune.store import Run

READ = {"csv": pd.read_csv, "parquet": pd.read_parquet}


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_trades_and_returns_are_those_of_the_run(sample_run, tmp_path, form):
    paths = sample_run.export(tmp_path / "out", form, benchmark="SP500")
    assert [path.name for path in paths] == [f"{name}.{form}" for name in ("trades", "returns", "portfolio")]
    for path, table in zip(paths, (sample_run.table("ledger"), sample_run.returns), strict=False):
        read = READ[form](path)
        assert list(read) == list(table)
        assert read["symbol"].tolist() == table["symbol"].tolist()
        np.testing.assert_allclose(read["value"], table["value"], rtol=1e-12)
        first = "entry" if "entry" in table else "timestamp"
        assert pd.to_datetime(read[first]).tolist() == table[first].tolist()
    daily = READ[form](paths[-1])
    account = sample_run.portfolio(benchmark="SP500")
    np.testing.assert_allclose(daily[sample_run.tuned[0]], account.series, rtol=1e-12)
    np.testing.assert_allclose(daily["SP500"], account.bars["benchmark"], rtol=1e-12)
    sample_run.export(tmp_path / "out", form)  # over the first
    assert len(READ[form](paths[0])) == len(sample_run.table("ledger"))


@pytest.mark.needs("quantstats")
def test_the_series_is_one_that_quantstats_reads(sample_run):
    import quantstats.stats as qs

    account = sample_run.portfolio("always_on")
    assert isinstance(account.series.index, pd.DatetimeIndex)
    assert account.series.index.tz is None
    figures = performance(account.returns.to_numpy(), 252)
    assert qs.sharpe(account.series) == pytest.approx(figures.sharpe, rel=1e-10)
    assert qs.max_drawdown(account.series) == pytest.approx(figures.max_drawdown, rel=1e-10)
    assert qs.comp(account.series) == pytest.approx(figures.total_return, rel=1e-10)


def test_what_cannot_be_exported_is_one_line(sample_run, tmp_path):
    with pytest.raises(SettingError, match="'xlsx'"):
        sample_run.export(tmp_path, "xlsx")
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot be written"):
        sample_run.export(tmp_path / "file" / "out")
    with pytest.raises(SettingError, match="no symbol has a result"):
        Run.of([]).portfolio("maxdiff")
