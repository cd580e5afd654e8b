"""Ways to change what decides a result: each sets the world up as it was, or changed.

A world is a folder of modules and files, settings, bars and versions. Modules are written, imported and
forgotten again, as another process would find them.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
import textwrap
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

import backtune as bt
from backtune.backtest import Settings
from backtune.strategies import Strategy
from synthetic import make_bars

BARS = make_bars(150)
NAMES = ("plug", "helper", "deeper", "party")
SIZES = """
    import numpy as np
    def longs(f): return np.ones(len(f.high)), np.zeros(len(f.high))
    def shorts(f): return np.zeros(len(f.high)), np.ones(len(f.high))
    def sided(f, side): return longs(f) if side == "long" else shorts(f)
"""
FORECASTER = """
    from pathlib import Path
    import numpy as np
    from backtune.forecasts.base import Forecaster
    HERE = Path(__file__).parent
    class Mine(Forecaster):
        name, warm_up, width = "mine", 2, 0.01
        def __init__(self, scale=1.0): self.scale = scale
        def moves(self, bars):
            one = np.full(len(bars), self.width * self.scale)
            return one, -one, 0.0 * one
"""


@dataclass
class World:
    """Where a way is set up: a folder on the path, and how its settings and bars come about."""

    folder: Path
    settings: dict = field(default_factory=lambda: {"num_simulations": 2, "window": 30, "model": "naive"})
    bars: object = BARS
    versions: dict = field(default_factory=dict)  # of distributions, other than what is installed

    def write(self, **modules):
        for name, text in modules.items():
            parts = text if isinstance(text, tuple) else (text,)
            (self.folder / f"{name}.py").write_text("\n".join(map(textwrap.dedent, parts)))
        forget()
        importlib.invalidate_caches()

    def file(self, name, text):
        (self.folder / name).parent.mkdir(exist_ok=True)
        (self.folder / name).write_text(text)
        return self.folder / name

    def plug(self):
        """Module `plug`, as a new process imports it."""
        if str(self.folder) not in sys.path:
            sys.path.insert(0, str(self.folder))
        return importlib.import_module("plug")

    def strategy(self, sizes=None, **options):
        self.settings["strategies"] = [
            Strategy("mine", self.plug().sizes if sizes is None else sizes, **options)
        ]

    def made(self):
        """Settings of the run."""
        return Settings(**self.settings)


def forget():
    for name in NAMES:
        sys.modules.pop(name, None)


WAYS = {}
UNTOLD = {}  # those that cannot be told, changed or not: no result of theirs is ever used again


def way(function):
    """A way whose function sets the world up, changed or not."""
    WAYS[function.__name__] = function
    return function


def setting(name, before, after):
    def set_up(world, changed):
        world.settings[name] = after if changed else before

    WAYS[f"setting_{name}"] = set_up


for each in (
    ("num_simulations", 2, 3), ("window", 30, 31), ("horizon", 1, 2), ("budget", 500, 501), ("seed", 0, 1),
    ("fills", "causal", "optimistic"), ("fee", 0.0005, 0.0006), ("asset", "stock", "crypto"),
    ("bounds", ((-0.03, 0.03), (-0.03, 0.03)), ((-0.03, 0.03), (-0.03, 0.04))), ("drop_bad", False, True),
    ("gap", 0, 1), ("anchored", False, True), ("short", None, False), ("end", None, "2020-06-01"),
    ("start", None, "2020-06-01"), ("exits", ["close"], ["take_profit"]),
    ("strategies", ["maxdiff"], ["always_on"]), ("optimizer", "exact", "random"), ("model", "naive", "range"),
):  # fmt: skip
    setting(*each)


@way
def an_option_of_the_model(world, changed):
    world.settings["model"] = "fhs,memory=300" if changed else "fhs,memory=200"
    world.bars = make_bars(300)


@way
def a_price(world, changed):
    close = BARS.close.copy()
    close[-5] *= 1 + 1e-12 * changed
    world.bars = replace(BARS, close=close)


@way
def a_volume(world, changed):
    world.bars = replace(BARS, volume=BARS.volume + changed)


@way
def a_time(world, changed):
    stamps = BARS.timestamps.copy()
    stamps[-1] += np.timedelta64(int(changed), "h")
    world.bars = replace(BARS, timestamps=stamps)


@way
def one_more_bar(world, changed):
    world.bars = make_bars(151 if changed else 150)


@way
def code_of_the_strategy(world, changed):
    body = "shorts" if changed else "longs"
    world.write(plug=(SIZES, f"def sizes(f, c): return {body}(f)"))
    world.strategy()


@way
def code_of_a_function_it_calls(world, changed):
    body = "shorts" if changed else "longs"
    world.write(plug=(SIZES, f"def inner(f): return {body}(f)\ndef sizes(f, c): return inner(f)"))
    world.strategy()


@way
def a_helper_module(world, changed):
    world.write(helper=f"SIDE = '{'short' if changed else 'long'}'")
    world.write(plug=(SIZES, "import helper\ndef sizes(f, c): return sided(f, helper.SIDE)"))
    world.strategy()


@way
def a_helper_of_a_helper(world, changed):
    world.write(deeper=f"def side(): return '{'short' if changed else 'long'}'")
    world.write(helper="import deeper\ndef side(): return deeper.side()")
    world.write(plug=(SIZES, "from helper import side\ndef sizes(f, c): return sided(f, side())"))
    world.strategy()


@way
def a_helper_that_is_imported_when_it_is_called(world, changed):
    world.write(helper=f"SIDE = '{'short' if changed else 'long'}'")
    call = "def sizes(f, c):\n    from helper import SIDE\n    return sided(f, SIDE)"
    world.write(plug=(SIZES, call))
    world.strategy()


@way
def a_helper_under_another_name(world, changed):
    world.write(helper=f"TABLE = {{'side': '{'short' if changed else 'long'}'}}")
    world.write(plug=(SIZES, "import helper as h\ndef sizes(f, c): return sided(f, h.TABLE['side'])"))
    world.strategy()


@way
def a_helper_that_is_asked_by_name(world, changed):
    world.write(helper=f"def side(): return '{'short' if changed else 'long'}'")
    world.write(
        plug=(SIZES, "import helper\ndef sizes(f, c): return sided(f, getattr(helper, 'si' + 'de')())")
    )
    world.strategy()


@way
def a_global_from_the_environment(world, changed):
    os.environ["BACKTUNE_TEST_SIDE"] = "short" if changed else "long"
    world.write(
        plug=(
            SIZES,
            "import os\nSIDE = os.environ['BACKTUNE_TEST_SIDE']\ndef sizes(f, c): return sided(f, SIDE)",
        )
    )
    world.strategy()


@way
def a_global_of_a_helper_from_the_environment(world, changed):
    os.environ["BACKTUNE_TEST_SIDE"] = "short" if changed else "long"
    world.write(helper="import os\nSIDE = os.environ['BACKTUNE_TEST_SIDE']")
    world.write(plug=(SIZES, "import helper\ndef sizes(f, c): return sided(f, helper.SIDE)"))
    world.strategy()


@way
def the_command_line(world, changed):
    before = sys.argv
    sys.argv = ["program", "short" if changed else "long"]
    world.write(plug=(SIZES, "import sys\nSIDE = sys.argv[-1]\ndef sizes(f, c): return sided(f, SIDE)"))
    world.strategy()
    sys.argv = before


@way
def an_array_that_was_read_at_import(world, changed):
    world.file("table.txt", "1 2 4" if changed else "1 2 3")
    text = "from pathlib import Path\nTABLE = np.loadtxt(Path(__file__).parent / 'table.txt')"
    world.write(plug=(SIZES, text, "def sizes(f, c): return longs(f)[0] * TABLE[-1], shorts(f)[0]"))
    world.strategy()


@way
def an_argument_of_a_partial(world, changed):
    world.write(plug=(SIZES, "def sizes(f, c, side): return sided(f, side)"))
    world.strategy(functools.partial(world.plug().sizes, side="short" if changed else "long"))


@way
def the_function_of_a_partial(world, changed):
    body = "shorts" if changed else "longs"
    world.write(plug=(SIZES, f"def sizes(f, c, side): return {body}(f)"))
    world.strategy(functools.partial(world.plug().sizes, side=1))


@way
def a_closure(world, changed):
    text = "def make(side):\n    def sizes(f, c): return sided(f, side)\n    return sizes"
    world.write(plug=(SIZES, text))
    world.strategy(world.plug().make("short" if changed else "long"))


@way
def a_list_in_a_closure(world, changed):
    text = "def make(sides):\n    def sizes(f, c): return sided(f, sides[0])\n    return sizes"
    world.write(plug=(SIZES, text))
    world.strategy(world.plug().make(["short" if changed else "long"]))


@way
def a_default_argument(world, changed):
    world.write(
        plug=(SIZES, f"def sizes(f, c, side='{'short' if changed else 'long'}'): return sided(f, side)")
    )
    world.strategy()


@way
def a_keyword_default(world, changed):
    world.write(
        plug=(
            SIZES,
            f"def sizes(f, c, *, level={2 if changed else 1}): return level * longs(f)[0], shorts(f)[0]",
        )
    )
    world.strategy()


@way
def an_attribute_of_a_function(world, changed):
    world.write(plug=(SIZES, "def sizes(f, c): return sided(f, sizes.side)"))
    world.plug().sizes.side = "short" if changed else "long"
    world.strategy()


@way
def a_lambda(world, changed):
    world.write(plug=(SIZES, f"sizes = lambda f, c: {'shorts' if changed else 'longs'}(f)"))
    world.strategy()


@way
def a_decorator(world, changed):
    swap = "return b, a" if changed else "return a, b"
    text = (
        "import functools\ndef turned(g):\n    @functools.wraps(g)\n    def inner(f, c):\n"
        f"        a, b = g(f, c)\n        {swap}\n    return inner\n"
        "@turned\ndef sizes(f, c): return longs(f)"
    )
    world.write(plug=(SIZES, text))
    world.strategy()


@way
def an_attribute_of_an_object(world, changed):
    text = (
        "class Sizes:\n    def __init__(self, side): self.side = side\n"
        "    def __call__(self, f, c): return sided(f, self.side)"
    )
    world.write(plug=(SIZES, text))
    world.strategy(world.plug().Sizes("short" if changed else "long"))


@way
def the_object_of_a_method(world, changed):
    text = (
        "class Sizes:\n    def __init__(self, side): self.side = side\n"
        "    def of(self, f, c): return sided(f, self.side)"
    )
    world.write(plug=(SIZES, text))
    world.strategy(world.plug().Sizes("short" if changed else "long").of)


@way
def a_slot_of_a_dataclass(world, changed):
    text = (
        "from dataclasses import dataclass\n@dataclass(frozen=True, slots=True)\n"
        "class Sizes:\n    side: str\n"
        "    def __call__(self, f, c): return sided(f, self.side)"
    )
    world.write(plug=(SIZES, text))
    world.strategy(world.plug().Sizes("short" if changed else "long"))


@way
def a_class_attribute(world, changed):
    side = "short" if changed else "long"
    text = f"class Sizes:\n    side = '{side}'\n    def __call__(self, f, c): return sided(f, self.side)"
    world.write(plug=(SIZES, text))
    world.strategy(world.plug().Sizes())


@way
def a_class_attribute_that_is_set_later(world, changed):
    text = "class Sizes:\n    side = 'long'\n    def __call__(self, f, c): return sided(f, self.side)"
    world.write(plug=(SIZES, text))
    world.plug().Sizes.side = "short" if changed else "long"
    world.strategy(world.plug().Sizes())


@way
def a_base_class_in_another_module(world, changed):
    world.write(
        helper=(SIZES, f"class Base:\n    def side(self, f): return {'shorts' if changed else 'longs'}(f)")
    )
    text = "from helper import Base\nclass Sizes(Base):\n    def __call__(self, f, c): return self.side(f)"
    world.write(plug=text)
    world.strategy(world.plug().Sizes())


@way
def a_property(world, changed):
    side = "short" if changed else "long"
    text = (
        f"class Sizes:\n    @property\n    def side(self): return '{side}'\n"
        "    def __call__(self, f, c): return sided(f, self.side)"
    )
    world.write(plug=(SIZES, text))
    world.strategy(world.plug().Sizes())


@way
def code_that_numba_compiles(world, changed):
    text = f"import numba\n@numba.njit\ndef level(): return {2.0 if changed else 1.0}"
    world.write(plug=(SIZES, text, "def sizes(f, c): return level() * longs(f)[0], shorts(f)[0]"))
    world.strategy()


@way
def a_file_that_an_attribute_names(world, changed):
    path = world.file("side.txt", "short" if changed else "long")
    text = (
        "class Sizes:\n    def __init__(self, path): self.path = path\n"
        "    def __call__(self, f, c): return sided(f, open(self.path).read())"
    )
    world.write(plug=(SIZES, text))
    world.strategy(world.plug().Sizes(str(path)))


@way
def a_file_that_the_code_names(world, changed):
    world.file("side.txt", "short" if changed else "long")
    call = "def sizes(f, c): return sided(f, (Path(__file__).parent / 'side.txt').read_text())"
    world.write(plug=(SIZES, "from pathlib import Path", call))
    world.strategy()


@way
def a_frame(world, changed):
    last = 3.0 if changed else 2.0
    text = f"FRAME = pd.DataFrame({{'k': [1.0, {last}], 'name': ['a', 'b']}})"
    world.write(
        plug=(
            SIZES,
            "import pandas as pd",
            text,
            "def sizes(f, c): return FRAME.k.max() * longs(f)[0], shorts(f)[0]",
        )
    )
    world.strategy()


@way
def the_objective(world, changed):
    world.settings |= {"optimizer": "random", "objective": "sharpe" if changed else "profit"}


@way
def code_of_an_own_objective(world, changed):
    body = "outcome.value.min()" if changed else "outcome.value.max()"
    world.write(plug=f"def score(outcome): return float({body})")
    world.settings |= {"optimizer": "random", "objective": world.plug().score}


@way
def a_global_of_an_own_exit(world, changed):
    fee = 0.002 if changed else 0.001
    text = (
        "from dataclasses import replace\nfrom backtune.strategies import EXITS\n"
        f"FEE = {fee}\ndef mine(orders, settings): return EXITS['close'](replace(orders, fee=FEE), settings)"
    )
    world.write(plug=text)
    world.settings["exits"] = [world.plug().mine]


@way
def a_strategy_that_makes_its_own_problems(world, changed):
    text = (
        "from backtune.strategies import Strategy\nclass Mine:\n    name = 'mine'\n"
        "    def __init__(self, side): self.side = side\n    def problems(self, bars, forecast, settings):\n"
        "        sizes = lambda f, c: sided(f, self.side)\n"
        "        return Strategy('inner', sizes).problems(bars, forecast, settings)"
    )
    world.write(plug=(SIZES, text))
    world.settings["strategies"] = [world.plug().Mine("short" if changed else "long")]


@way
def whether_it_is_tuned(world, changed):
    world.write(plug=(SIZES, "def sizes(f, c): return longs(f)"))
    world.strategy(tuned=not changed)
    world.settings["strategies"].append("always_on")


@way
def a_file_that_the_forecaster_reads(world, changed):
    world.file("width.txt", "0.02" if changed else "0.01")
    text = (
        "class Reader(Mine):\n    def moves(self, bars):\n"
        "        self.width = float((HERE / 'width.txt').read_text())\n        return super().moves(bars)"
    )
    world.write(plug=(FORECASTER, text))
    world.settings["model"] = world.plug().Reader()


@way
def code_of_the_forecaster(world, changed):
    world.write(plug=(FORECASTER, f"Mine.width = {0.02 if changed else 0.01}"))
    world.settings["model"] = world.plug().Mine()


@way
def a_setting_of_the_forecaster(world, changed):
    world.write(plug=FORECASTER)
    world.settings["model"] = world.plug().Mine(2.0 if changed else 1.0)


CONTEXTS = """
    import numpy as np
    from backtune.forecasts.contexts import ContextForecaster
    from backtune.identity import file_digest
    class Mine(ContextForecaster):
        name = "mine"
        def __init__(self, weights, **options):
            super().__init__(cache=False, **options)
            self.weights = str(weights)
        def identity(self): return {"weights": file_digest(self.weights)}
        def chunk_size(self): return 64
        def predict(self, contexts, watch):
            width = float(open(self.weights).read()) * SCALE
            one = np.array([0.01, -0.01, 0.0])[:, None] * width * np.ones(9)
            return np.repeat(one[None], len(contexts), axis=0), None
"""


@way
def weights_under_the_same_path(world, changed):
    path = world.file("weights.txt", "2.0" if changed else "1.0")
    world.write(plug=(CONTEXTS, "SCALE = 1.0"))
    world.settings["model"] = world.plug().Mine(path)


@way
def code_of_a_forecaster_that_says_its_identity(world, changed):
    path = world.file("weights.txt", "1.0")
    world.write(plug=(CONTEXTS, f"SCALE = {2.0 if changed else 1.0}"))
    world.settings["model"] = world.plug().Mine(path)


@way
def the_point_that_is_traded_on(world, changed):
    path = world.file("weights.txt", "1.0")
    world.write(plug=(CONTEXTS, "SCALE = 1.0"))
    world.settings["model"] = world.plug().Mine(path, point=0.3 if changed else 0.2)


PARTY = """
    from backtune import Search
    class Middle(Search):
        library = "party"
        def search(self, evaluator, seed):
            evaluator.value(evaluator.low + WHERE * (evaluator.high - evaluator.low))
"""


def installed(world, where, version="1.0"):
    """A distribution that brings an optimizer by an entry point."""
    place = world.folder / "backtune_party-1.0.dist-info"
    place.mkdir(exist_ok=True)
    (place / "METADATA").write_text(f"Metadata-Version: 2.1\nName: backtune-party\nVersion: {version}\n")
    (place / "entry_points.txt").write_text("[backtune.optimizers]\nparty = party:Middle\n")
    world.write(party=(PARTY, f"WHERE = {where}"))
    if str(world.folder) not in sys.path:
        sys.path.insert(0, str(world.folder))
    world.settings["optimizer"] = "party"


@way
def code_of_an_optimizer_that_another_package_brings(world, changed):
    installed(world, 0.25 if changed else 0.5)


@way
def code_of_an_optimizer_that_was_edited_where_it_is_installed(world, changed):
    """Of the same version: code of an installed package counts where the plug-in itself is of it."""
    world.folder = world.folder / "site-packages"
    world.folder.mkdir(exist_ok=True)
    installed(world, 0.25 if changed else 0.5)


@way
def code_of_a_strategy_that_was_edited_where_it_is_installed(world, changed):
    place = world.folder / "site-packages"
    place.mkdir(exist_ok=True)
    inner = World(place)
    text = f"LEVEL = {int(changed)}\ndef sizes(f, c): return shorts(f) if LEVEL else longs(f)"
    inner.write(plug=(SIZES, text))
    inner.strategy()
    world.settings = inner.settings


@way
def version_of_the_package_that_brings_an_optimizer(world, changed):
    installed(world, 0.5, "1.1" if changed else "1.0")


@way
def an_attribute_of_an_optimizer(world, changed):
    installed(world, 0.5)
    world.settings["optimizer"] = bt.optimizers.optimizer("party")  # type: ignore[attr-defined]
    world.settings["optimizer"].step = 2 if changed else 1


def version(name, **settings):
    def set_up(world, changed):
        world.settings |= settings
        world.versions = {name: "0.0.1" if changed else "0.0.0"}

    WAYS[f"version_of_{name}"] = set_up


for each in ("python", "numpy", "pandas", "numba", "scipy"):
    version(each)
version("nevergrad", optimizer="nevergrad:TwoPointsDE")
version("torch", optimizer="botorch")
version("statsforecast", model="statsforecast,context=64,cache=false")


@way
def version_of_a_library_that_a_strategy_uses(world, changed):
    world.versions = {"rich": str(int(changed))}
    world.write(plug=(SIZES, "import rich\ndef sizes(f, c): return longs(f) if rich else shorts(f)"))
    world.strategy()


@way
def version_of_a_package_that_a_forecaster_declares(world, changed):
    world.versions = {"rich": str(int(changed))}
    text = "class Declared(Mine):\n    packages = ('rich',)\n    identity = lambda self: {'is': 1}"
    world.write(plug=(FORECASTER, text))
    world.settings["model"] = world.plug().Declared()


EXIT = """
    import codecs, configparser, functools, gzip, io, json, linecache, os, sys
    from pathlib import Path
    import numpy as np
    from backtune.strategies import EXITS
    HERE = Path(__file__).parent
    DATA = HERE / "data"
    NAMES = ("a", "b")
    KNOWN = "a"
    def scaled(orders, settings, k): return EXITS["close"](orders, settings)
"""
MINE = "def mine(orders, settings):\n    {}\n    return scaled(orders, settings, k)"


def exit_that(does, before, told=True, beside="", helper=""):
    """An exit, which is not run for its identity, does this before it returns; files or SIDE change."""

    def set_up(world, changed):
        os.environ["BACKTUNE_TEST_SIDE"] = "short" if changed else "long"
        for name in ("a", "b"):
            world.file(f"data/{name}.csv", "0.5" if changed else "0.25")
        world.file("names.json", '["a"]')
        world.write(helper=("import os\nSIDE = os.environ['BACKTUNE_TEST_SIDE']", helper))
        world.write(plug=(EXIT, beside, MINE.format(before)))
        world.settings["exits"] = [world.plug().mine]

    (WAYS if told else UNTOLD)[f"an_exit_that_{does}"] = set_up


for does, before in {
    "opens_a_path": "with (HERE / 'data' / 'a.csv').open() as h: k = h.read()",
    "opens_a_joined_path": "k = open(os.path.join(HERE, 'data', 'a.csv')).read()",
    "opens_with_io": "k = io.open(HERE / 'data' / 'a.csv').read()",
    "opens_with_codecs": "k = codecs.open(str(HERE / 'data' / 'a.csv')).read()",
    "opens_with_gzip": "k = gzip.open(HERE / 'data' / 'a.csv').read()",
    "opens_with_os": "k = os.read(os.open(HERE / 'data' / 'a.csv', os.O_RDONLY), 9)",
    "reads_a_line": "k = linecache.getline(str(HERE / 'data' / 'a.csv'), 1)",
    "reads_a_configuration": "c = configparser.ConfigParser(); k = c.read(HERE / 'data' / 'a.csv')",
    "reads_by_a_name_that_is_known": "k = (DATA / f'{KNOWN}.csv').read_text()",
    "reads_by_a_local_name": "path = DATA / 'a.csv'\n    k = path.read_text()",
    "reads_each_of_some": "k = [(DATA / f'{name}.csv').read_text() for name in NAMES]",
    "reads_beside_a_file": "k = json.loads((HERE / 'names.json').read_text()), (DATA / 'a.csv').read_text()",
    "scans_with_arrow": "import pyarrow.csv as c\n    k = c.open_csv(DATA / 'a.csv').read_all()",
}.items():
    exit_that(does, before)
for does, before, beside in (
    ("reads_with_a_function_of_pandas", "k = read_csv(DATA / 'a.csv')", "from pandas import read_csv"),
    ("reads_with_a_function_of_numpy", "k = load(DATA / 'a.csv')", "from numpy import loadtxt as load"),
    ("reads_with_a_bound_path", "k = load()", "load = functools.partial(np.loadtxt, DATA / 'a.csv')"),
    (
        "reads_below_an_attribute",
        "k = ONE.level()",
        "class Levels:\n    def __init__(self, at): self.at = at\n"
        "    def level(self): return (self.at / 'a.csv').open().read()\nONE = Levels(DATA)",
    ),
    ("asks_a_module_by_a_name", "k = getattr(helper, 'SI' + 'DE')", "import helper"),
    ("asks_a_module_for_all", "k = vars(helper)['SIDE']", "import helper"),
    ("asks_a_module_for_its_names", "k = helper.__dict__['SIDE']", "import helper"),
    ("passes_a_module_on", "k = asked(helper)", "import helper\ndef asked(module): return module.SIDE"),
    ("holds_a_module", "k = HELD[0].SIDE", "import helper\nHELD = [helper]"),
    ("imports_a_module_that_it_asks", "import helper as h; k = getattr(h, 'SI' + 'DE')", ""),
    ("uses_a_name_set_on_builtins", "k = SIDE", "import builtins, helper\nbuiltins.SIDE = helper.SIDE"),
    (
        "uses_a_name_set_on_a_library",
        "k = np.side()",
        "import helper\nLEVEL = helper.SIDE\nnp.side = lambda: LEVEL",
    ),
    (
        "uses_what_is_left_out_of_a_pickle",
        "k = ONE.side",
        "import helper\nclass Shy:\n    def __getstate__(self): return {}\n"
        "ONE = Shy()\nONE.side = helper.SIDE",
    ),
    (
        "uses_the_text_of_a_function",
        "k = said.__doc__",
        "import helper\ndef said(): 'x'\nsaid.__doc__ = helper.SIDE",
    ),
):
    exit_that(does, before, beside=beside)
exit_that(
    "asks_a_module_that_answers_itself", "k = helper.side", beside="import helper",
    helper="def __getattr__(name): return SIDE",
)  # fmt: skip
for does, before, beside in (
    (
        "reads_a_computed_name",
        "n = json.loads((HERE / 'names.json').read_text())[0]; k = (DATA / n).open()",
        "",
    ),
    ("reads_a_computed_name_beside_a_file", "k = open(DATA / str(orders)), open(DATA / 'a.csv')", ""),
    ("opens_a_computed_name_with_gzip", "k = gzip.open(DATA / f'{settings.name}.gz').read()", ""),
    ("maps_a_reader", "k = list(map(open, orders))", ""),
    ("calls_a_reader_by_another_name", "look = io.open; k = look(DATA / str(orders))", ""),
    ("reads_a_list_of_files", "k = [path.read_text() for path in DATA.iterdir()]", ""),
    ("reads_what_lies_elsewhere", "import pandas as pd; k = pd.read_csv('https://example.org/a.csv')", ""),
    ("reads_a_resource", "import importlib.resources as r; k = r.files('p').joinpath('a').open().read()", ""),
    ("reads_data_of_a_package", "import pkgutil; k = pkgutil.get_data('p', 'a.csv')", ""),
    ("asks_a_database", "import duckdb; k = duckdb.sql(f'from {orders}')", ""),
    ("asks_a_service", "from requests import get; k = get('https://example.org')", ""),
    ("asks_for_a_reader_by_its_name", "k = getattr(DATA / str(orders), 'read_text')()", ""),
    ("asks_for_a_reader_of_a_path", "k = getattr(DATA / 'a.csv', 'read_' + 'text')()", ""),
    ("asks_for_the_environment_by_its_name", "k = getattr(os, 'environ')['SIDE']", ""),
    ("imports_a_reader_when_it_runs", "from pandas import read_csv; k = read_csv(DATA / str(orders))", ""),
    ("takes_a_method_that_reads", "read = (DATA / str(orders)).read_text; k = read()", ""),
    ("maps_a_method_that_reads", "k = list(map(Path.read_text, orders))", ""),
    ("sets_the_name_first", "global KNOWN; KNOWN = str(orders)\n    k = (DATA / KNOWN).read_text()", ""),
    ("looks_whether_a_file_is_there", "k = (DATA / str(orders)).exists()", ""),
    ("runs_another_program", "k = os.popen('cat a').read()", ""),
    (
        "reads_another_file_of_a_class",
        "k = Levels(str(orders)).level(), ONE",
        "class Levels:\n    def __init__(self, at): self.at = DATA / at\n"
        "    def level(self): return self.at.open().read()\nONE = Levels('a.csv')",
    ),
    ("expands_a_variable", "k = os.path.expandvars('$SIDE')", ""),
    ("looks_up_a_module", "k = sys.modules['helper'].SIDE", "import helper"),
    ("uses_a_ufunc_of_a_function", "k = DOUBLE(1.0)", "DOUBLE = np.frompyfunc(lambda x: 2 * x, 1, 1)"),
    ("asks_the_clock", "k = now()", "from datetime import datetime\nnow = datetime.now"),
    (
        "was_given_a_reader",
        "k = read(orders)",
        "def of(read):\n    def inner(x): return read(x)\n    return inner\nread = of(open)",
    ),
):
    exit_that(does, before, told=False, beside=beside)
