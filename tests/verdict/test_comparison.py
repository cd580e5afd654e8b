"""Runs beside each other: what one has above another is told from luck, and the best of many is not."""

import numpy as np
import pandas as pd
import pytest

from backtune.errors import SettingError
from backtune.verdict.comparison import TOGETHER, compare

DAYS = pd.date_range("2020-01-01", periods=1000)


def table(values, first=0, strategy="s"):
    """Returns of one tuned strategy, and of a yardstick that is not to count."""
    days = DAYS[first : first + len(values)]
    own, held = (
        pd.DataFrame({"strategy": name, "timestamp": days, "causal": column})
        for name, column in ((strategy, values), ("buy_hold", 1.0 + 0.0 * values))
    )
    return pd.concat([own, held], ignore_index=True)


def noise(seed, n=300):
    return 0.01 * np.random.default_rng(seed).standard_normal(n)


def compared(*runs):
    return compare(
        [{symbol: table(values) for symbol, values in run.items()} for run in runs],
        [["s"]] * len(runs),
        [f"run{k}" for k in range(len(runs))],
    )


def test_a_small_steady_difference_is_seen_between_runs_that_each_look_like_luck():
    """Paired, 5 bp a bar stand out from noise that both share and that is twenty times as large."""
    shared = noise(1)
    comparison = compared({"A": shared}, {"A": shared + 0.0005 + 0.05 * noise(2)})
    (difference,) = comparison.differences["A"]
    assert difference.interval[0] > 0.0
    assert difference.mean == pytest.approx(0.0005, abs=0.0001)
    assert comparison.best[0] < 0.01
    assert comparison.edge[0] > 0.05


@pytest.mark.slow
def test_the_best_of_many_runs_of_noise_is_not_better_by_more_than_luck():
    luckiest = [min(compared(*({"A": noise([seed, k], 100)} for k in range(20))).best) for seed in range(20)]
    assert sum(p <= 0.05 for p in luckiest) <= 4


def test_runs_are_compared_on_the_bars_and_symbols_that_all_have():
    one = {"A": table(noise(1)), "B": table(noise(2))}
    other = {"A": table(noise(3), first=100), "C": table(noise(4))}
    comparison = compare([one, other], [["s"], ["s"]], ["x", "y"])
    assert comparison.bars == {"A": 200}
    assert comparison.runs == ("x", "y")


def test_together_is_the_mean_over_symbols_a_bar_at_a_time():
    runs = [{"A": noise(1), "B": noise(2)}, {"A": noise(3), "B": noise(4)}]
    comparison = compared(*runs)
    by_hand = [0.5 * (run["A"] + run["B"]) for run in runs]
    assert comparison.differences[TOGETHER][0].mean == pytest.approx((by_hand[1] - by_hand[0]).mean())
    assert np.allclose(comparison.equity.to_numpy(), np.cumprod(1.0 + np.column_stack(by_hand), axis=0))


def test_a_day_of_two_exchanges_is_one_bar_together_whatever_hour_its_stamps_have():
    """Or what both do on a day would count as two independent bars, and intervals be too narrow."""
    values = [noise(seed) for seed in range(4)]
    late = [table(each).assign(local=lambda rows: rows["timestamp"]) for each in values]
    early = [each.assign(timestamp=each["timestamp"] - pd.Timedelta(hours=5)) for each in late]
    years = {"A": 252.0, "B": 252.0}
    one, two = (
        compare(
            [{"A": late[0], "B": other[1]}, {"A": late[2], "B": other[3]}], [["s"]] * 2, ["x", "y"], years
        )
        for other in (late, early)
    )
    assert two.bars == {"A": 300, "B": 300, TOGETHER: 300}
    assert two.differences[TOGETHER] == one.differences[TOGETHER]
    assert two.best == one.best


def test_bars_inside_a_day_are_compounded_beside_those_of_a_day():
    hours = pd.date_range("2020-01-01", periods=600, freq="12h")
    fine = [
        pd.DataFrame({"strategy": "s", "timestamp": hours, "causal": noise(seed, 600)}) for seed in range(2)
    ]
    days = [table(noise(seed)) for seed in (5, 6)]
    runs = [{"A": a, "B": b} for a, b in zip(fine, days, strict=True)]
    comparison = compare(runs, [["s"]] * 2, ["x", "y"], {"A": 730.0, "B": 365.0})
    assert comparison.bars[TOGETHER] == 300
    first = (np.prod(1.0 + fine[0]["causal"][:2]) - 1.0 + days[0]["causal"][0]) / 2.0
    assert comparison.equity["x"].iloc[0] == pytest.approx(1.0 + first)


@pytest.mark.slow
def test_the_interval_covers_the_true_difference_19_times_in_20():
    covered = 0
    for seed in range(200):
        (difference,) = compared(
            {"A": noise([seed, 0], 150)}, {"A": noise([seed, 1], 150) + 0.001}
        ).differences["A"]
        covered += difference.interval[0] <= 0.001 <= difference.interval[1]
    assert covered >= 178


def test_equal_runs_do_not_differ():
    comparison = compared({"A": noise(1)}, {"A": noise(1)})
    (difference,) = comparison.differences["A"]
    assert difference.mean == 0.0
    assert difference.interval == (0.0, 0.0)
    assert difference.p_value == comparison.best[0] == 1.0


def test_strategies_count_alike_and_yardsticks_not_at_all():
    two = pd.concat([table(noise(1), strategy="s"), table(noise(2), strategy="t").iloc[:300]])
    comparison = compare([{"A": two}, {"A": table(noise(3))}], [["s", "t"], ["s"]], ["same", "same"])
    assert comparison.runs == ("same", "same (2)")
    mean = 0.5 * (noise(1) + noise(2))
    assert comparison.differences["A"][0].mean == pytest.approx((noise(3) - mean).mean())


def test_what_cannot_be_compared_is_refused_in_one_line():
    with pytest.raises(SettingError, match="two or more"):
        compared({"A": noise(1)})
    with pytest.raises(SettingError, match="have no bar of a symbol in common"):
        compared({"A": noise(1)}, {"B": noise(1)})
