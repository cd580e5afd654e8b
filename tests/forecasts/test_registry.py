import numpy as np
import pytest

import backtune as bt
from backtune.bars import Universe
from backtune.errors import ForecasterError
from backtune.forecasts import Forecaster, forecast, forecaster
from backtune.forecasts.registry import MODELS, WEIGHTS
from synthetic import make_bars
from tiny_models import named


@pytest.mark.parametrize("name", sorted(set(MODELS) - set(WEIGHTS)))
def test_every_model_without_weights_is_made_by_its_name(name):
    assert forecaster(name).name.startswith(name)


@pytest.mark.parametrize("name", sorted(WEIGHTS))
def test_every_model_with_weights_is_made_without_loading_them(name):
    model = named(name, "owner/model", ",device=cpu,point=0.4")
    instance = forecaster(model)
    assert instance.name == model
    assert instance.point == 0.4


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
    model = forecaster("kronos:x/y,samples=3,context=40,dtype=bfloat16,cache=false")
    assert (model.samples, model.context, model.dtype, model.cache) == (3, 40, "bfloat16", False)
    with pytest.raises(bt.SettingError, match=r"known: tokenizer, samples, .*, context, point, device"):
        forecaster("kronos:x/y,zzz=1")


class Answers(Forecaster):
    """Gives whatever a function makes of the bars."""

    name, warm_up, causal = "answers", 2, True

    def __init__(self, answer):
        self.answer = answer

    def moves(self, bars):
        return self.answer(bars)


SHAPES = {
    "one array": (lambda bars: np.zeros(len(bars)), "gave 150 arrays of numbers"),
    "two arrays": (lambda bars: (np.zeros(len(bars)),) * 2, "gave 2 arrays of numbers"),
    "three numbers": (lambda bars: (0.1, -0.1, 0.0), r"of shape \(\), \(\), \(\)"),
    "shorter ones": (lambda bars: (np.zeros(3),) * 3, r"of shape \(3,\), \(3,\), \(3,\)"),
    "nothing": (lambda bars: None, "gave 1 array"),
    "words": (lambda bars: (["high"] * len(bars),) * 3, "of no numbers"),
}


@pytest.mark.parametrize("kind", SHAPES)
def test_an_answer_of_another_shape_is_a_line_that_names_the_model_and_the_shape(kind):
    answer, words = SHAPES[kind]
    with pytest.raises(ForecasterError, match=words) as caught:
        forecast(Universe(bars=150).load("SYN00001"), Answers(answer))
    assert "'answers'" in str(caught.value)
    assert "(150,)" in str(caught.value)


@pytest.mark.parametrize("causal", [True, False])
def test_what_another_models_code_raises_is_that_models(causal):
    def fails(bars):
        return bars.moves[7]

    model = Answers(fails) if causal else type("Cut", (Answers,), {"causal": False})(fails)
    with pytest.raises(ForecasterError, match=r"model 'answers' fails on SYN00001 .*IndexError") as caught:
        forecast(Universe(bars=150).load("SYN00001"), model)
    assert isinstance(caught.value.__cause__, IndexError)


def test_prices_and_per_cent_from_a_class_are_refused_as_those_of_a_table_are():
    bars = Universe(bars=150).load("SYN00001")
    moves = np.roll(bars.moves, 1, axis=1)
    scaled = {"per cent": 100.0, "fractions": 1.0}
    with pytest.raises(ForecasterError, match="divide by 100, if they are per cent"):
        forecast(bars, Answers(lambda bars: scaled["per cent"] * moves[1:]))
    prices = np.roll([bars.high, bars.low, bars.close], 1, axis=1)
    with pytest.raises(ForecasterError, match="gives prices for SYN00001"):
        forecast(bars, Answers(lambda bars: prices))
    assert forecast(bars, Answers(lambda bars: scaled["fractions"] * moves[1:])).first == 2
