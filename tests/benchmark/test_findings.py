"""The findings document: verdicts follow from the figures, and the document holds them."""

import math

import pytest

from backtune.benchmark import claims as c
from backtune.benchmark.findings import document, markdown_table
from backtune.benchmark.walkforward import LARGE_MODELS, window_problems
from backtune.forecasts import forecaster
from benchmark_runs import results_of, run

SECONDS = {"forecast": 0.1, "optimize": 1.0, "evaluate": 0.4, "total": 1.5}
FOUND = SECONDS | {"optimizations": 280, "tuned_seconds": 1.0, "evaluations": 140_000, "in_sample": 1.0}
BACKTEST = {
    "symbol": "SP500", "bars": 5031, "exact": FOUND, c.SCIPY: FOUND,
    "half": {"exact": {"35": 1.0, "70": 1.2}, c.SCIPY: {"35": 1.0, "70": 2.0}},
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
    made = suite_of(folder, **options)
    found = c.claims(made, made, BACKTEST, workers or {"reason": "not here"})
    return {claim.claim: claim.verdict for claim in found}


def test_verdicts_follow_from_the_figures(tmp_path):
    found = verdicts(tmp_path)
    assert found["simple, 500 evaluations: scipy DE takes 0.30 s"] == c.HOLDS
    assert found["realistic, both policies: Nevergrad takes 0.74 s"] == c.FAILS
    assert found["simple: BoTorch takes 12.95 s for 30 evaluations"] == c.UNKNOWN
    assert found["simple: Nevergrad reaches 91 % quality"] == c.FAILS
    assert found["280 optimizations take 112 s"] == c.HOLDS
    assert found["one evaluation takes 0.8 ms"] == c.HOLDS
    assert found["35 simulations are twice as fast as 70"] == c.HOLDS
    assert found["EvoX is untested"] == c.FAILS
    assert found["EvoTorch fails"] == c.UNKNOWN
    assert found["forecasting (Toto, Kronos) is 70 to 80 % of the run"] == c.HOLDS
    assert found["a compiled objective is faster (proposed, not built)"] == c.HOLDS


def test_runs_of_another_length_say_nothing_about_times_and_qualities(tmp_path):
    found = verdicts(tmp_path, budget=120)
    assert found["simple, 500 evaluations: scipy DE takes 0.30 s"] == c.UNKNOWN
    assert found["simple: Nevergrad reaches 91 % quality"] == c.UNKNOWN


def test_the_winner_is_whom_no_other_is_told_apart_from(tmp_path):
    claim = "scipy DE is the winner"
    assert verdicts(tmp_path / "worse", scipy=0.9, other=0.99)[claim] == c.FAILS
    assert verdicts(tmp_path / "same", scipy=0.9, other=0.9)[claim] == c.HOLDS


@pytest.mark.parametrize(
    ("cores", "seconds", "verdict"),
    [
        (8, {"1": 8.0, "4": 2.0}, c.HOLDS),
        (8, {"1": 8.0, "4": 6.0}, c.FAILS),
        (2, {"1": 8.0, "4": 4.0}, c.UNKNOWN),
    ],
)
def test_four_workers_are_judged_only_on_four_cores(tmp_path, cores, seconds, verdict):
    found = verdicts(tmp_path, workers={"seconds": seconds, "cores": cores, "symbols": 4})
    assert found["4 symbols on 4 workers are 4 times as fast"] == verdict


def test_every_proposal_of_the_document_has_a_row(tmp_path):
    found = verdicts(tmp_path)
    for proposal in ("GPU-batched", "predictions batched", "compiled or quantized models", "profiling"):
        assert any(claim.startswith(proposal) for claim in found)
    assert found["profiling is proposed, not built"] == c.FAILS


def test_the_method_that_was_called_cpp_is_python():
    assert c._core("claim").verdict == c.FAILS


def test_document_holds_every_claim_the_machine_and_the_command(tmp_path):
    made = suite_of(tmp_path)
    text = document(made, made, BACKTEST, {"reason": "not here"}, ["backtune", "bench", "--findings", "f.md"])
    assert "`backtune bench --findings f.md`" in text
    assert "abacus" in text
    for claim in c.claims(made, made, BACKTEST, {"reason": "not here"}):
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
