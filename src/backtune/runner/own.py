"""Walk-forward of a strategy of anyone's: `backtune.walk_forward`."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from backtune.backtest.settings import ORDER_SETTINGS, OWN_DEFAULTS, Settings, make_settings, takes_settings
from backtune.bars import Bars
from backtune.bars.frames import is_frame
from backtune.errors import SettingError
from backtune.forecasts.registry import NONE
from backtune.problem import Outcome
from backtune.runner.events import Progress, silent
from backtune.runner.execute import Engine, execute
from backtune.space import Space
from backtune.store import Run
from backtune.store.source import Source
from backtune.strategies.own import Function, FunctionStrategy


@takes_settings
def walk_forward(
    strategy: Function,
    space: Space,
    bars: Bars | str | Sequence[str] | Mapping[str, Any] | Any,
    *,
    objective: str | Callable[[Outcome], float] = "profit",
    settings: Settings | None = None,
    history: int | None = None,
    name: str = "",
    data: Source = None,
    max_workers: int = 1,
    output: str | os.PathLike[str] | None = None,
    run_folder: str | os.PathLike[str] | None = None,
    scheduler: str | None = None,
    task_timeout: float | None = None,
    memory_limit: str | None = None,
    progress: Progress = silent,
    **changes: Any,
) -> Run:
    """Walk a strategy of one's own forward: tune its parameters on a window, trade the next bars, roll on.

    Parameters
    ----------
    strategy : callable
        (bars, point) -> a return for each bar, costs taken off, or a `backtune.problem.Outcome`. `bars` is a
        DataFrame of open, high, low, close and volume (where there is one) indexed by time, `point` a dict of
        the space's values. It is never given a bar behind the stretch that is asked for.
    space : Space
        Its parameters.
    bars : Bars, DataFrame, str, sequence of str, or mapping of symbol to any of them
        The bars, or symbols whose bars `data` says.
    objective : {"profit", "sharpe"} or callable
        What is maximised: the sum of returns, or a function of an `Outcome`.
    settings : Settings, optional
        In place of the keywords: `num_simulations`, `window`, `horizon`, `gap`, `anchored`, `start`, `end`,
        `optimizer`, `budget`, `seed`, `tuning`, and how bars are read. `fee` and `costs` are those of
        buy-and-hold alone.
    optimizer : str or Optimizer
        By default scipy's differential evolution; so it is for "exact", which cannot prove the optimum of
        a function that it does not know. A space of no more points than `budget` is gone through, whatever
        the optimizer, and its best point is proved.
    history : int, optional
        Bars before a stretch that the strategy is given too, so that its indicators have their past; their
        returns are not used. By default as many as `window`.
    name : str
        As tables show it; by default the function's own.
    data : folder, file, DataFrame, Bars, source, or mapping of symbol to one of them
        Where the bars of symbols are; see `backtune.backtest_forecasts`.
    max_workers, output, run_folder, scheduler, task_timeout, memory_limit, progress
        See `backtune.run_parallel_backtests`. The same call with the same `run_folder` goes on where it
        ended, as long as the strategy's code, and what that reaches, is the same. Where symbols are few,
        workers share the simulations of each; `task_timeout` is then of such a part.

    Returns
    -------
    Run
        A mapping of symbol to `Result`. ``bt.report(run)`` has its verdict and its page.

    Raises
    ------
    StrategyError
        The strategy fails, gives something else than a return a bar, or looks ahead: of one symbol, in
        `Run.failed` and raised where no symbol has a result.
    SettingError
        A setting that has no meaning for it.
    BarsError, RunError
        See `backtune.run_parallel_backtests`.

    Examples
    --------
    >>> import backtune as bt
    >>> def momentum(bars, p):
    ...     moves = bars["close"].pct_change()
    ...     return (moves.rolling(p["span"]).sum() > 0).shift(1, fill_value=False) * moves.fillna(0.0)
    >>> run = bt.walk_forward(momentum, bt.Space(span=(2, 20)), "SP500", num_simulations=5, window=60)
    >>> run["SP500"].summary.strategy.tolist()
    ['momentum', 'buy_hold']
    """
    own = FunctionStrategy(strategy, space, name, history=history)
    base = None if settings is None else make_settings(settings, changes)
    chosen = own_settings(own, base, objective, changes)
    symbols, source = _symbols(bars, data)
    engine = Engine(max_workers, scheduler, task_timeout, memory_limit)
    run = execute(symbols, chosen, source, engine, progress, output=output, run_folder=run_folder)
    if not run and run.failed:
        raise next(iter(run.failed.values()))
    return run


def own_settings(
    own: FunctionStrategy,
    settings: Settings | None,
    objective: str | Callable[[Outcome], float] = "profit",
    changes: Mapping[str, Any] | None = None,
) -> Settings:
    """Settings of a run of one strategy of one's own.

    Raises
    ------
    SettingError
        One of those that it does not use was set.
    """
    changed = dict(changes or {})
    defaults = {entry.name: entry.default for entry in fields(Settings)}
    for name in ORDER_SETTINGS:
        value = changed.get(name, defaults[name] if settings is None else getattr(settings, name))
        if value != defaults[name] and (name, value) != ("model", NONE):
            raise SettingError(
                f"{name} is {value!r}, which a strategy of your own does not use; leave it out"
            )
    fixed: dict[str, Any] = {"strategies": (own,), "model": NONE}
    if settings is not None:
        method = (
            OWN_DEFAULTS["optimizer"]
            if settings.method.partition(":")[0] in ("exact", "gpu")
            else settings.optimizer
        )
        if objective != defaults["objective"]:
            fixed["objective"] = objective
        return replace(settings, optimizer=method, **fixed)
    method = changed.pop("optimizer", OWN_DEFAULTS["optimizer"])
    if isinstance(method, str) and method.partition(":")[0] in ("exact", "gpu"):
        method = OWN_DEFAULTS["optimizer"]
    return Settings(**{**changed, **fixed, "optimizer": method, "objective": objective})


def _symbols(bars: Any, data: Source) -> tuple[list[str], Source]:
    """Symbols, and where their bars are."""
    if isinstance(bars, str):
        return [bars], data
    if data is not None and not (isinstance(bars, Sequence) and not isinstance(bars, bytes)):
        raise SettingError("data was given with bars; give symbols with it, or the bars alone")
    if isinstance(bars, Bars):
        return [bars.symbol], {bars.symbol: bars}
    if is_frame(bars):
        symbol = str(getattr(bars, "attrs", {}).get("symbol", "bars"))
        return [symbol], {symbol: bars}
    if isinstance(bars, Mapping):
        return list(bars), bars
    if isinstance(bars, Sequence):
        return list(bars), data
    raise SettingError(f"bars are a {type(bars).__name__}; give Bars, a DataFrame, or symbols")
