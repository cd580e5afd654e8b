"""TimesFM 3: the adapter against the library's own forecaster, and the licence of its weights."""

import json
import shutil

import numpy as np
import pytest

import backtune as bt
from backtune.forecasts import forecaster
from synthetic import make_bars
from tiny_models import named


@pytest.mark.parametrize("options", ["", ",accept_license=false"])
def test_weights_whose_licence_was_not_accepted_are_refused_before_anything_is_done(options, tmp_path):
    """Neither the library nor the weights need to be there to be told so."""
    with pytest.raises(bt.ForecasterError, match=r"neither commercially nor.*accept_license=true") as caught:
        bt.backtest_forecasts("SP500", model=f"timesfm:{tmp_path}{options}")
    assert len(str(caught.value).splitlines()) == 1


def test_the_command_line_refuses_in_one_line_and_writes_nothing(capsys, monkeypatch, tmp_path):
    from backtune import cli

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "sys.argv", ["backtune", "run", "--demo", "--model", "timesfm:google/timesfm-3.0-pytorch"]
    )
    with pytest.raises(SystemExit) as caught:
        cli.main()
    err = capsys.readouterr().err
    assert caught.value.code == 2
    assert "accept_license=true" in err
    assert len(err.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_forecasts_are_the_librarys_own(weights):
    """Contexts of unequal length, in one call of ours and one of the library's."""
    library = pytest.importorskip("timesfm3", reason="the extra timesfm is not installed")
    bars = make_bars(300)
    model = forecaster(named("timesfm", weights("timesfm"), ",device=cpu,context=128,cache=false"))
    targets = [40, 70, 100, 128, 200, 299]
    forecast = model.forecast(bars, targets)
    contexts = [model._context(bars, t).offsets.astype(np.float32) for t in targets]
    pipeline = library.TimesFM3Forecaster.from_pretrained(
        weights("timesfm"), device="cpu", per_core_batch_size=8
    )
    theirs = pipeline.predict_batch(contexts, horizon=1, return_quantiles=True)
    for t, output in zip(targets, theirs, strict=True):
        raw = np.expm1(output.quantiles[:, 0].astype(float))
        expected = np.stack([np.maximum(raw[0], raw[2]), np.minimum(raw[1], raw[2]), raw[2]])
        np.testing.assert_allclose(forecast.quantiles[t], expected, atol=2e-6)


@pytest.mark.slow
def test_high_low_and_close_are_forecast_jointly(weights):
    """A change of the lows alone changes the forecast of the high."""
    pytest.importorskip("timesfm3", reason="the extra timesfm is not installed")
    bars, other = make_bars(200), make_bars(200)
    other.low[120:190] *= 0.97
    model = forecaster(named("timesfm", weights("timesfm"), ",device=cpu,context=128,cache=false"))
    assert not np.array_equal(model.forecast(bars, [195]).high, model.forecast(other, [195]).high)


@pytest.mark.slow
def test_a_model_of_other_quantiles_is_refused(weights, tmp_path):
    pytest.importorskip("timesfm3", reason="the extra timesfm is not installed")
    shutil.copytree(weights("timesfm"), tmp_path / "w")
    config = tmp_path / "w" / "config.json"
    settings = json.loads(config.read_text())
    settings["quantiles"][0] = 0.05
    config.write_text(json.dumps(settings))
    with pytest.raises(bt.ForecasterError, match=r"its quantiles are not 0\.1 to 0\.9"):
        bt.forecast(make_bars(100), named("timesfm", tmp_path / "w", ",device=cpu"), [90])
