"""The table of planted edges: symbols that never traded have no Sharpe ratio, and are counted apart."""

import math
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
import false_edges


@pytest.mark.parametrize(
    ("sharpes", "said"),
    [
        ([1.0, 3.0, 2.0], "median Sharpe   2.0"),
        ([1.0, math.nan, 2.0, math.nan], "median Sharpe   1.5, 2 never traded"),
        ([math.nan], "median Sharpe     -, 1 never traded"),
    ],
)
def test_the_median_is_of_the_symbols_that_traded(sharpes, said):
    judgements = {
        number: SimpleNamespace(evidence=SimpleNamespace(sharpe=value, traded=0 if math.isnan(value) else 9))
        for number, value in enumerate(sharpes)
    }
    assert false_edges.sharpe(judgements) == said


def test_a_small_table_is_printed(capsys, monkeypatch):
    """No edge is claimed of three random walks, alone or together."""
    asked = ["false_edges.py", "--symbols", "3", "--lengths", "20", "--window", "60", "--planted", "0"]
    monkeypatch.setattr(sys, "argv", asked)
    false_edges.main()
    printed = capsys.readouterr().out
    assert printed.startswith("3 random walks, 20 bars out of sample")
    assert printed.count(" 0 edge, ") == 2
