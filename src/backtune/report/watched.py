"""What the page says for those who look again: the bettor's wealth, and what was tried on the same bars."""

from __future__ import annotations

import numpy as np

from backtune.backtest import Result
from backtune.metrics.account import columns_by_strategy
from backtune.report.figures import BLUE, GREY, OTHERS, Chart, line, panel, times_of
from backtune.report.html import number, prose
from backtune.strategies import BUY_HOLD
from backtune.verdict.eprocess import wealth
from backtune.verdict.evidence import staked
from backtune.verdict.power import LEVEL
from backtune.verdict.rule import Judgement
from backtune.verdict.tried import Beside

LEAST = 1e-3  # of a wealth, as drawn


def wealth_chart(result: Result, judgement: Judgement) -> Chart:
    """Wealth of the bettor on each tuned strategy, on all of them, and what an edge asks for."""
    series = columns_by_strategy(result.returns)
    names = [name for name in series if name in result.tuned]
    columns, market = staked(series, names), series[BUY_HOLD]["causal"]
    each = [np.minimum(wealth(column), wealth(column, market)) for column in columns.T]
    times = times_of(result.bars_of(names[0])["timestamp"])
    asked = np.full(len(times), judgement.symbols / LEVEL)
    lines = [line("all", np.maximum(np.mean(each, axis=0), LEAST), BLUE, width=2.5)]
    if len(names) > 1:
        lines += [
            line(name, np.maximum(grown, LEAST), colour, width=1.2)
            for name, grown, colour in zip(names, each, OTHERS * len(names), strict=False)
        ]
    lines.append(line("an edge", asked, GREY, dash=True))
    return {"x": times, "panels": [panel("wealth", "", lines, height=220, log=True)]}


def wealth_note(judgement: Judgement) -> str:
    """What the wealth says, in a note."""
    e = judgement.evidence
    m = judgement.symbols
    among = f", and for {m / LEVEL:,.0f} as the first of {m:,} symbols" if m > 1 else ""
    return (
        "<p class='note'>A bettor stakes a part of the wealth on each bar's return. Without an edge it ever "
        f"reaches {1.0 / LEVEL:.0f} in at most {LEVEL:.0%} of cases, so it may be watched bar by bar. It was "
        f"{number(e.e_value)} at most and is {number(e.e_last)}; an edge asks for {1.0 / LEVEL:.0f} alone"
        f"{among}.</p>"
    )


def tried_note(beside: Beside | None) -> str:
    """What was tried on these bars, in a note; nothing where the ledger knows of nothing else."""
    return f'<p class="note">{prose(beside.sentence)}</p>' if beside and beside.sentence else ""
