"""The rule: what it says about made-up records, and that it says nothing but the rule."""

import math
import re
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backtune.verdict.evidence import EXPOSURE, NOTHING, evidence
from backtune.verdict.luck import holm
from backtune.verdict.rule import (
    DEPENDS,
    EDGE,
    LEAST_TRADED,
    LEVEL,
    LOOK,
    NO_SIGN,
    NONE,
    RULE,
    UNKNOWN,
    VERDICTS,
    WATCH,
    WORTH_HAVING,
    judge,
)


def record(causal, optimistic=None, market=None, trades=None, second=None, second_optimistic=None):
    """Evidence of two tuned strategies, the second one dull or as given, beside untuned and buy_hold."""
    n = len(causal)
    rng = np.random.default_rng(99)
    optimistic = causal if optimistic is None else optimistic
    market = rng.normal(0, 0.01, n) if market is None else market
    trades = np.ones(n, int) if trades is None else trades
    stamps = pd.date_range("2020-01-01", periods=n)

    def rows(name, low, high, traded):
        differs = (low != high).astype(int)
        return pd.DataFrame(
            {
                "strategy": name, "timestamp": stamps, "value": low, "causal": low, "optimistic": high,
                "trades": traded, "ambiguous": differs, "turnover": 2.0 * traded,
            }
        )  # fmt: skip

    dull = rng.normal(-0.001, 0.01, n)
    second = dull if second is None else second
    second_optimistic = second if second_optimistic is None else second_optimistic
    returns = pd.concat(
        [
            rows("sharp", causal, optimistic, trades),
            rows("dull", second, second_optimistic, np.ones(n, int)),
            rows("untuned", dull, dull, np.ones(n, int)),
            rows("buy_hold", market, market, np.ones(n, int)),
        ]
    )
    tried = pd.concat([returns.assign(exit=str(policy), selected=policy) for policy in (True, False)])
    tried = tried[tried["strategy"] != "buy_hold"]
    names = {"tuned": ["sharp", "dull"], "yardsticks": ("untuned", "buy_hold")}
    return evidence(returns, tried, 252, **names)


def verdict(*args, **options):
    return judge({"X": record(*args, **options)}, {"X": 1.0})["X"]


def normal(mean, n=70, seed=0):
    """Returns of exactly this mean, with a standard deviation of 1 %."""
    drawn = np.random.default_rng(seed).standard_normal(n)
    return mean + 0.01 * (drawn - drawn.mean()) / drawn.std(ddof=1)


def test_a_strong_record_is_an_edge():
    judgement = verdict(normal(0.006))
    assert judgement.verdict == EDGE
    assert judgement.evidence.strategy == "sharp"
    assert judgement.days_needed is None
    assert "edge" in judgement.sentence


def test_a_record_that_lost_as_no_edge_worth_having_would_is_no_edge():
    judgement = verdict(normal(-0.006), second=normal(-0.005, seed=6))
    assert judgement.evidence.upper < WORTH_HAVING
    assert judgement.verdict == NONE
    assert "No edge" in judgement.sentence


def test_the_interval_that_a_sentence_speaks_of_is_the_one_that_it_names():
    """Of two intervals the lower end decides; where that is of the return above exposure, it says so."""
    judgement = verdict(normal(-0.006), second=normal(-0.005, seed=6))
    evidence = replace(judgement.evidence, upper=-1.9, sharpe_interval=(-6.3, 1.6))
    above = replace(judgement, evidence=evidence).sentence
    assert "above the 95% interval of its return above the same exposure (it ends at -1.90)" in above
    own = replace(judgement, evidence=replace(evidence, upper=0.33, sharpe_interval=(-2.7, 0.33))).sentence
    assert "is above the 95% interval (it ends at 0.33)" in own


def test_a_small_loss_on_few_bars_is_no_sign_of_an_edge_for_one_may_be_there():
    judgement = verdict(normal(-0.0005), second=normal(-0.002, seed=6))
    assert judgement.evidence.upper > WORTH_HAVING
    assert judgement.verdict == NO_SIGN
    assert "No sign of an edge: nothing was earned" in judgement.sentence


@pytest.mark.slow
def test_a_small_profit_on_many_bars_is_no_edge_worth_having():
    """2,520 bars at a Sharpe ratio of 0 to 0.1: an edge of 0.5 would show by now."""
    judgement = verdict(normal(0.00001, n=9000), market=normal(0.0, n=9000, seed=3))
    assert judgement.evidence.excess[NOTHING] > 0.0
    assert judgement.evidence.upper < WORTH_HAVING
    assert judgement.verdict == NONE


def test_a_weak_record_cannot_tell_and_says_how_long_it_takes():
    judgement = verdict(normal(0.0012, seed=1))
    assert judgement.verdict == UNKNOWN
    assert judgement.days_needed > 0
    assert f"{judgement.days_needed:,} more days needed" in judgement.label


@pytest.mark.slow
def test_days_needed_are_about_the_days_after_which_the_rule_says_edge():
    """The same record, repeated for half as long again as asked, passes; half of what is asked does not."""
    weak = normal(0.0013, seed=4)
    judgement = verdict(weak)
    assert judgement.verdict == UNKNOWN
    times = (judgement.evidence.bars + judgement.days_needed) / judgement.evidence.bars
    assert verdict(np.tile(weak, int(np.ceil(1.5 * times)))).verdict == EDGE
    assert verdict(weak[: max(30, int(70 * times / 2))]).verdict != EDGE


def test_profit_under_the_optimistic_rule_alone_hangs_on_the_order():
    low = normal(-0.001)
    judgement = verdict(low, low + 0.012)
    assert judgement.verdict == DEPENDS
    assert "depend on the order" in judgement.sentence


def test_market_exposure_is_no_edge():
    market = normal(0.006, seed=3)
    judgement = verdict(0.5 * market - 0.0004 + normal(0.0, seed=8) * 0.05, market=market)
    assert judgement.verdict == NONE
    assert "exposure" in judgement.sentence


def test_two_strategies_that_pass_a_question_each_are_no_edge():
    """One earned what its exposure to the market gave, the other beat its exposure: neither did both."""
    market = normal(0.006, seed=3)
    with_it = market + normal(-0.0001, seed=8) * 0.05
    against_it = -market + normal(0.0055, seed=9) * 0.05 + 0.004
    judgement = verdict(with_it, market=market, second=against_it)
    assert judgement.evidence.strategy == "sharp"
    assert max(test.spa for test in (judgement.evidence.tests[name] for name in (NOTHING, EXPOSURE))) <= 0.05
    assert judgement.verdict != EDGE


def test_what_hangs_on_the_order_has_to_be_traded_often_enough_too():
    """The strategy that the optimistic rule likes traded 14 times; that the other one did is no help."""
    low, traded = normal(-0.001), np.arange(70) % 5 == 0
    high = np.where(traded, 0.02 + np.abs(normal(0.0, seed=5)), 0.0)
    judgement = verdict(np.where(traded, -0.02, 0.0), high, trades=traded.astype(int), second=low)
    assert judgement.evidence.if_optimistic.strategy == "sharp"
    assert judgement.evidence.strategy == "dull"
    assert judgement.p_optimistic <= 0.05
    assert judgement.verdict != DEPENDS


def test_too_few_trades_are_no_edge_however_good():
    n = LEAST_TRADED - 1
    traded = np.arange(70) < n
    judgement = verdict(np.where(traded, np.abs(normal(0.01)), 0.0), trades=traded.astype(int))
    assert judgement.verdict == UNKNOWN
    assert judgement.days_needed >= 70 / n - 1


def test_never_trading_is_no_sign_of_an_edge():
    judgement = verdict(np.zeros(70) - 0.0, trades=np.zeros(70, int))
    assert judgement.verdict == NO_SIGN


@pytest.mark.parametrize("causal", [np.array([0.01, 0.02]), np.array([0.01]), np.full(10, 0.001)])
def test_a_record_that_no_test_can_judge_cannot_be_told(causal):
    """Two winning bars, or bars that all earn the same: nothing says that luck does better."""
    judgement = verdict(causal, market=np.zeros(len(causal)))
    assert judgement.verdict == UNKNOWN
    assert judgement.days_needed == LEAST_TRADED - len(causal)
    assert "luck does better" not in judgement.sentence
    assert "to test" in judgement.sentence


@pytest.mark.parametrize("causal", [np.array([-0.01, -0.02]), np.array([0.0]), np.full(10, -0.001)])
def test_a_short_record_that_earned_nothing_is_no_sign_of_one(causal):
    judgement = verdict(causal, market=np.zeros(len(causal)))
    assert judgement.verdict == NO_SIGN
    assert f"in {len(causal)} bar{'s' * (len(causal) > 1)}" in judgement.sentence
    assert "in 1 bars" not in judgement.sentence


def test_luck_that_does_as_well_half_of_the_time_is_no_sign_as_the_rule_says():
    """At exactly one half the record says nothing for it, and no number of days would follow from it."""
    half = replace(record(normal(0.0012, seed=1)), p_value=0.5)
    judgement = judge({"X": half}, {"X": 1.0})["X"]
    assert (judgement.verdict, judgement.days_needed) == (NO_SIGN, None)
    assert "half" in judgement.sentence
    assert "p of one half or more" in RULE


def test_a_bettors_wealth_of_20_is_an_edge_whatever_the_p_value_of_this_look():
    weak = record(normal(0.0012, seed=1))
    watched = judge({"X": replace(weak, e_value=25.0, e_bar=40)}, {"X": 1.0})["X"]
    assert (watched.verdict, watched.claimed_by) == (EDGE, (WATCH,))
    assert "bar 41" in watched.sentence
    assert judge({"X": replace(weak, e_value=19.0)}, {"X": 1.0})["X"].verdict == UNKNOWN


def test_the_verdict_says_whether_the_look_or_the_wealth_claims_the_edge():
    strong = record(normal(0.006))
    look = judge({"X": replace(strong, e_value=2.0)}, {"X": 1.0})["X"]
    both = judge({"X": replace(strong, e_value=50.0, e_bar=3)}, {"X": 1.0})["X"]
    assert look.claimed_by == (LOOK,)
    assert both.claimed_by == (LOOK, WATCH)
    assert "one planned look" in look.sentence


def test_the_wealth_asked_for_grows_with_the_symbols_and_falls_with_each_that_passed():
    one = record(normal(-0.001, seed=1))
    records = {
        name: replace(one, e_value=e) for name, e in (("A", 79.0), ("B", 81.0), ("C", 61.0), ("D", 1.0))
    }
    judged = judge(records, dict.fromkeys(records, 1.0))
    assert [judged[name].verdict for name in "BAC"] == [EDGE, EDGE, EDGE]  # 80, 60, 40
    alone = judge({**records, "B": replace(one, e_value=79.5)}, dict.fromkeys(records, 1.0))
    assert not any(each.verdict == EDGE for each in alone.values())


def test_a_few_bars_can_prove_large_sharpe_ratios_alone_and_larger_ones_among_symbols():
    records = {name: record(normal(-0.001, seed=k)) for k, name in enumerate("ABCD")}
    alone, among = judge(records, dict.fromkeys(records, 1.0))["A"].told_sharpe
    assert 5.0 < alone < among < 8.0
    assert (
        f"{alone:.1f} from luck, {among:.1f} among 4 symbols"
        in judge(records, dict.fromkeys(records, 1.0))["A"].can_prove
    )


def test_an_edge_found_among_many_symbols_counts_for_less():
    own = record(normal(0.0026, seed=2))
    alone = judge({"A": own}, {"A": 1.0})["A"]
    crowd = {"A": own, **{f"N{k}": record(normal(-0.001, seed=k)) for k in range(5)}}
    among = judge(crowd, dict.fromkeys(crowd, 1.0))["A"]
    assert alone.p_value < among.p_value
    assert alone.verdict == EDGE
    assert among.verdict == UNKNOWN


@pytest.mark.slow
def test_the_p_value_alone_and_the_corrected_one_are_both_said():
    records = {
        "A": record(normal(0.0012, seed=1)),
        **{f"N{k}": record(normal(0.0, seed=k)) for k in range(9)},
    }
    one = judge(records, dict.fromkeys(records, 1.0))["A"]
    assert one.verdict == UNKNOWN
    assert one.evidence.p_value < 0.5 < one.p_value
    assert f"p = {one.evidence.p_value:.2f} alone, {one.p_value:.2f} among the symbols" in one.sentence
    alone = judge({"A": records["A"]}, {"A": 1.0})["A"]
    assert f"(p = {alone.p_value:.2f})" in alone.sentence


@pytest.mark.slow
@given(p_values=st.lists(st.floats(0.001, 0.45), min_size=1, max_size=12))
@settings(deadline=None)
def test_days_needed_are_those_after_which_holms_correction_passes(p_values):
    """All records going on as they did: then a symbol passes, and a tenth less is not enough."""
    one = record(normal(0.0012, seed=1))
    records = {str(k): replace(one, p_value=p, p_optimistic=1.0) for k, p in enumerate(p_values)}
    normal_ = NormalDist()

    def after(days):
        grown = math.sqrt(1.0 + days / one.bars)
        return holm([1.0 - normal_.cdf(normal_.inv_cdf(1.0 - p) * grown) for p in p_values])

    for k, judgement in enumerate(judge(records, dict.fromkeys(records, 1.0)).values()):
        if judgement.days_needed is None:
            assert judgement.verdict == EDGE
            continue
        assert after(judgement.days_needed)[k] <= LEVEL + 1e-9
        assert judgement.days_needed == 1 or after(judgement.days_needed - 1)[k] > LEVEL - 1e-9


def test_a_lower_rank_needs_fewer_days_than_bonferroni_asks_for():
    one = record(normal(0.0012, seed=1))
    records = {name: replace(one, p_value=p) for name, p in (("A", 1e-6), ("B", 1e-5), ("C", 0.03))}
    judged = judge(records | {"D": replace(one, p_value=0.06)}, dict.fromkeys("ABCD", 1.0))
    assert [judged[name].verdict for name in "ABCD"] == [EDGE, EDGE, UNKNOWN, UNKNOWN]
    quantile = NormalDist().inv_cdf
    step, bonferroni = (70 * ((quantile(1 - 0.05 / m) / quantile(0.97)) ** 2 - 1.0) for m in (2, 4))
    assert judged["C"].days_needed == math.ceil(step) < bonferroni


def test_bars_inside_a_day_are_given_in_days():
    weak = normal(0.0012, seed=1)
    daily, hourly = (judge({"X": record(weak)}, {"X": bars})["X"].days_needed for bars in (1.0, 7.0))
    assert hourly == pytest.approx(daily / 7.0, abs=1.0)


def test_the_rule_names_every_verdict():
    for name in VERDICTS:
        assert name in RULE


def test_the_document_states_the_rule_that_is_applied():
    document = (Path(__file__).parents[2] / "docs" / "statistics.md").read_text("utf-8")
    assert re.sub(r"\s+", " ", RULE) in re.sub(r"\s+", " ", re.sub(r"(?m)^- ", "", document))
