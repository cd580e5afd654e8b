"""Spaces: every place is a point of the space, every point has a place, and nothing else passes for one."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import backtune as bt
from backtune import SettingError, Space
from backtune.space import read_space

SPACE = Space(
    fast=(2, 20),
    slow=bt.Int(10, 100, step=5),
    rate=bt.Float(1e-4, 1.0, log=True),
    size=bt.Int(1, 1000, log=True),
    share=bt.Float(0.0, 1.0, step=0.25),
    width=(0.5, 2.0),
    level=bt.Ordinal(["low", "middle", "high"]),
    kind=["sma", "ema"],
    span=bt.Int(3, 9, when={"kind": "ema"}),
    tail=bt.Float(0.1, 0.9, when={"kind": ("sma", "ema"), "level": ["low", "high"]}),
    constraints=[lambda p: p["fast"] < p["slow"], lambda p: p.get("span", 3) < p["fast"] + 5],
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.floats(-1e3, 1e3), min_size=10, max_size=10))
def test_every_place_is_a_point_of_the_space(places):
    point = SPACE.point(places)
    assert point in SPACE
    assert point == SPACE.point(places)
    assert SPACE.point(SPACE.places(point)) == point or any(
        isinstance(value, float) and not math.isclose(value, 0) for value in point.values()
    )
    for name, kind in (("fast", int), ("slow", int), ("size", int), ("rate", float), ("share", float)):
        assert type(point[name]) is kind
    assert ("span" in point) is (point["kind"] == "ema")
    assert ("tail" in point) is (point["level"] != "middle")
    assert point["fast"] < point["slow"]


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_value_keeps_through_its_place(data):
    for name, parameter in SPACE.parameters.items():
        low, high = parameter.bounds
        value = parameter.value(data.draw(st.floats(low, high), label=name))
        again = parameter.value(parameter.place(value))
        assert again == value if parameter.count else math.isclose(again, value, rel_tol=1e-12)


@pytest.mark.parametrize(
    ("parameter", "count", "values"),
    [
        (bt.Int(2, 5), 4, [2, 3, 4, 5]),
        (bt.Int(10, 31, step=10), 3, [10, 20, 30]),
        (bt.Float(0.1, 0.3, step=0.1), 3, [0.1, 0.2, 0.3]),
        (bt.Ordinal([1, 2.5, "x"]), 3, [1, 2.5, "x"]),
        (bt.Categorical([True, 1, None]), 3, [True, 1, None]),
    ],
)
def test_the_cells_of_a_line_are_the_values_and_equally_wide(parameter, count, values):
    assert parameter.count == count
    low, high = parameter.bounds
    places = np.linspace(low, high, 1000 * count + 1)[:-1] + 1e-9
    drawn = [parameter.value(place) for place in places]
    assert drawn == pytest.approx([value for value in values for _ in range(1000)], abs=1e-12) or drawn == [
        value for value in values for _ in range(1000)
    ]


def test_whole_numbers_on_a_logarithmic_line_are_all_there_and_the_small_ones_wide():
    parameter = bt.Int(1, 50, log=True)
    drawn = [parameter.value(place) for place in np.linspace(*parameter.bounds, 100_000)]
    assert sorted(set(drawn)) == list(range(1, 51))
    assert drawn.count(1) > 10 * drawn.count(20)


def test_what_is_no_point_is_not_in_the_space():
    point = SPACE.point([10, 10, 0, 3, 2, 1, 0, 1, 3, 0.5])
    assert point in SPACE
    wrong = [
        {**point, "fast": 3.0}, {**point, "fast": True}, {**point, "slow": 12}, {**point, "share": 0.3},
        {**point, "kind": "wma"}, {**point, "kind": "sma"}, {**point, "level": 0}, {**point, "more": 1},
        {name: value for name, value in point.items() if name != "rate"}, {**point, "slow": 10, "fast": 20},
        "fast", None, {**point, "rate": math.nan},
    ]  # fmt: skip
    assert [one in SPACE for one in wrong] == [False] * len(wrong)


def test_points_of_a_space_that_ends_come_once_each_and_meet_the_constraints():
    space = Space(
        a=(1, 4), kind=["x", "y"], b=bt.Int(1, 3, when={"kind": "y"}), constraints=lambda p: p["a"] != 2
    )
    points = list(space.points())
    assert len(points) == 3 * (1 + 3)
    assert all(point in space for point in points)
    assert len({tuple(point.items()) for point in points}) == len(points)
    with pytest.raises(SettingError, match="width has no end of values"):
        next(Space(width=(0.5, 2.0)).points())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Space(), "no parameters"),
        (lambda: Space(a=(3, 3)), "from 3 to 3"),
        (lambda: Space(a=5), "parameter 'a' is 5; give a pair"),
        (lambda: Space({"": (1, 2)}), "named ''"),
        (lambda: Space(a=["x"]), "at least two"),
        (lambda: Space(a=["x", "x"]), "give each once"),
        (lambda: bt.Float(0.0, 1.0, log=True), "expected low above 0"),
        (lambda: bt.Float(0.0, math.inf), "finite"),
        (lambda: bt.Float(0.0, 1.0, step=2.0), "step of a Float is 2"),
        (lambda: bt.Int(0.5, 3), "expected a whole number"),
        (lambda: bt.Int(0, 9, log=True), "low >= 1"),
        (lambda: bt.Int(0, 3, step=0), "step of an Int is 0"),
        (lambda: Space(a=bt.Int(1, 3, when={"b": 1}), b=(1, 2)), "no parameter before it"),
        (lambda: Space(b=(1, 2), a=bt.Int(1, 3, when={"b": 7})), "7 is no value of"),
        (lambda: Space(a=(1, 9), constraints=lambda p: False), "none of 10000 points"),
        (lambda: Space(a=(1, 9), constraints=lambda p: p["b"] > 1), "a constraint failed at .*KeyError"),
        (lambda: Space(a=(1, 9), constraints=["a"]), "is no function"),
        (lambda: Space(a=(1, 9)).point([math.nan]), "expected 1 numbers"),
    ],
)
def test_a_space_that_means_nothing_is_one_line(make, words):
    with pytest.raises(SettingError, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)


TEXT = """
constraints = ["fast < slow", "span * 2 <= slow or kind == 'sma'"]
[fast]
type = "int"
low = 2
high = 50
[slow]
type = "int"
low = 10
high = 200
step = 10
[kind]
type = "categorical"
choices = ["sma", "ema"]
[span]
type = "float"
low = 0.5
high = 90.0
log = true
when = {kind = "ema"}
"""


def test_a_space_from_a_file_is_the_one_it_says(tmp_path):
    (tmp_path / "space.toml").write_text(TEXT)
    space = read_space(tmp_path / "space.toml")
    assert space.parameters == {
        "fast": bt.Int(2, 50), "slow": bt.Int(10, 200, step=10), "kind": bt.Categorical(["sma", "ema"]),
        "span": bt.Float(0.5, 90.0, log=True, when={"kind": "ema"}),
    }  # fmt: skip
    assert {"fast": 5, "slow": 20, "kind": "sma"} in space
    assert {"fast": 5, "slow": 20, "kind": "ema", "span": 10.5} not in space
    assert {"fast": 30, "slow": 20, "kind": "sma"} not in space


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x = ", "cannot be read"),
        ("constraints = 3", "constraints are 3"),
        ("[a]\nlow = 1", "expected a table with a type"),
        ("[a]\ntype = 'whole'", "type of parameter"),
        ("[a]\ntype = 'int'\nlow = 1\ntop = 3", "type int takes when, low, high, log, step"),
        (TEXT.replace("fast < slow", "__import__('os').remove('x')"), "more than a comparison"),
        (TEXT.replace("fast < slow", "fast.real < 3"), "more than a comparison"),
        (TEXT.replace("fast < slow", "fst < slow"), "fst"),
        (TEXT.replace("fast < slow", "fast <"), "is no comparison"),
    ],
)
def test_a_file_that_is_no_space_is_one_line_that_names_it(tmp_path, text, words):
    (tmp_path / "space.toml").write_text(text)
    with pytest.raises(SettingError, match=words) as caught:
        read_space(tmp_path / "space.toml")
    assert "space.toml" in str(caught.value)
    assert "\n" not in str(caught.value)
