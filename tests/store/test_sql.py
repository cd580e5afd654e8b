"""SQL over a run: the same figures as the frames, and no way to anything else."""

import pandas as pd
import pytest

import backtune as bt
from backtune.bars import Universe

NAMES = ["ES=F", "2020-01-01", "^GSPC", "BRK.B"]  # what a file system or a type guesser might trip over


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    universe = Universe(bars=200)
    data = {name: universe.load(f"SYN{n + 1:05d}") for n, name in enumerate(NAMES)}
    runs = bt.run_parallel_backtests(
        NAMES, 3, 1, window=50, data=data, output=tmp_path_factory.mktemp("runs")
    )
    return bt.Run.open(runs.folder)


@pytest.mark.parametrize("name", ["simulations", "summary", "returns"])
def test_views_are_the_frames(run, name):
    frame = run.table(name)
    answer = run.sql(f"select * from {name}")
    order = [column for column in ("symbol", "strategy", "simulation", "close_at_eod") if column in frame]
    order += ["timestamp"] if "timestamp" in frame else []
    pd.testing.assert_frame_equal(
        answer[list(frame)].sort_values(order, ignore_index=True),
        frame.sort_values(order, ignore_index=True),
        check_dtype=False,
        check_exact=True,
    )


def test_a_figure_that_is_undefined_is_null(run):
    """NaN would be the largest of all in an order by."""
    undefined = int(run.summary["sharpe"].isna().sum())
    assert undefined
    assert run.sql("select count(*) as n from summary where sharpe is null")["n"].item() == undefined


def test_symbols_stay_text(run):
    answer = run.sql("select distinct symbol from summary order by symbol")
    assert answer["symbol"].tolist() == sorted(NAMES)
    assert run.sql("select count(*) as n from returns where symbol = 'ES=F'")["n"].item() == 12


@pytest.mark.parametrize(
    "query",
    [
        "copy summary to 'out.csv'",
        "select * from read_csv('/etc/passwd')",
        "select * from '/etc/passwd'",
        "attach 'other.db'",
        "set enable_external_access = true",
        "install httpfs",
        "select nonsense from summary",
        "not sql at all",
        "",
        "-- nothing",
    ],
)
def test_a_query_reads_the_run_and_nothing_else(run, query, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(
        bt.RunError, match="views: simulations, summary, returns, configurations, inputs"
    ) as caught:
        run.sql(query)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_connection_stays_for_more_than_one_query(run):
    with run.connect() as connection:
        first = connection.execute("select count(*) from summary").fetchone()
        second = connection.execute("select count(*) from summary where strategy = 'maxdiff'").fetchone()
    assert (first, second) == ((16,), (4,))
