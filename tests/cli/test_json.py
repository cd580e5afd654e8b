"""Each command's --json is what its schema says, and no command has none."""

import json
import os
import subprocess
import sys
from importlib.resources import files

import pytest

import backtune as bt
import price_frames
from backtune.cli import app, main
from backtune.cli.options import SCHEMA_VERSION
from backtune.cli.schema import SHARED

SMALL = ("--simulations", 3, "--window", 40)
PLUGS = """
import pandas as pd
from backtune.bars.sources import Source
from backtune.strategies import Strategy

import backtune as bt

space = bt.Space(days=(1, 3))

def follow(bars, p):
    moves = bars["close"].pct_change().fillna(0.0)
    return moves * (moves.rolling(p["days"]).mean().shift(1) > 0)

mine = Strategy("mine", lambda forecast, can_short: ((forecast.high > 0) * 1.0, (forecast.high > 9) * 1.0))

class Shop(Source):
    name = "shop"
    def pages(self, symbol, interval, start, end):
        stamps = pd.date_range("2024-01-01", periods=9, tz="UTC")
        yield pd.DataFrame({"timestamp": stamps, "open": 1, "high": 2, "low": 0.5, "close": 1, "volume": 1})
"""
TINY_BENCH = ("--seeds", 2, "--budget", 30, "--timing-seeds", 1, "--workers", 1)
CALLS = {
    "run": ("run", "ONE", "BAD", "--data", "prices", *SMALL, "--run-folder", "again"),
    "walkforward": (
        "walkforward", "plugs_of_json:follow", "ONE", "--space", "plugs_of_json:space", "--data", "prices",
        *SMALL, "--run-folder", "own",
    ),
    "report": ("report", "first", "second", "--benchmark", "ONE"),
    "export": ("export", "first", "--output", "exported"),
    "compare": ("compare", "first", "second"),
    "runs": ("runs", "."),
    "ledger": ("ledger",),
    "power": ("power", "ONE", "--data", "prices", *SMALL),
    "optimizers": ("optimizers",),
    "profile": ("profile", "ONE", "--data", "prices", *SMALL),
    "forecast_check": ("forecast-check", "naive", "ONE", "--data", "prices", *SMALL),
    "check": ("check", "plugs_of_json:mine", "ONE", "--data", "prices"),
    "orders": ("orders", "ONE", "NONE", "--data", "prices", "--end", "2021-06-30", *SMALL),
    "data_check": ("data", "check", "prices"),
    "data_download": ("data", "download", "ABC", "--source", "plugs_of_json:Shop", "--to", "loaded"),
    "cache_info": ("cache", "info"),
    "cache_clear": ("cache", "clear"),
    "forecasts_check": (
        "forecasts", "check", "naive", "--symbols", "ONE", "--data", "prices", "--rotations", 25, *SMALL,
    ),
    "forecasts_compare": (
        "forecasts", "compare", "naive", "range", "--symbols", "ONE", "--data", "prices", *SMALL,
    ),
    "bench": (
        "bench", "--objective", "bench_objectives:parabola", "--optimizers", "random,sobol", *TINY_BENCH,
    ),
    "sql": ("sql", "first", "select symbol, sharpe from summary"),
}  # fmt: skip
BY_NAME = {"optimizers", "check", "forecast_check"}  # keys are names, so that none can be a version
NEEDS = {"bench": "ioh", "sql": "duckdb"}


def call(*arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["backtune", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
    return left.value.code


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Folder with prices, one file of them bad, plug-ins, and two runs."""
    folder = tmp_path_factory.mktemp("json")
    (folder / "prices").mkdir()
    price_frames.frame(300).to_csv(folder / "prices" / "ONE.csv", index=False)
    (folder / "prices" / "BAD.csv").write_text("time,open,high,low,close\n2024-01-01,1,0,2,1\n", "utf-8")
    (folder / "plugs_of_json.py").write_text(PLUGS, "utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("BACKTUNE_CACHE", str(folder / "cache"))
        patch.setenv("BACKTUNE_LEDGER", str(folder / "ledger.jsonl"))
        run = ("run", "ONE", "--data", "prices", "--simulations", 30)
        assert call(*run, "--window", 40, "--run-folder", "first", "--json") == 0
        assert call(*run, "--window", 60, "--run-folder", "second", "--json") == 0
        yield folder


def schema_of(name):
    return json.loads(
        (files("backtune.cli") / "schemas" / f"{SHARED.get(name, name)}.json").read_text("utf-8")
    )


def no_constant(name):
    raise AssertionError(f"{name} is no JSON")


@pytest.mark.slow
@pytest.mark.needs("jsonschema")
@pytest.mark.parametrize("name", CALLS)
def test_what_a_command_prints_is_what_its_schema_says(name, place, capsys):
    jsonschema = pytest.importorskip("jsonschema")
    pytest.importorskip(NEEDS.get(name, "json"))
    code = call(*CALLS[name], "--json")
    out, err = capsys.readouterr()
    assert out, (code, err)
    plain = json.loads(out, parse_constant=no_constant)
    schema = schema_of(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(plain)
    if isinstance(plain, dict) and name not in BY_NAME:
        assert next(iter(plain)) == "schema_version"
        assert plain["schema_version"] == SCHEMA_VERSION


@pytest.mark.slow
@pytest.mark.needs("jsonschema")
def test_so_does_compare_of_tunings(place, capsys):
    jsonschema = pytest.importorskip("jsonschema")
    options = ("--tunings", "--data", "prices", "--strategies", "maxdiff", *SMALL, "--json")
    assert call("compare", "ONE", *options) == 0
    plain = json.loads(capsys.readouterr().out, parse_constant=no_constant)
    jsonschema.Draft202012Validator(schema_of("compare")).validate(plain)
    assert plain["tunings"][0]["p_better"] is None


@pytest.mark.slow
@pytest.mark.needs("jsonschema", "ioh")
def test_so_does_bench_with_points_at_a_time(place, capsys):
    jsonschema = pytest.importorskip("jsonschema")
    assert call(*CALLS["bench"], "--parallel", 2, "--output", "parallel", "--json") == 0
    plain = json.loads(capsys.readouterr().out, parse_constant=no_constant)
    jsonschema.Draft202012Validator(schema_of("bench")).validate(plain)
    assert {row["method"] for row in plain["wall_clock"]} == {"random", "sobol"}
    assert plain["parallel"] == 2


@pytest.mark.needs("jsonschema")
def test_a_schema_refuses_what_lacks_a_key_or_has_another_type():
    jsonschema = pytest.importorskip("jsonschema")
    valid = {"schema_version": 1, "freed": 0}
    jsonschema.validate(valid, schema_of("cache_clear"))
    for wrong in ({"schema_version": 1}, valid | {"freed": "0"}, valid | {"schema_version": 2}, []):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema_of("cache_clear"))


@pytest.mark.parametrize("name", ["run", "report"])
def test_the_verdicts_of_a_schema_are_those_of_the_rule(name):
    from backtune.verdict.rule import VERDICTS

    words = schema_of(name)["$defs"]["judgement"]["properties"]["verdict"]["enum"]
    assert words == list(VERDICTS)


def commands():
    """Names of all commands, and what they are called with."""
    from typer.main import get_command

    group = get_command(app)
    for name, command in group.commands.items():
        within = getattr(command, "commands", None)
        for inner, item in (within or {"": command}).items():
            yield f"{name}_{inner}".rstrip("_").replace("-", "_"), item


def test_every_command_with_json_has_a_schema_and_a_call_here():
    json_commands = {name for name, item in commands() if any("--json" in p.opts for p in item.params)}
    assert {name for name, _ in commands()} - json_commands == {"schema"}
    stored = {path.name.removesuffix(".json") for path in (files("backtune.cli") / "schemas").iterdir()}
    assert json_commands == set(CALLS) == stored | set(SHARED)


def test_schema_prints_names_and_schemas(backtune):
    code, out, _ = backtune("schema")
    assert code == 0
    assert "data check" in out.splitlines()
    code, out, _ = backtune("schema", "forecasts", "check")
    assert (code, json.loads(out)) == (0, schema_of("forecasts_check"))
    code, _, err = backtune("schema", "rum")
    assert code == 2
    assert "did you mean 'run'" in err


def test_version(backtune):
    assert backtune("--version") == (0, f"backtune {bt.__version__}\n", "")


def test_a_shell_completes_commands_and_those_within_them():
    """In a process of its own: the name of the program that runs decides the variable that a shell sets."""
    script = "import sys; sys.argv = ['backtune']; from backtune.cli import main; main()"
    asked = {"_BACKTUNE_COMPLETE": "complete_bash", "COMP_WORDS": "backtune forecasts co", "COMP_CWORD": "2"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=os.environ | asked, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.split()) == (0, ["compare"]), done.stderr
