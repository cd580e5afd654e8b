"""What a user sees: the commands that are about forecasts."""

import json

import pytest

from backtune import cli
from backtune.bars import load_sample

SHORT = ["--simulations", "5", "--window", "30"]


def run(capsys, monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["backtune", *arguments])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    out = capsys.readouterr()
    return caught.value.code, out.out, out.err


def test_profile_shares_out_the_whole_time(capsys, monkeypatch):
    code, out, _ = run(capsys, monkeypatch, "profile", "SP500", *SHORT, "--json")
    assert code == 0
    stages = {row["stage"]: row["again"] for row in json.loads(out)["stages"]}
    parts = sum(stages[name] for name in ("load", "forecast", "optimize", "evaluate", "write"))
    assert parts == pytest.approx(stages["total"], rel=0.1)  # a busy machine stops it between two stages, too


def test_profile_tells_the_parts_of_a_models_forecast_apart_and_traces_it(
    capsys, monkeypatch, weights, tmp_path
):
    pytest.importorskip("chronos", reason="the extra chronos is not installed")
    trace = tmp_path / "trace.json"
    model = f"chronos:{weights('chronos')},device=cpu,context=64"
    code, out, _ = run(
        capsys, monkeypatch, "profile", "SP500", *SHORT, "--json", "--model", model, "--torch", str(trace)
    )
    assert code == 0
    printed = json.loads(out[out.index("{") :])
    first = {row["stage"].strip(): row["first"] for row in printed["stages"]}
    again = {row["stage"].strip(): row["again"] for row in printed["stages"]}
    assert first["forward"] > 0
    assert again["forward"] == 0  # the cache had it
    assert any(row["operation"].startswith("aten::") for row in printed["operations"])
    assert json.loads(trace.read_text())["traceEvents"]


def test_profile_refuses_to_trace_what_is_not_in_torch(capsys, monkeypatch, tmp_path):
    code, _, err = run(capsys, monkeypatch, "profile", "SP500", *SHORT, "--torch", str(tmp_path / "t.json"))
    assert code == 2
    assert "is not in torch" in err


def test_forecast_check_compares_the_variants(capsys, monkeypatch, weights):
    """Without `compile`, which its own test pays for."""
    pytest.importorskip("toto2", reason="the extra toto is not installed")
    from backtune.diagnose import forecast_check

    monkeypatch.delitem(forecast_check.VARIANTS, "compile")
    model = f"toto:{weights('toto')},device=cpu,context=64"
    code, out, _ = run(capsys, monkeypatch, "forecast-check", model, "SP500", *SHORT, "--json")
    assert code == 0
    plain, half, int8 = json.loads(out)["SP500"]
    assert plain["forecasts"] == half["forecasts"] == 35
    assert plain["largest_difference"] == 0.0
    assert 0.0 < half["mean_difference"] <= half["largest_difference"] < 0.05
    assert half["pinball"] == pytest.approx(plain["pinball"], rel=0.2)
    assert {"maxdiff_return", "always_on_return"} <= set(plain)
    assert "no layer that it could swap" in int8["failed"]


def test_cache_info_and_clear(capsys, monkeypatch, weights):
    pytest.importorskip("toto2", reason="the extra toto is not installed")
    from backtune import forecast

    forecast(load_sample("SP500"), f"toto:{weights('toto')},device=cpu,context=64", [100, 101])
    _, out, _ = run(capsys, monkeypatch, "cache", "info", "--json")
    (row,) = json.loads(out)["models"]
    assert row["forecasts"] == 2
    assert row["model"].startswith("toto:")
    assert run(capsys, monkeypatch, "cache", "clear")[0] == 0
    assert json.loads(run(capsys, monkeypatch, "cache", "info", "--json")[1])["models"] == []


def test_a_model_that_is_not_there_is_one_line_and_exit_2(capsys, monkeypatch):
    pytest.importorskip("chronos", reason="the extra chronos is not installed")
    code, _, err = run(capsys, monkeypatch, "run", "SP500", *SHORT, "--model", "chronos:/no/such/folder/a")
    assert code == 2
    assert "no such folder" in err
    assert len(err.strip().splitlines()) == 1
