"""How fast a variant is said to be."""

from types import SimpleNamespace

import backtune.diagnose.forecast_check as check


def test_the_shortest_of_several_warm_runs_is_the_speed(monkeypatch):
    """One run alone says more of the machine's other work than of the model."""
    took, now = iter([9.0, 0.3, 0.8, 0.2, 0.4, 0.5]), [0.0]

    def forecast(bars, model, targets):
        now[0] += next(took)

    monkeypatch.setattr(check, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    monkeypatch.setattr(check, "forecast", forecast)
    monkeypatch.setattr(check, "forecast_targets", lambda bars, settings: None)
    _, seconds, warm_up = check._timed(None, "naive", None)
    assert (round(seconds, 6), round(warm_up, 6)) == (0.2, 8.8)


def test_a_slow_model_runs_twice_and_no_more(monkeypatch):
    took, now = iter([30.0, 20.0]), [0.0]

    def forecast(bars, model, targets):
        now[0] += next(took)

    monkeypatch.setattr(check, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    monkeypatch.setattr(check, "forecast", forecast)
    monkeypatch.setattr(check, "forecast_targets", lambda bars, settings: None)
    assert check._timed(None, "naive", None)[1:] == (20.0, 10.0)
