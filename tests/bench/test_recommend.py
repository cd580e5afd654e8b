"""The recommendation on results whose answer is known."""

import math
import re

import numpy as np
import pandas as pd
import pytest

from backtune.bench.recommend import pays_from, recommend, show_median, show_seconds, show_share
from bench_runs import RECORD, lucky_and_sure, pairs, run, table, timed


def at_budget(advice):
    return next(item for item in advice if item.situation.startswith("best value"))


def test_a_clear_winner_is_recommended_alone():
    advice = at_budget(recommend(pairs(0.0, 0.1), RECORD))
    assert (advice.method, advice.tied) == ("good", [])
    assert advice.text == "Best value after 100 evaluations: use good."
    assert any(line.startswith("beats bad: wins 100%") for line in advice.evidence)


def test_identical_methods_cannot_be_told_apart():
    advice = at_budget(recommend(pairs(0.1, 0.1), RECORD))
    assert {advice.method, *advice.tied} == {"good", "bad"}
    assert "is not significantly different from it" in advice.text


def test_too_few_data_sets_are_stated_as_a_limit():
    advice = at_budget(recommend(pairs(0.0, 0.5, seeds=4), RECORD | {"seeds": 4}))
    assert advice.tied == ["bad"]
    assert any("fewer than 6" in limit for limit in advice.limits)
    assert any("fewer than 15" in limit for limit in advice.limits)


def test_nothing_is_recommended_where_nothing_worked():
    rows = [run("a", seed, -math.inf, status="failed") for seed in range(8)]
    advice = at_budget(recommend(table(rows), RECORD))
    assert advice.method is None
    assert "nothing can be recommended" in advice.text
    assert any("failed runs, counted as unsolved: a 8" in limit for limit in advice.limits)


def test_a_proved_optimum_comes_first_and_stays_out_of_the_rest():
    runs = pairs(0.0, 0.1)
    proved = table([run("exact", seed, 1.0, proved=True) for seed in range(15)])
    advice = recommend(pd.concat([runs, proved], ignore_index=True), RECORD)
    assert advice[0].method == "exact"
    assert at_budget(advice).method == "good"


def test_an_optimum_that_was_not_proved_in_time_is_counted():
    rows = [
        run("exact", seed, 1.0, proved=seed > 2, stopped="proved" if seed > 2 else "time")
        for seed in range(15)
    ]
    advice = recommend(pd.concat([pairs(0.0, 0.1), table(rows)], ignore_index=True), RECORD)
    assert advice[0].evidence[0].startswith("proved the optimum in 12 of 15 runs")


def test_a_budget_in_seconds_is_named_beside_that_in_evaluations():
    advice = at_budget(recommend(pairs(0.0, 0.1).assign(time_limit=0.25, stopped="time"), RECORD))
    assert advice.text == "Best value after 100 evaluations or 250 ms: use good."


def cheap_and_dear(seeds=15):
    """Cheap: 100 evaluations a success at 1 us each. Dear: 10 evaluations a success at 10 ms each."""
    rows = []
    for seed in range(seeds):
        rows.append(run("cheap", seed, 0.995, improved_at=[1, 100]))
        rows.append(run("dear", seed, 0.995))
    return table([*rows, timed("cheap", 1e-6), timed("dear", 1e-2)])


def test_the_cost_of_an_evaluation_decides():
    advice = {item.situation: item.method for item in recommend(cheap_and_dear(), RECORD)}
    at_cost = [method for situation, method in advice.items() if situation.startswith("least time")]
    assert at_cost == ["cheap", "cheap", "dear"]


def at_cost(rows, seeds=15):
    advice = recommend(table(rows), RECORD | {"seeds": seeds})
    return [item for item in advice if item.situation.startswith("least time")]


def lucky(successes, seeds):
    """Two methods that cost the same; "some" succeeds now and then, "none" never does."""
    rows = [timed("some", 1e-6), timed("none", 1e-6)]
    for seed in range(seeds):
        rows += [run("some", seed, 0.995 if seed < successes else 0.5), run("none", seed, 0.5)]
    return rows


def test_one_success_against_none_is_no_evidence():
    for advice in at_cost(lucky(1, 15)):
        assert (advice.method, advice.tied) == ("some", ["none"])


def test_many_successes_against_none_are():
    for advice in at_cost(lucky(12, 15)):
        assert (advice.method, advice.tied) == ("some", [])


def test_too_few_data_sets_tell_no_times_apart_either():
    for advice in at_cost(lucky(3, 3), seeds=3):
        assert (advice.method, advice.tied) == ("some", ["none"])
        assert any("fewer than 6" in limit for limit in advice.limits)


def test_few_successes_are_no_ground_for_a_recommendation():
    """The estimate of the lucky one is lower, and the interval of it has no end."""
    for advice in at_cost(lucky_and_sure()):
        assert (advice.method, advice.tied) == ("sure", ["lucky"])


def test_medians_have_their_intervals_beside_them():
    advice = at_budget(recommend(pairs(0.0, 0.1), RECORD))
    assert re.search(r"median regret of a block \S+ % \[\S+ %, \S+ %\]", advice.evidence[0])
    assert re.search(r"its median regret \S+ % \[\S+ %, \S+ %\]", advice.evidence[1])
    assert show_median(0.1, 0.05, 0.2, show_share) == "10 % [5 %, 20 %]"
    assert show_median(0.1, math.nan, math.nan, show_share) == "10 % [too few]"
    assert show_median(0.0, 0.0, 0.0, show_share) == "0 %"


def test_the_crossing_is_where_both_take_equally_long():
    # 10 (c + 10 ms) = 100 (c + 1 us) at c = (0.1 - 0.0001) / 90 s
    assert (
        pays_from(cheap_and_dear(), "dear")
        == f"dear pays from {show_seconds(0.0999 / 90)} an evaluation, of those that came within 1 %"
    )


def test_a_dear_method_that_never_solves_does_not_pay():
    runs = table([run("cheap", 0, 0.995), run("dear", 0, 0.5), timed("cheap", 1e-6), timed("dear", 1e-2)])
    assert "does not pay at any cost" in pays_from(runs, "dear")


def test_a_target_that_nobody_reached_says_nothing_about_cost():
    runs = table([run("cheap", 0, 0.5), run("dear", 0, 0.5), timed("cheap", 1e-6), timed("dear", 1e-2)])
    assert "nor did any other" in pays_from(runs, "dear")
    late = run(
        "cheap", 0, 0.995, budget=500, improved_at=[1, 400]
    )  # not within the evaluations that dear had
    runs = table([late, run("cheap", 0, 0.5), run("dear", 0, 0.5), timed("cheap", 1e-6), timed("dear", 1e-2)])
    assert "nor did any other" in pays_from(runs, "dear")


@pytest.mark.parametrize(("seeds", "limited"), [(6, True), (7, True), (8, False)])
def test_too_many_methods_for_the_blocks_are_a_limit(seeds, limited):
    # Holm's first step asks p < 0.05 / 4 of a signed-rank test, whose least p is 2 ** (1 - blocks)
    rows = [run(f"m{k}", seed, 1 - 0.1 * k - 0.001 * seed) for seed in range(seeds) for k in range(5)]
    advice = at_budget(recommend(table(rows), RECORD))
    assert (advice.tied != []) == limited
    assert any("8 blocks are the least that can" in limit for limit in advice.limits) == limited


def test_a_reference_that_was_improved_on_is_a_limit():
    rows = [run("a", seed, value) for seed, value in enumerate((0.9, 1.2))]
    limits = at_budget(recommend(table(rows), RECORD | {"references": {"p": {}}})).limits
    assert any("regret is negative" in limit for limit in limits)


def test_windows_that_share_bars_are_a_limit():
    advice = at_budget(recommend(pairs(0.0, 0.1), RECORD | {"overlap": 77}))
    assert any("neighbouring windows share 77 bars" in limit for limit in advice.limits)


def test_figures_are_readable():
    assert [show_seconds(s) for s in (112.0, 0.4, 8e-4, 5.5e-6, 3e-8)] == [
        "112 s",
        "400 ms",
        "800 us",
        "5.5 us",
        "30 ns",
    ]
    assert show_seconds(math.inf) == "never"
    assert [show_share(s) for s in (0.0, 0.01234, np.inf)] == ["0 %", "1.23 %", "no value"]
