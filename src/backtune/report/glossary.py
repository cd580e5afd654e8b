"""What the page's words mean: shown where one is pointed at or tapped, and as a list at the end."""

from __future__ import annotations

from backtune.report.html import text

TERMS = {
    "out of sample": "On bars that nothing was tuned on: each simulation is tuned on the bars before them.",
    "in sample": "On the bars that a simulation was tuned on: what tuning promised, which nobody earned.",
    "after costs": "Fees of every fill, and what else the costs of the run say, are taken off.",
    "Sharpe ratio": "Mean return over its standard deviation, a year, without a risk-free rate.",
    "volatility": "Standard deviation of the returns, a year.",
    "drawdown": "How far the account is below the highest point that it had reached.",
    "exposure": "Share of the capital in open positions, on average over the bars.",
    "turnover": "What was bought and sold a year, in units of the capital.",
    "effective symbols": "How many symbols of equal weight would be as concentrated.",
    "causal": "A fill is booked only where the bar proves it. The verdict is by this rule.",
    "optimistic": "Inside the bar, high and low come in the order that earns most. The true result lies "
    "between the causal one and this.",
    "ambiguous": "Fills whose result depends on whether the high or the low of the bar came first.",
    "edge": "A return that neither luck nor the market explains, by the written rule.",
    "p-value": "How often luck alone would look at least as good. Below 0.05 it is called an edge.",
    "corrected": "Raised for having looked at several symbols: the best of many looks good by luck.",
    "e-value": "Highest wealth of a bettor on each bar's return; 20 is an edge at whatever time one looks.",
    "offset": "Added to the forecast of a bar's high or low: there the order rests. It is what is tuned.",
    "forecast": "Predicted high and low of the next bar, made from the bars before it.",
    "simulation": "Tune on a window of bars, trade the next ones with that, move on.",
    "held": "The assets bought at the start and sold at the end, with costs and the same weights.",
    "take-profit": "Limit order that closes a position at a gain.",
    "probabilistic Sharpe ratio": "Chance that the true one is above 0, given length, skew and tails.",
    "deflated Sharpe ratio": "Chance that it is above what the best of all trials shows by luck.",
    "minimum track record": "Bars that it takes to say with 95% that the Sharpe ratio is above 0.",
    "probability of backtest overfitting": "Chance that what did best on one half of the record is below the "
    "middle on the other.",
    "SPA p-value": "Hansen's test: the chance that the best of several strategies looks so good by luck.",
    "reality check": "White's test, an older and more careful one for the same question.",
    "plateau": "Stretch of an offset over which at most a tenth of the optimum is lost. Narrow is fragile.",
    "bettor's wealth": "What somebody has who starts with 1 and stakes a part of it on each bar's return.",
    "profit factor": "Sum of the gains over the sum of the losses.",
    "win rate": "Share of the traded bars that earned something.",
    "alpha a year": "Return a year above what the exposure to the market explains.",
    "beta": "How much it moves when the market moves by 1.",
    "Sortino ratio": "As the Sharpe ratio, with the losses alone in the deviation.",
    "Calmar ratio": "Return a year over the worst drawdown.",
    "Omega ratio": "Sum of the gains over the sum of the losses, bar by bar.",
    "CAGR": "Return a year, compounded.",
    "growth of 100": "What 100 invested at the start became, after costs, gains reinvested.",
}


def term(word: str, shown: str | None = None) -> str:
    """A word with its meaning behind it, on hover, focus or tap."""
    if word not in TERMS:
        raise KeyError(word)
    return f'<button type="button" class="term" data-term="{text(word)}">{text(shown or word)}</button>'


def with_meaning(label: str) -> str:
    """Escape a label, as a term where it is one."""
    return term(label) if label in TERMS else text(label)


def glossary_section() -> str:
    """All of them, for paper and for whoever wants to read them at once."""
    rows = "".join(f"<dt>{text(word)}</dt><dd>{text(said)}</dd>" for word, said in sorted(TERMS.items()))
    opened = '<details class="card" id="glossary"><summary>Glossary</summary>'
    return f'{opened}<dl class="glossary">{rows}</dl></details>'
