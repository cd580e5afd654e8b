"""The findings document: verdicts follow from the figures, and the document holds them."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

import claims as c
import findings
from backtune.bench.statistics import compare, signed_rank
from backtune.errors import SettingError
from backtune.forecasts import forecaster
from bench_runs import results_of, run
from findings import document, markdown_table
from walkforward import LARGE_MODELS, window_problems

SECONDS = {"forecast": 0.1, "optimize": 1.0, "evaluate": 0.4, "total": 1.5}
FOUND = SECONDS | {"optimizations": 280, "tuned_seconds": 1.0, "evaluations": 140_000, "in_sample": 1.0}
BACKTEST = {
    "symbol": "SP500", "bars": 5031, "exact": FOUND, c.SCIPY: FOUND,
    "half": {"exact": {"35": [1.0] * 6, "70": [1.2] * 6}, c.SCIPY: {"35": [1.0] * 6, "70": [1.9] * 6}},
    "torch": {"seconds": 100.0, "optimizations": 280, "evaluations": 140_000, "cost": 7e-4},
    "models": {"toto": {"reason": "no weights"}, "kronos": {"share": 0.75}},
}  # fmt: skip


def suite_of(folder, scipy=0.9, other=0.99, seconds=0.3, budget=500):
    rows = []
    for seed in range(8):
        for method, value in ((c.SCIPY, scipy), (c.NEVERGRAD, other), ("evox:DE", other)):
            rows.append(run(method, seed, value, problem="take_profit published", budget=budget))
            for kind, cost in (("torch", 5e-2), ("compiled", 5e-4)):
                rows.append(
                    run(method, seed, value, problem="take_profit published", mode="timing", kind=kind,
                        budget=budget, seconds=seconds, objective_seconds=cost)
                )  # fmt: skip
    return results_of(folder, rows, budget=budget)


def verdicts(folder, workers=None, **options):
    folder.mkdir(exist_ok=True)
    results = suite_of(folder, **options)
    claims = c.claims(results, results, BACKTEST, workers or {"reason": "not here"})
    return {claim.claim: claim.verdict for claim in claims}


def test_verdicts_follow_from_the_figures(tmp_path):
    words = verdicts(tmp_path)
    assert words["simple, 500 evaluations: scipy DE takes 0.30 s"] == c.HOLDS
    assert words["realistic, both policies: Nevergrad takes 0.74 s"] == c.FAILS
    assert words["simple: BoTorch takes 12.95 s for 30 evaluations"] == c.UNKNOWN
    assert words["simple: Nevergrad reaches 91 % quality"] == c.FAILS
    assert words["280 optimizations take 112 s"] == c.HOLDS
    assert words["one evaluation takes 0.8 ms"] == c.HOLDS
    assert words["35 simulations are twice as fast as 70"] == c.HOLDS
    assert words["EvoX is untested"] == c.FAILS
    assert words["EvoTorch fails"] == c.UNKNOWN
    assert words["forecasting (Toto, Kronos) is 70 to 80 % of the run"] == c.HOLDS
    assert words["a compiled objective is faster (proposed, not built)"] == c.HOLDS


def test_runs_of_another_length_say_nothing_about_times_and_qualities(tmp_path):
    words = verdicts(tmp_path, budget=120)
    assert words["simple, 500 evaluations: scipy DE takes 0.30 s"] == c.UNKNOWN
    assert words["simple: Nevergrad reaches 91 % quality"] == c.UNKNOWN


def winner(folder, rivals, seeds=60, scipy=0.0, scatter=0.0):
    """The verdict where the rivals' regret differs from scipy's by so much, give or take the scatter."""
    rng = np.random.default_rng(0)
    rows = []
    for seed in range(seeds):
        hard = rng.uniform(0.1, 0.3)
        rows.append(run(c.SCIPY, seed, 1 - hard - scipy, budget=500))
        rows += [
            run(f"rival{k}", seed, 1 - hard - more - scatter * rng.standard_normal(), budget=500)
            for k, more in enumerate(rivals)
        ]
    return c._winner("claim", results_of(folder, rows, budget=500))


def test_the_best_of_all_by_a_significant_difference_is_the_winner(tmp_path):
    claim = winner(tmp_path, [0.05, 0.1], scatter=0.05)
    assert claim.verdict == c.HOLDS
    assert "place 1 of 3" in claim.measured


def test_not_the_winner_where_one_other_is_significantly_better(tmp_path):
    claim = winner(tmp_path, [-0.05, 0.1, 0.1], scatter=0.05)
    assert claim.verdict == c.FAILS
    assert "significantly better: rival0 (p = " in claim.measured


def test_that_nobody_could_be_shown_to_be_better_is_no_confirmation(tmp_path):
    """Place 3 of 4 on 15 data sets: too noisy to tell anything, which was called "holds"."""
    claim = winner(tmp_path, [-0.02, -0.02, 0.0], seeds=15, scatter=0.1)
    assert claim.verdict == c.UNDECIDED
    assert "place 1" not in claim.measured
    assert f"{c.seeds_needed(4)} data sets are needed" in claim.measured


def test_place_1_by_chance_is_no_confirmation_either(tmp_path):
    claim = winner(tmp_path, [0.0], seeds=10, scatter=0.2)
    assert "place 1 of 2" in claim.measured
    assert claim.verdict == c.UNDECIDED


def test_the_winner_may_be_equivalent_to_others_within_the_margin(tmp_path):
    claim = winner(tmp_path, [-0.0001] * 2, scatter=c.MARGIN / 10)
    assert claim.verdict == c.HOLDS
    assert f"better by {c.MARGIN:.0%} or more" in claim.measured
    assert winner(tmp_path, [0.0] * 2).verdict == c.HOLDS


def test_too_few_data_sets_to_test_decide_nothing(tmp_path):
    assert winner(tmp_path, [0.1], seeds=5).verdict == c.UNKNOWN


def test_a_winner_that_fails_on_some_data_sets_is_none(tmp_path):
    rows = [run("rival", seed, 0.9, budget=500) for seed in range(20)]
    rows += [
        run(c.SCIPY, seed, 0.9, budget=500, status="ok" if seed < 10 else "failed") for seed in range(20)
    ]
    assert c._winner("claim", results_of(tmp_path, rows, budget=500)).verdict == c.FAILS


def test_a_variant_of_the_method_is_no_rival_of_it(tmp_path):
    rows = [run(c.IMMEDIATE, seed, 0.99, budget=500) for seed in range(20)]
    rows += [run(c.SCIPY, seed, 0.9, budget=500) for seed in range(20)]
    rows += [run("rival", seed, 0.5, budget=500) for seed in range(20)]
    results = results_of(tmp_path, rows, budget=500)
    assert c._winner("claim", results).verdict == c.HOLDS
    assert c._winner("claim", results, c.IMMEDIATE).verdict == c.HOLDS


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(-0.2, 0.2), min_size=6, max_size=30))
def test_the_three_words_of_the_winner_shut_each_other_out(differences):
    """What is significantly worse never "holds"; what "holds" is not worse in the median by the margin."""
    rows = []
    for seed, difference in enumerate(differences):
        rows += [run(c.SCIPY, seed, 0.7, budget=500), run("rival", seed, 0.7 + difference, budget=500)]
    results = results_of("nowhere", rows, budget=500)
    verdict, table = c._winner("claim", results).verdict, compare(results.runs, 500)
    worse = table.methods[0] == "rival" and not table.same(c.SCIPY, "rival")
    assert (verdict == c.FAILS) == worse
    if verdict == c.HOLDS:
        assert pseudomedian(differences) < c.MARGIN


def pseudomedian(values):
    """Median of the means of all pairs, which the signed-rank test is about (Hodges and Lehmann 1963)."""
    means = np.add.outer(values, values) / 2
    return np.median(means[np.triu_indices(len(values))])


def test_the_number_of_data_sets_has_the_power_that_is_stated():
    """By simulation: normal differences of which pairs are positive with the probability of the rule."""
    methods = 31
    n, rng = c.seeds_needed(methods), np.random.default_rng(1)
    shift = norm.ppf(c.WORTH_FINDING) / np.sqrt(2)
    draws = rng.normal(shift, 1, (400, n))
    power = np.mean([signed_rank(row, np.zeros(n)) < c.LEVEL / (methods - 1) for row in draws])
    assert n == 59
    assert abs(power - c.POWER) < 0.08
    assert c.seeds_needed(2) < n < c.seeds_needed(200)


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((0.9, 1.1), c.HOLDS),
        ((0.5, 1.1), c.UNDECIDED),
        ((0.5, 3.0), c.UNDECIDED),
        ((0.1, 0.7), c.FAILS),
        ((1.3, 1.4), c.FAILS),
        ((math.nan, math.nan), c.UNDECIDED),
        ((0.9, math.inf), c.UNDECIDED),
    ],
)
def test_a_claim_holds_where_all_of_the_interval_does(interval, verdict):
    assert c.verdict_of(*interval, 0.8, 1.2) == verdict


def test_a_median_that_could_be_elsewhere_confirms_no_claim(tmp_path):
    rows = [
        run(c.NEVERGRAD, seed, 0.91 + (seed - 7) / 50, problem="published", budget=500) for seed in range(15)
    ]
    claim = c._quality("claim", 0.91, results_of(tmp_path, rows, budget=500), c.NEVERGRAD)
    assert claim.verdict == c.UNDECIDED
    assert "91 % [83 %, 99 %]" in claim.measured


def test_a_document_without_a_number_of_seeds_has_as_many_as_its_claims_need(tmp_path, monkeypatch):
    asked = []

    def stop(name, seeds):
        asked.append(seeds)
        raise SettingError("enough")

    monkeypatch.setattr(findings, "suite", stop)
    for seeds in (None, 3):
        with pytest.raises(SettingError, match="enough"):
            findings.write_findings(
                tmp_path / "f.md", tmp_path, ["exact", "grid", "random", "botorch"], seeds=seeds
            )
    assert asked == [c.seeds_needed(2), 3]


@pytest.mark.parametrize(
    ("cores", "seconds", "verdict"),
    [
        (8, {"1": 8.0, "4": 2.0}, c.HOLDS),
        (8, {"1": 8.0, "4": 6.0}, c.FAILS),
        (2, {"1": 8.0, "4": 4.0}, c.UNKNOWN),
    ],
)
def test_four_workers_are_judged_only_on_four_cores(tmp_path, cores, seconds, verdict):
    words = verdicts(tmp_path, workers={"seconds": seconds, "cores": cores, "symbols": 4})
    assert words["4 symbols on 4 workers are 4 times as fast"] == verdict


def test_every_proposal_of_the_document_has_a_row(tmp_path):
    words = verdicts(tmp_path)
    for proposal in ("GPU-batched", "predictions batched", "compiled or quantized models", "profiling"):
        assert any(claim.startswith(proposal) for claim in words)
    assert words["profiling is proposed, not built"] == c.FAILS


def test_the_method_that_was_called_cpp_is_python():
    assert c._core("claim").verdict == c.FAILS


def test_document_holds_every_claim_the_machine_and_the_command(tmp_path):
    results = suite_of(tmp_path)
    text = document(
        results, results, BACKTEST, {"reason": "not here"}, ["python", "study/findings.py", "f.md"]
    )
    assert "`python study/findings.py f.md`" in text
    assert "abacus" in text
    for claim in c.claims(results, results, BACKTEST, {"reason": "not here"}):
        assert f"| {claim.claim} |" in text
    assert str(math.nan) not in text


def test_cells_cannot_break_a_table():
    assert markdown_table(["a|b"], [["x\ny"]]).splitlines() == ["| a\\|b |", "| --- |", "| x y |"]


@pytest.mark.parametrize("weights", LARGE_MODELS.values())
def test_large_models_are_named_so_that_those_that_are_here_are_measured(weights):
    assert forecaster(f"{weights},cache=false").weights == weights.partition(":")[2]


def test_the_backtest_has_280_optimizations():
    from backtune.backtest import Settings, symbol_bars

    problems = window_problems(symbol_bars("SP500", None, Settings()), Settings(num_simulations=70))
    assert len(problems) == 280
    assert {problem.size for problem in problems} == {200}
