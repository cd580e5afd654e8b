"""Positions over bars as a tree of everything that may have happened, in plain Python from the rule's words.

Nothing is shared with the package: each side walks the bars by price, at each bar every event that the bar
allows is a branch, and the leaves' totals are compared. Written for small series: the tree is not pruned.
"""

from __future__ import annotations

from dataclasses import dataclass

LIMIT, MARKET = "limit", "market"
TOUCH = 2.0**-40  # of the close before the entry bar: a later bar's price this near to the stop is at it


@dataclass(frozen=True)
class Held:
    entry: int  # bar
    size: float
    price: float  # in units of the close before bar 0, as all prices here
    stop: float | None
    unit: float  # the close before the entry bar


@dataclass(frozen=True)
class Rule:
    """What holds for every bar; `through` is how far beyond a level a limit is filled."""

    maker: float
    market: float
    max_bars: int
    stop_offset: float | None
    carry: tuple[float, float]  # of a long, of a short
    through: float = 0.0


def totals(moves, x, fee, max_bars, stop_offset, carry, orders=None):
    """Least and greatest total of a problem's moves (8, n) under one fee; see `totals_of`."""
    return totals_of(moves, x, Rule(fee, fee, max_bars, stop_offset, (carry, carry)), orders)


def totals_of(moves, x, rule, orders=None):
    """Least and greatest total of a problem's moves (8, n), long and short apart.

    `orders`: instead of the problem's own order, what each bar places where the side is flat: "hold" with its
    offsets, "close" or "take_profit" with those of a position of one bar: a pair (exit, offsets) a bar. `x`
    has a row a bar then, at which what is held takes its profit.
    """
    least = greatest = 0.0
    for short in (False, True):
        bars = _bars(moves, x, rule.stop_offset, short)
        placed = None
        if orders is not None:
            offsets = [offsets for _, offsets in orders]
            placed = list(zip([kind for kind, _ in orders], _bars(moves, offsets, None, short), strict=True))
        every = list(_leaves(bars, 0, None, short, rule, placed))
        least += min(every)
        greatest += max(every)
    return least, greatest


def _bars(moves, x, stop_offset, short):
    """Prices and levels of each bar: open, high, low, close, entry level, take-profit, stop, size."""
    before, result = 1.0, []
    rows = x if hasattr(x[0], "__len__") else [x] * len(moves[0])
    for (o, h, lo, c, hf, lf, long_size, short_size), (high, low, *_) in zip(
        zip(*moves, strict=True), rows, strict=True
    ):
        up, down = min(max(hf + high, 0.0), 10.0), min(max(lf + low, -1.0), 0.0)
        stop = None
        if stop_offset is not None:
            stop = min(max(hf - stop_offset, 0.0), 10.0) if short else min(max(lf + stop_offset, -1.0), 0.0)
        result.append(
            {
                "o": o, "h": h, "l": lo, "c": c, "before": before, "up": up, "down": down, "stop": stop,
                "size": short_size if short else long_size,
            }
        )  # fmt: skip
        before *= 1.0 + c
    return result


def _leaves(bars, t, held, short, rule, placed):
    """Totals from bar t on, one for each order of events."""
    if t == len(bars):
        yield 0.0
        return
    bar = bars[t]
    if held is None and placed is not None and placed[t][0] != "hold":
        kind, bar = placed[t]
        events = _one_bar(bar, t, short, rule, at_close=kind == "close")
    else:
        events = _events(bar, t, held, short, rule, last=t == len(bars) - 1)
    for position, move, how in events:
        booked = 0.0
        if move is not None:
            sold = bar["before"] * (1.0 + move)
            ratio, cost = sold / position.price, rule.maker if how == LIMIT else rule.market
            booked = (1 - rule.maker) - ratio * (1 + cost) if short else ratio * (1 - cost) - (1 + rule.maker)
            booked = position.size * (booked - rule.carry[short] * (t - position.entry))
            position = None
        for rest in _leaves(bars, t + 1, position, short, rule, placed):
            yield booked + rest


def _events(bar, t, held, short, rule, last):
    """What may have happened in a bar: (position, exit, how); exit None where it stays open, or is flat."""
    if held is None:
        yield from _entered(bar, t, short, rule, closes=last or rule.max_bars == 1)
    else:
        yield from _open_before(bar, held, short, rule, closes=last or t - held.entry + 1 == rule.max_bars)


def _one_bar(bar, t, short, rule, at_close):
    """A position of one bar, which leaves at its close, or at a take-profit before."""
    for position, move, how in _entered(bar, t, short, rule, closes=True):
        yield (position, bar["c"], MARKET) if at_close and position is not None else (position, move, how)


def _beyond(price, level, above, rule):
    """Whether a limit at a level counts as filled at a price on that side of it."""
    return price > level + rule.through if above else price < level - rule.through


def _entered(bar, t, short, rule, closes):
    o, level, goal = bar["o"], bar["up"] if short else bar["down"], bar["down"] if short else bar["up"]
    at_open = _beyond(o, level, short, rule)
    inside = _beyond(bar["h"] if short else bar["l"], level, short, rule)
    if bar["size"] == 0 or not (at_open or inside):
        yield None, None, None
        return
    price = o if at_open else level
    stop = bar["stop"]
    unit = bar["before"]
    position = Held(t, bar["size"], unit * (1 + price), None if stop is None else unit * (1 + stop), unit)
    stays = (position, bar["c"] if closes else None, MARKET)
    if at_open and stop is not None and (o >= stop if short else o <= stop):
        yield position, o, MARKET
        return
    stopped = stop is not None and (bar["h"] >= stop if short else bar["l"] <= stop)
    passed = _beyond(bar["l"] if short else bar["h"], goal, not short, rule)
    ends_beyond = _beyond(bar["c"], goal, not short, rule)
    if stopped:
        yield position, max(stop, price) if short else min(stop, price), MARKET
        if passed:
            yield position, goal, LIMIT
    elif passed:
        yield position, goal, LIMIT
        if not (at_open or ends_beyond):
            yield stays
    else:
        yield stays


def _open_before(bar, held, short, rule, closes):
    o, goal = bar["o"], bar["down"] if short else bar["up"]
    if _stopped(bar, "o", held, short):
        yield held, o, MARKET
    elif _beyond(o, goal, not short, rule):
        yield held, o, LIMIT
    else:
        stopped = _stopped(bar, "h" if short else "l", held, short)
        passed = _beyond(bar["l"] if short else bar["h"], goal, not short, rule)
        if stopped:
            yield held, held.stop / bar["before"] - 1, MARKET
        if passed:
            yield held, goal, LIMIT
        if not stopped and not passed:
            yield held, bar["c"] if closes else None, MARKET


def _stopped(bar, price, held, short):
    if held.stop is None:
        return False
    beyond = (bar["before"] * (1 + bar[price]) - held.stop) / held.unit
    return beyond >= -TOUCH if short else beyond <= TOUCH
