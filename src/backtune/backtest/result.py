"""What the simulations of one symbol gave: in memory, or read from a run folder when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from html import escape
from typing import Any, Protocol

import numpy as np
import pandas as pd

from backtune.backtest.notes import data_notes
from backtune.backtest.placed import without_order
from backtune.backtest.settings import Settings
from backtune.bars import Bars, Note
from backtune.forecasts import Forecast, forecaster
from backtune.metrics.account import account_bars
from backtune.metrics.picture import figures_table, growth_picture
from backtune.metrics.trades import by_reason
from backtune.problem import Costs
from backtune.strategies import BUY_HOLD


class Origin(Protocol):
    """What a result was made of: at hand, or to be loaded again.

    Attributes
    ----------
    settings, bars, forecast
        See `Result`.
    options : mapping
        The settings as plain values, as `Settings.as_dict` gives them.
    tuned : tuple of str
        Names of the strategies that were tuned, in their order; all others are yardsticks.
    facts : mapping
        See `Result.facts`.
    evidence : mapping
        What `backtune.verdict.evidence` wrote down of the tables; empty where it was not yet asked.
    """

    @property
    def settings(self) -> Settings: ...  # noqa: D102
    @property
    def bars(self) -> Bars: ...  # noqa: D102
    @property
    def forecast(self) -> Forecast: ...  # noqa: D102
    @property
    def options(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def tuned(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def facts(self) -> Mapping[str, Any]: ...  # noqa: D102
    @property
    def evidence(self) -> Mapping[str, Any]: ...  # noqa: D102


@dataclass(frozen=True, eq=False)
class Memory:
    """The `Origin` of a result that was just made."""

    settings: Settings
    bars: Bars
    forecast: Forecast
    seconds: Mapping[str, float] = field(default_factory=dict)
    checks: tuple[str, ...] = ()
    idle: Mapping[str, str] = field(default_factory=dict)
    evidence: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def options(self) -> Mapping[str, Any]:
        """See `Origin`."""
        return self.settings.as_dict()

    @property
    def tuned(self) -> tuple[str, ...]:
        """See `Origin`."""
        return self.settings.tuned

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """See `Result.facts`."""
        bars, costs = self.bars, self.settings.costs_of(self.bars)
        first, last = (str(moment) for moment in bars.timestamps[[0, -1]])
        return {
            "source": bars.source,
            "bars": len(bars),
            **self._simulations,
            "dropped": bars.dropped,
            "asset": bars.asset,
            "fee": costs.maker,
            **({} if costs.is_plain else {"costs": costs.as_dict()}),
            "periods_a_year": bars.periods_a_year,
            "days_a_year": bars.pace.days_a_year,
            "checks": list(self.checks),
            "idle": dict(self.idle),
            "notes": [note.as_dict() for note in (*data_notes(bars, self.settings), *self.forecast.notes)],
            "first": first,
            "last": last,
            "last_close": float(bars.close[-1]),
            "sha256": bars.digest,
            "seconds": {name: round(value, 6) for name, value in self.seconds.items()},
        }

    @property
    def _simulations(self) -> dict[str, int]:
        """Number of simulations, and of those that the bars would allow."""
        walk, first = self.settings.walk_forward(self.bars), max(forecaster(self.settings.model).warm_up, 1)
        n = len(self.bars)
        return {"simulations": walk.count(n, first), "most_simulations": walk.fitting(n, first)}


@dataclass(frozen=True, eq=False, repr=False)
class Result:
    """What the simulations of one symbol gave.

    Of a run folder a table is read when it is first used, the bars are loaded and the forecast is made again
    then: a run keeps neither.

    Attributes
    ----------
    symbol : str
    tables : mapping of str to DataFrame
        The six tables below by name.
    simulations : DataFrame
        A row an optimization: simulation (0 the oldest), strategy, close_at_eod (of the exits of one bar),
        selected (the exit that was better in sample, whose returns count), the parameters by name
        (high_offset, low_offset), in_sample (total return over the window: what was tuned on, never earned),
        out_of_sample (total return over the horizon), trades and ambiguous (fills out of sample, and those
        whose result depends on the order inside the bar), start, end (first and last bar out of sample),
        optimizer_seconds, evaluations, exit, objective (what was maximised, in sample), and of the optimum
        exact, stopped, failures, bound (see `backtune.Optimum`).
    summary : DataFrame
        A row a strategy, out of sample; see `backtune.metrics.summary.summarize`.
    returns : DataFrame
        A row a strategy and out-of-sample bar: strategy, simulation, timestamp, local (the same on the
        exchange's own clock), value (return under the run's fill rule), causal, optimistic (the same offsets
        under those rules), trades, ambiguous, turnover (notional bought and sold, in units of capital), held
        (positions that were open at any time in the bar), costs (paid in the bar, of capital; where they are
        not one fee), questions (with detail: fills whose result depends on the order by the bars alone). The
        account that was traded: where exit hold is
        among those tried, its bars are not always those of one configuration (docs/holding.md). What each
        bar returns by itself: figures leave out what follows a total loss
        (`backtune.metrics.performance.account_returns`).
    configurations : DataFrame
        The same for every strategy and exit that was tried, whether selected or not: strategy, exit,
        close_at_eod, selected, and the columns of `returns`.
    inputs : DataFrame
        What the problems were made of, a row a bar from the first tuning window on: timestamp, open, high,
        low, close, high_forecast, low_forecast, close_forecast (moves), and for each strategy its sizes,
        ``STRATEGY:long`` and ``STRATEGY:short``.
    origin : Origin
        What the following are read from.
    settings : Settings
    options : mapping
        The same as plain values, which a run folder has also where the settings had objects in them.
    tuned : tuple of str
        Names of the strategies that were tuned; all others are yardsticks.
    bars : Bars
    forecast : Forecast
    facts : mapping
        Plain values: simulations (their number), most_simulations (that the bars allow); of the bars source,
        bars (their number), dropped, asset, fee, periods_a_year,
        days_a_year, first, last, last_close, sha256; and checks, idle, notes, seconds.
    notes : tuple of Note
        What to know of the data and the forecasts; what these know of their own bars begins with LEAK.
    seconds : mapping
        Wall-clock time of forecast (and of its parts, forecast_load and so on, where the model tells them
        apart), optimize, evaluate, and of the call (total).
    checks : tuple of str
        What was done to see whether strategies and forecasters of one's own look ahead, and what that cannot
        see: a sentence each.
    idle : mapping of str to str
        Why a strategy never traded out of sample, by its name.
    ledger : DataFrame
        A row a trade out of sample, buy-and-hold's left out: strategy, entry and exit (times of their bars),
        bars (that it spans), side, reason (why it was left: close, take_profit, stop, time, end), size,
        entry_price, exit_price, value (its return times its size, costs included).
    """

    symbol: str
    tables: Mapping[str, pd.DataFrame]
    origin: Origin

    @property
    def simulations(self) -> pd.DataFrame:
        """A row an optimization."""
        return self.tables["simulations"]

    @property
    def summary(self) -> pd.DataFrame:
        """A row a strategy, out of sample."""
        return self.tables["summary"]

    @property
    def returns(self) -> pd.DataFrame:
        """A row a strategy and out-of-sample bar."""
        return self.tables["returns"]

    @property
    def configurations(self) -> pd.DataFrame:
        """A row a strategy, exit and out-of-sample bar."""
        return self.tables["configurations"]

    @property
    def inputs(self) -> pd.DataFrame:
        """Moves, forecasts and sizes: a row a bar."""
        return self.tables["inputs"]

    @property
    def ledger(self) -> pd.DataFrame:
        """A row a trade out of sample."""
        return self.tables["ledger"]

    @property
    def reasons(self) -> pd.DataFrame:
        """What trades earned by why they were left; see `backtune.metrics.trades.by_reason`."""
        return by_reason(self.ledger)

    @property
    def costs(self) -> Costs:
        """What trading costs."""
        facts = self.facts
        return Costs(**facts["costs"]) if "costs" in facts else Costs.plain(float(facts["fee"]))

    @property
    def settings(self) -> Settings:
        """The settings of the run.

        Raises
        ------
        RunError
            They cannot be made again from what a run folder keeps.
        """
        return self.origin.settings

    @property
    def options(self) -> Mapping[str, Any]:
        """The settings as plain values."""
        return self.origin.options

    @property
    def tuned(self) -> tuple[str, ...]:
        """Names of the strategies that were tuned."""
        return self.origin.tuned

    @property
    def bars(self) -> Bars:
        """The bars that were backtested.

        Raises
        ------
        BarsError, SettingError
            They cannot be loaded again.
        RunError
            They are others now.
        """
        return self.origin.bars

    @property
    def forecast(self) -> Forecast:
        """The forecast of those bars.

        Raises
        ------
        RunError
            It is another now: the model, its weights or what it reads was changed.
        """
        return self.origin.forecast

    @property
    def facts(self) -> Mapping[str, Any]:
        """Plain values of the bars and of the run."""
        return self.origin.facts

    @property
    def unseen_bars(self) -> int:
        """Bars of the file that no simulation traded, and that could be traded; 0 where it is not known."""
        facts = self.facts
        unseen = int(facts.get("most_simulations", 0)) - int(facts.get("simulations", 0))
        return max(unseen, 0) * int(self.options.get("horizon", 1))

    @property
    def notes(self) -> tuple[Note, ...]:
        """What to know of the data."""
        return tuple(Note.from_dict(plain) for plain in self.facts.get("notes", ()))

    @property
    def seconds(self) -> Mapping[str, float]:
        """Wall-clock time by stage."""
        return dict(self.facts.get("seconds", {}))

    @property
    def checks(self) -> tuple[str, ...]:
        """What was done to see whether plug-ins look ahead."""
        return tuple(self.facts.get("checks", ()))

    @property
    def idle(self) -> Mapping[str, str]:
        """Why a strategy never traded."""
        return dict(self.facts.get("idle", {}))

    def bars_of(self, strategy: str) -> pd.DataFrame:
        """Out-of-sample bars of one strategy, the exit selected, until nothing is left of its account."""
        return self._bars.get(strategy, self.returns.iloc[:0])

    def chosen(self, strategy: str) -> pd.DataFrame:
        """Simulations of one strategy, the exit selected."""
        return self._chosen.get(strategy, self.simulations.iloc[:0])

    def trades_of(self, strategy: str) -> pd.DataFrame:
        """Trades of one strategy out of sample: its rows of the ledger."""
        return self._trades.get(strategy, self.ledger.iloc[:0])

    @property
    def placed(self) -> dict[str, dict[str, float]]:
        """Shares of simulations without an order, and with offsets at a bound, by tuned strategy."""
        shares = {}
        for name in self.tuned:
            chosen = self.chosen(name)
            at_bound = chosen.get("at_bound", ())
            shares[name] = {
                "no_order": float(without_order(chosen).mean()) if len(chosen) else 0.0,
                "at_bound": float(np.mean(at_bound)) if len(at_bound) else 0.0,
            }
        return shares

    @property
    def decided(self) -> dict[str, dict[str, int]]:
        """What finer bars decided, by strategy that had any question; empty without detail.

        questions: trades whose result depends on the order inside a bar, by the bars alone; open: those whose
        result still does.
        """
        if "questions" not in self.returns:
            return {}
        sums = {name: bars[["questions", "ambiguous"]].sum() for name, bars in self._bars.items()}
        return {
            name: {"questions": int(both["questions"]), "open": int(both["ambiguous"])}
            for name, both in sums.items()
            if both["questions"]
        }

    @cached_property
    def _bars(self) -> dict[str, pd.DataFrame]:
        names = self.returns["strategy"].to_numpy()
        parts = {name: self.returns.take(np.flatnonzero(names == name)) for name in dict.fromkeys(names)}
        return {str(name): account_bars(part, "value") for name, part in parts.items()}

    @cached_property
    def _trades(self) -> dict[str, pd.DataFrame]:
        rows, names = self.ledger, self.ledger["strategy"].to_numpy()
        return {str(name): rows.take(np.flatnonzero(names == name)) for name in dict.fromkeys(names)}

    @cached_property
    def _chosen(self) -> dict[str, pd.DataFrame]:
        rows, names = self.simulations, self.simulations["strategy"].to_numpy()
        selected = rows["selected"].to_numpy(dtype=np.bool_)
        return {
            str(name): rows.take(np.flatnonzero(selected & (names == name)))
            for name in dict.fromkeys(names[selected])
        }

    def __getstate__(self) -> dict[str, Any]:
        """Copy, or pickle: of a temporary folder the tables themselves, since it may be gone by then."""
        return {"symbol": self.symbol, "tables": copy(self.tables), "origin": self.origin}

    def _repr_html_(self) -> str:
        """Show the strategies in a notebook, and the growth of the first beside buy-and-hold."""
        rows = [(str(row["strategy"]), row) for row in self.summary.to_dict("records")]
        names = [*self.tuned[:1], BUY_HOLD]
        series = [(name, self.bars_of(name)["value"].to_numpy()) for name in names]
        return f"<b>{escape(self.symbol)}</b>{growth_picture(series)}{figures_table(rows)}"

    def __repr__(self) -> str:
        """Show symbol, number of simulations and rule."""
        options = self.options
        return f"Result({self.symbol}, {options['num_simulations']} simulations, fills={options['fills']!r})"


BacktestResult = Result  # its name in version 0.1
