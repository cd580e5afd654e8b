"""The verdict in plain words, by a written rule."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from backtune.verdict.eprocess import anytime_p
from backtune.verdict.evidence import EXPOSURE, NOTHING, Evidence
from backtune.verdict.luck import holm
from backtune.verdict.overfitting import NORMAL
from backtune.verdict.power import LEVEL, told_sharpe

EDGE, DEPENDS, UNKNOWN = "edge", "depends on the order inside the bar", "cannot tell"
NO_SIGN, NONE = "no sign of an edge", "no edge"
VERDICTS = (EDGE, DEPENDS, UNKNOWN, NO_SIGN, NONE)
LEAST_TRADED = 20
WORTH_HAVING = 0.5  # Sharpe ratio a year, about that of the stock market itself
LOOK, WATCH = "p-value", "e-value"  # what an edge is claimed by

RULE = f"""\
Judged are the out-of-sample bars alone, under the causal fill rule. What so many bars can prove is said \
first: the Sharpe ratio that they tell from luck 8 times in 10.
Two questions are put to the tuned strategies. Did any earn more than nothing? Did any earn more than \
buy-and-hold with the same exposure to the market (beta)? Each is answered by Hansen's SPA test with a \
stationary bootstrap, which allows for the best of several strategies having been picked, and by a t-test \
that allows for autocorrelation; the strategy with the highest Sharpe ratio, of those that did not lose \
everything, has to pass both questions itself. The probabilistic Sharpe ratio, which allows for skew, has \
to agree. The largest of these p-values counts: it is for one look, planned beforehand. For looking as \
often as one likes there is the e-value: the highest wealth, from a start of 1, of a bettor who staked a \
part of it on each bar's return; without an edge it ever reaches {1.0 / LEVEL:.0f} in at most {LEVEL:.0%} \
of cases. Holm's correction raises the p-value, and the wealth asked for, for the number of symbols of \
this run. It does not know of other runs, models or windows on the same bars: the ledger counts those, and \
what they would make of the verdict is said beside it. The verdict is the first of these that holds:
"{EDGE}": the corrected p-value is at most {LEVEL:.0%}, or the corrected e-value at least \
{1.0 / LEVEL:.0f} (it is said which), and at least {LEAST_TRADED} bars were traded.
"{DEPENDS}": not so under the causal rule, but the p-value is so under the optimistic one.
"{NONE}": that strategy lost everything; or an edge worth having, a Sharpe ratio of {WORTH_HAVING} a year, \
is above the 95% interval of its Sharpe ratio or of that of its return above the same exposure.
"{NO_SIGN}": its mean return is not above nothing, or not above the same exposure, or luck does as well at \
least half of the time (p of one half or more, before the correction).
"{UNKNOWN}: N more days needed": the rest. N is how many trading days the records of all symbols would \
have to go on as they did, the test statistics growing with the square root of the bars, for the corrected \
p-value to reach {LEVEL:.0%} (each symbol by its own step of Holm's correction) and for {LEAST_TRADED} \
bars to be traded; where bars are too few or too even for any test, until {LEAST_TRADED} are traded. The \
p-value is valid for a look after those days, not for each day until then; the e-value is.
The run as a whole is judged once, as one portfolio with equal capital in every symbol."""


@dataclass(frozen=True)
class Judgement:
    """The verdict on one symbol, or on a run.

    Attributes
    ----------
    verdict : str
        One of `VERDICTS`.
    days_needed : int or None
        Trading days that are missing, where the verdict is "cannot tell".
    p_value, p_optimistic : float
        Corrected for the number of symbols, under the causal and the optimistic rule.
    e_value : float
        Highest wealth of the bettor, over what Holm's correction asks of it: 20 is an edge at any look.
    evidence : Evidence
    symbols : int
        How many were judged together.
    """

    verdict: str
    days_needed: int | None
    p_value: float
    p_optimistic: float
    e_value: float
    evidence: Evidence
    symbols: int = 1

    @property
    def claimed_by(self) -> tuple[str, ...]:
        """What claims the edge, `LOOK`, `WATCH` or both; nothing where there is none."""
        claims = ((LOOK, self.p_value <= LEVEL), (WATCH, self.e_value >= 1.0 / LEVEL))
        return tuple(name for name, holds in claims if holds and self.verdict == EDGE)

    @property
    def told_sharpe(self) -> tuple[float, float]:
        """Sharpe ratio a year that so many bars tell from luck 8 times in 10: alone, among the symbols."""
        e = self.evidence
        alone, among = (
            told_sharpe(e.bars, e.periods_a_year, strategies=e.candidates, symbols=symbols)
            for symbols in (1, self.symbols)
        )
        return alone, among

    @property
    def can_prove(self) -> str:
        """What the record can prove at all, in a sentence."""
        alone, among = self.told_sharpe
        if math.isnan(alone):
            return f"{_bars(self.evidence.bars)}: less than a month tells no Sharpe ratio from luck."
        more = f", {among:.1f} among {self.symbols:,} symbols" if self.symbols > 1 else ""
        bars = _bars(self.evidence.bars)
        return f"{bars} can tell a Sharpe ratio of {alone:.1f} from luck{more} (8 times in 10)."

    @property
    def label(self) -> str:
        """The verdict as tables show it."""
        return (
            self.verdict if self.days_needed is None else f"{self.verdict}: {days(self.days_needed)} needed"
        )

    @property
    def sentence(self) -> str:
        """The answer: what was earned, whether that is luck, and what the order inside the bar decides."""
        e = self.evidence
        low, high = e.sharpe_interval
        earned = (
            f"{e.strategy} {'earned' if e.total_return > 0 else 'lost'} {abs(e.total_return):.1%} out of "
            f"sample in {_bars(e.bars)}, {e.traded} of them traded{e.order.counted_by} "
            f"(buy-and-hold {e.market_return:+.1%}); "
            f"Sharpe ratio {_number(e.sharpe)}, 95% interval {_number(low)} to {_number(high)}."
            if e.traded
            else f"{e.strategy} never traded in {_bars(e.bars)} (buy-and-hold {e.market_return:+.1%})."
        )
        return f"{earned} {self._luck} {self._order}".strip()

    @property
    def _luck(self) -> str:
        e = self.evidence
        if self.verdict == EDGE:
            return self._claim
        if self.verdict == DEPENDS:
            return (
                f"That is no edge ({self._p}); {e.if_optimistic.strategy} would have one "
                f"(p = {self.p_optimistic:.2g}) if every bar had run in the order that suits it."
            )
        if self.days_needed is not None and not e.testable:
            return f"No test can judge so few or so even bars: it takes {days(self.days_needed)} to test."
        if self.days_needed is not None:
            return f"That cannot be told from luck ({self._p}): it takes {days(self.days_needed)} like these."
        if e.ruined:
            return "No edge: everything was lost, and an account that is gone stays gone."
        if self.verdict == NONE:
            above = " of its return above the same exposure" if e.upper < e.sharpe_interval[1] else ""
            return (
                f"No edge: {self._reason}, and a Sharpe ratio of {WORTH_HAVING}, which would be worth "
                f"having, is above the 95% interval{above} (it ends at {e.upper:.2f})."
            )
        return f"No sign of an edge: {self._reason}."

    @property
    def _reason(self) -> str:
        """Why an edge is not seen."""
        e = self.evidence
        if not e.excess[NOTHING] > 0.0:
            return "nothing was earned" if e.traded else "nothing was traded"
        if not e.excess[EXPOSURE] > 0.0:
            return "holding the market at the same exposure earned as much"
        if e.p_value >= 0.5:
            return f"luck does as well at least half of the time (p = {e.p_value:.2f})"
        return f"luck does as well in {e.p_value:.0%} of cases"

    @property
    def _claim(self) -> str:
        luck = f"luck alone would do as well in {self.p_value:.2%} of cases, at one planned look"
        bettor = (
            f"a bettor's wealth grew {self.evidence.e_value:,.0f}-fold by bar {self.evidence.e_bar + 1}, for "
            f"which luck has a chance of {1.0 / self.e_value:.2%}, however often one looks"
        )
        said = {LOOK: luck, WATCH: bettor}
        first, *more = (said[name] for name in self.claimed_by)
        return f"{first[0].upper()}{first[1:]}{f'; and {more[0]}' if more else ''}: an edge."

    @property
    def _p(self) -> str:
        alone, corrected = f"{self.evidence.p_value:.2f}", f"{self.p_value:.2f}"
        return f"p = {alone}" if alone == corrected else f"p = {alone} alone, {corrected} among the symbols"

    @property
    def _order(self) -> str:
        order = self.evidence.if_optimistic if self.verdict == DEPENDS else self.evidence.order
        if not order.trades:
            return ""
        if not order.ambiguous:
            return "No fill is known to depend on the order inside the bar."
        return (
            f"{order.ambiguous} of {order.trades} fills{order.counted_by} depend on the order inside the "
            f"bar, which bars do not tell: {order.causal_return:+.1%} if it never helped, "
            f"{order.optimistic_return:+.1%} if it always did."
        )


def judge(evidences: Mapping[str, Evidence], bars_a_day: Mapping[str, float]) -> dict[str, Judgement]:
    """Judge symbols that were looked at together; see `RULE`.

    Parameters
    ----------
    evidences : mapping of symbol to Evidence
    bars_a_day : mapping of symbol to float
        Bars in a trading day, to give the record that is missing in days.
    """
    causal = holm([e.p_value for e in evidences.values()])
    optimistic = holm([e.p_optimistic for e in evidences.values()])
    watched = holm([anytime_p(e.e_value) for e in evidences.values()])
    needed = _days_needed(evidences, bars_a_day)
    return {
        symbol: _judged(e, (p, q, 1.0 / w), needed[symbol], len(evidences))
        for (symbol, e), p, q, w in zip(evidences.items(), causal, optimistic, watched, strict=True)
    }


def _judged(
    e: Evidence, corrected: tuple[float, float, float], days_needed: float, symbols: int
) -> Judgement:
    p_value, p_optimistic, e_value = corrected
    verdict = verdict_word(e, p_value, p_optimistic, e_value)
    needed = max(1, math.ceil(days_needed)) if verdict == UNKNOWN else None
    return Judgement(verdict, needed, p_value, p_optimistic, e_value, e, symbols)


def verdict_word(e: Evidence, p_value: float, p_optimistic: float, e_value: float) -> str:
    """One of `VERDICTS`, by the rule; p-values and e-value corrected for what was looked at beside."""
    enough = e.traded >= LEAST_TRADED and not e.ruined
    above = e.excess[NOTHING] > 0.0 and e.excess[EXPOSURE] > 0.0
    if enough and (p_value <= LEVEL or e_value >= 1.0 / LEVEL):
        return EDGE
    if e.if_optimistic.traded >= LEAST_TRADED and p_optimistic <= LEVEL:
        return DEPENDS
    if e.ruined or e.upper < WORTH_HAVING:
        return NONE
    return NO_SIGN if not above or (e.p_value >= 0.5 and e.testable) else UNKNOWN


def _days_needed(evidences: Mapping[str, Evidence], bars_a_day: Mapping[str, float]) -> dict[str, float]:
    """Trading days missing until each symbol passes, if all records go on as they did.

    Holm's step of rank k of m (0 the smallest p-value) asks for LEVEL / (m - k), once all before it passed.
    """
    ranked = sorted(evidences, key=lambda symbol: evidences[symbol].p_value)
    days_needed, before = {}, 0.0
    for rank, symbol in enumerate(ranked):
        e, a_day = evidences[symbol], bars_a_day[symbol]
        for_trades = e.bars * (LEAST_TRADED / max(e.traded, 1) - 1.0) / a_day
        if e.testable and e.p_value < 0.5:  # as the statistic grows with sqrt(n)
            seen, wanted = (NORMAL.inv_cdf(1.0 - p) for p in (e.p_value, LEVEL / (len(ranked) - rank)))
            before = max(before, e.bars * ((wanted / seen) ** 2 - 1.0) / a_day)
            days_needed[symbol] = max(before, for_trades)
        else:
            days_needed[symbol] = for_trades
    return days_needed


def days(count: int) -> str:
    """Number of days in words; beyond 100 years the figure means nothing more."""
    return "more than 100 years" if count > 36_500 else f"{count:,} more day{'s' if count != 1 else ''}"


def _bars(count: int) -> str:
    return f"{count} bar{'s' if count != 1 else ''}"


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"
