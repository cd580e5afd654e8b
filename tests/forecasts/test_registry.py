import pytest

import backtune as bt
from backtune.forecasts import forecaster
from backtune.forecasts.registry import MODELS, WEIGHTS
from synthetic import make_bars
from tiny_models import named


@pytest.mark.parametrize("name", sorted(set(MODELS) - set(WEIGHTS)))
def test_every_model_without_weights_is_made_by_its_name(name):
    assert forecaster(name).name.startswith(name)


@pytest.mark.parametrize("name", sorted(WEIGHTS))
def test_every_model_with_weights_is_made_without_loading_them(name):
    model = named(name, "owner/model", ",device=cpu,point=0.4")
    made = forecaster(model)
    assert made.name == model
    assert made.point == 0.4


def test_a_comma_in_a_folder_stays_there():
    assert forecaster("chronos:/tmp/a,b/c,dtype=bfloat16").weights == "/tmp/a,b/c"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("chronus:x/y", "did you mean 'chronos'"),
        ("chronos", "give chronos:amazon/chronos-2 or chronos:FOLDER"),
        ("fhs:x/y", "has no weights; give fhs alone"),
        ("chronos:x/y,devise=cpu", "did you mean 'device'"),
        ("chronos:x/y,device=cpu,device=cuda", "gives device twice"),
        ("chronos:x/y,device=gpu", "device is 'gpu'"),
        ("chronos:x/y,dtype=int3", "unknown dtype 'int3'"),
        ("chronos:x/y,quantize=int4", "unknown quantize 'int4'"),
        ("chronos:x/y,quantize=int8,dtype=bfloat16", "choose one of them"),
        ("chronos:x/y,context=8", "context is 8"),
        ("kronos:x/y,top_p=2", "top_p is 2"),
        ("kronos:x/y,temperature=0", "temperature is 0"),
        ("timesfm:x/y,accept_license=yes", "accept_license is 'yes'; expected true or false"),
        ("toto1:x/y,samples=0", "samples is 0"),
        ("range,memory=3", "range has no options"),
        (7, "model is 7"),
    ],
)
def test_a_bad_name_or_option_is_one_line_that_says_what_to_do(given, said):
    with pytest.raises(bt.SettingError, match=said):
        bt.forecast(make_bars(60), given)


@pytest.mark.parametrize("option", ["cache=no", "cache=1", "compile=off", "compile=yes"])
def test_a_switch_is_true_or_false_and_no_other_word(option):
    """Python takes any word for True."""
    with pytest.raises(bt.SettingError, match=r"expected true or false"):
        forecaster(f"chronos:x/y,{option}")


def test_options_of_the_class_a_model_builds_on_are_its_own():
    made = forecaster("kronos:x/y,samples=3,context=40,dtype=bfloat16,cache=false")
    assert (made.samples, made.context, made.dtype, made.cache) == (3, 40, "bfloat16", False)
    with pytest.raises(bt.SettingError, match=r"known: tokenizer, samples, .*, context, point, device"):
        forecaster("kronos:x/y,zzz=1")
