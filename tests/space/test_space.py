"""Spaces: every place is a point of the space, every point has a place, and nothing else passes for one."""

import math
import subprocess
import sys

import numpy as np
import pandas as pd
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


@pytest.mark.slow
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
        (lambda: Space(5), "parameters are 5; give a dict"),
        (lambda: Space(a=(1, 9), constraints=5), "constraints are 5; give a function"),
        (lambda: bt.Float(1, 3, log="no"), "log of a Float is 'no'; expected True or False"),
        (lambda: bt.Int(1, 3, log=1), "log of an Int is 1; expected True or False"),
        (lambda: bt.Float(0, 1, when="x"), "when of a Float is 'x'; expected a dict"),
        (lambda: bt.Ordinal([1, 2], when=["x"]), "when of an Ordinal is .*; expected a dict"),
        (lambda: Space(b=(1, 2), a=bt.Int(1, 3, when={"b": []})), "a depends on no value of 'b'"),
        (lambda: Space(a=[np.eye(2), np.eye(2)]), "give each once"),
        (lambda: Space(a=[math.nan, float("nan")]), "give each once"),
        (lambda: Space(a=[pd.DataFrame({"x": [1]}), pd.DataFrame({"x": [1]})]), "give each once"),
        (lambda: Space(a=[np.eye(2), np.ones((2, 2))]).places({"a": np.zeros((2, 2))}), "is no value of"),
    ],
)
def test_a_space_that_means_nothing_is_one_line(make, words):
    with pytest.raises(SettingError, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)


CHOICES = [
    [np.array([1, 2]), np.array([3, 4])],
    [np.array([1.0, np.nan]), np.array([1.0, 2.0])],
    [np.array([1]), np.array([1], dtype=float)],
    [pd.DataFrame({"x": [1]}), pd.DataFrame({"x": [2]})],
    [(np.array([1, 2]), "x"), (np.array([3, 4]), "x")],
    [{"w": np.array([1, 2])}, {"w": np.array([3, 4])}],
    [[1], [2]],
    [np.array([[1, 2], "x"], dtype=object), np.array([[1, 3], "x"], dtype=object)],
    list(np.array(["x", "y"])),
    list(np.array([1, 2])),
]


@pytest.mark.parametrize("choices", CHOICES, ids=lambda choices: type(choices[0]).__name__)
def test_choices_of_any_type_are_told_apart_by_what_they_hold(choices):
    space = Space(a=choices, b=bt.Int(1, 3, when={"a": [choices[1]]}))
    for cell, choice in enumerate(choices):
        point = space.point([cell, 1])
        assert point["a"] is choice
        assert ("b" in point) is (cell == 1)
        assert space.places(point)[0] == cell
        assert point in space
    assert len(list(space.points())) == 1 + 3


def test_a_condition_holds_where_the_value_is_the_same_however_it_is_written():
    choices = [np.str_("x"), np.str_("y")]
    space = Space(
        kind=choices, share=bt.Float(0.0, 1.0, step=0.1), on=[True, 1],
        a=bt.Int(1, 3, when={"kind": "y"}), b=bt.Int(1, 3, when={"share": 0.3}),
        c=bt.Int(1, 3, when={"on": 1}),
    )  # fmt: skip
    assert set(space.point([1, 3, 1, 0, 0, 0])) == {
        "kind",
        "share",
        "on",
        "a",
        "b",
        "c",
    }  # 3 steps are 0.30000000000000004
    assert set(space.point([0, 2, 0, 0, 0, 0])) == {"kind", "share", "on"}  # True is no 1


NEAREST = """
import backtune as bt
def one(x): return x
def other(x): return -x
space = bt.Space(k=[one, other], o=[object(), object()], a=(0.0, 1.0), constraints=lambda p: p["a"] < 0.2)
print([space.point([0, 0, place])["a"] for place in (0.3, 0.5, 0.9)])
"""


@pytest.mark.slow
def test_the_nearest_allowed_point_is_the_same_in_every_process():
    printed = [
        subprocess.run([sys.executable, "-c", NEAREST], capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert printed[0] == printed[1]


def test_the_nearest_allowed_point_does_not_go_by_how_a_choice_shows_itself():
    class Shown:
        def __init__(self, text):
            self.text = text

        def __repr__(self):
            return self.text

    def nearest(texts):
        space = Space(k=[Shown(text) for text in texts], a=(0.0, 1.0), constraints=lambda p: p["a"] < 0.2)
        return space.point([1, 0.9])["a"]

    assert nearest(["<at 0x1>", "<at 0x2>"]) == nearest(["<at 0x3>", "<at 0x4>"])


def test_the_nearest_allowed_point_of_plain_values_stays_what_it_was():
    space = Space(a=(0.0, 1.0), n=(1, 9), kind=["sma", "ema"], constraints=lambda p: p["a"] < 0.2)
    assert space.point([0.9, 3, 1]) == {"a": 0.13630738434036538, "n": 3, "kind": "ema"}


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
        (TEXT.replace("fast < slow", "fast"), "'fast' is no comparison; give one"),
        (TEXT.replace("fast < slow", "fast < slow and 3"), "is no comparison; give one"),
        (TEXT.replace("fast < slow", "fast < 1" + " + 1" * 5000), "more terms than Python reads"),
        (TEXT.replace("fast < slow", "fast < " + "-" * 5000 + "1"), "constraint 'fast < ---"),
        (TEXT.replace("log = true", "log = 'no'"), "log of a Float is 'no'"),
        (TEXT.replace('when = {kind = "ema"}', "when = 'ema'"), "when of a Float is 'ema'"),
    ],
)
def test_a_file_that_is_no_space_is_one_line_that_names_it(tmp_path, text, words):
    (tmp_path / "space.toml").write_text(text)
    with pytest.raises(SettingError, match=words) as caught:
        read_space(tmp_path / "space.toml")
    assert "space.toml" in str(caught.value)
    assert "\n" not in str(caught.value)
