"""Positions over bars as a tree of everything that may have happened, in plain Python from the rule's words.

Nothing is shared with the package: each side walks the bars by price, at each bar every event that the bar
allows is a branch, and the leaves' totals are compared. Written for small series: the tree is not pruned."""

from __future__ import annotations

from dataclasses import dataclass

TOUCH = 2.0**-40  # of the close before the entry bar: a later bar's price this near to the stop is at it


@dataclass(frozen=True)
class Held:
    entry: int  # bar
    size: float
    price: float  # in units of the close before bar 0, as all prices here
    stop: float | None
    unit: float  # the close before the entry bar


def totals(moves, x, fee, max_bars, stop_offset, carry):
    """Least and greatest total of a problem's moves (8, n), long and short apart."""
    least = greatest = 0.0
    for short in (False, True):
        every = list(_leaves(_bars(moves, x, stop_offset, short), 0, None, short, fee, max_bars, carry))
        least += min(every)
        greatest += max(every)
    return least, greatest


def _bars(moves, x, stop_offset, short):
    """Prices and levels of each bar: open, high, low, close, entry level, take-profit, stop, size."""
    before, result = 1.0, []
    for o, h, lo, c, hf, lf, long_size, short_size in zip(*moves, strict=True):
        up, down = min(max(hf + x[0], 0.0), 10.0), min(max(lf + x[1], -1.0), 0.0)
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


def _leaves(bars, t, held, short, fee, max_bars, carry):
    """Totals from bar t on, one for each order of events."""
    if t == len(bars):
        yield 0.0
        return
    bar = bars[t]
    for position, move in _events(bar, t, held, short, max_bars, last=t == len(bars) - 1):
        booked = 0.0
        if move is not None:
            sold = bar["before"] * (1.0 + move)
            ratio = sold / position.price
            booked = (1 - fee) - ratio * (1 + fee) if short else ratio * (1 - fee) - (1 + fee)
            booked = position.size * (booked - carry * (t - position.entry))
            position = None
        for rest in _leaves(bars, t + 1, position, short, fee, max_bars, carry):
            yield booked + rest


def _events(bar, t, held, short, max_bars, last):
    """What may have happened in a bar: (position, exit) with exit None where it stays open, or is flat."""
    if held is None:
        yield from _entered(bar, t, short, closes=last or max_bars == 1)
    else:
        yield from _open_before(bar, held, short, closes=last or t - held.entry + 1 == max_bars)


def _entered(bar, t, short, closes):
    o, level, goal = bar["o"], bar["up"] if short else bar["down"], bar["down"] if short else bar["up"]
    at_open = o > level if short else o < level
    inside = bar["h"] > level if short else bar["l"] < level
    if bar["size"] == 0 or not (at_open or inside):
        yield None, None
        return
    price = o if at_open else level
    stop = bar["stop"]
    unit = bar["before"]
    position = Held(t, bar["size"], unit * (1 + price), None if stop is None else unit * (1 + stop), unit)
    stays = (position, bar["c"] if closes else None)
    if at_open and stop is not None and (o >= stop if short else o <= stop):
        yield position, o
        return
    stopped = stop is not None and (bar["h"] >= stop if short else bar["l"] <= stop)
    passed = bar["l"] < goal if short else bar["h"] > goal
    ends_beyond = bar["c"] < goal if short else bar["c"] > goal
    if stopped:
        yield position, max(stop, price) if short else min(stop, price)
        if passed:
            yield position, goal
    elif passed:
        yield position, goal
        if not (at_open or ends_beyond):
            yield stays
    else:
        yield stays


def _open_before(bar, held, short, closes):
    o, goal = bar["o"], bar["down"] if short else bar["up"]
    if _stopped(bar, "o", held, short) or (o < goal if short else o > goal):
        yield held, o
    else:
        stopped = _stopped(bar, "h" if short else "l", held, short)
        passed = bar["l"] < goal if short else bar["h"] > goal
        if stopped:
            yield held, held.stop / bar["before"] - 1
        if passed:
            yield held, goal
        if not stopped and not passed:
            yield held, bar["c"] if closes else None


def _stopped(bar, price, held, short):
    if held.stop is None:
        return False
    beyond = (bar["before"] * (1 + bar[price]) - held.stop) / held.unit
    return beyond >= -TOUCH if short else beyond <= TOUCH
