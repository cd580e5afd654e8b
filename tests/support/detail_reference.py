"""Positions along finer bars, in plain Python from the rule's words: every way that they allow, none merged.

Nothing is shared with the package. A bar's levels stand still while its finer bars pass; each has an open, a
range and a close, and between the open and the close anything within the range may have happened first.
"""

from __future__ import annotations

from dataclasses import dataclass

TOUCH = 2.0**-40  # of the close before the entry bar: a later price this near to the stop is at it


@dataclass(frozen=True)
class Open:
    entry: int  # bar
    price: float  # in units of the close before bar 0
    stop: float | None
    unit: float
    size: float


@dataclass(frozen=True)
class Rule:
    maker: float
    market: float
    max_bars: int
    stop_offset: float | None = None
    carry: tuple[float, float] = (0.0, 0.0)
    through: float = 0.0


def totals(moves, fine, x, rule):
    """Least and greatest total of moves (8, n); `fine` has a list of (open, high, low, close) a bar."""
    least = greatest = 0.0
    for short in (False, True):
        low, high = _from(_bars(moves, fine, x, rule, short), 0, None, rule, short, {})
        least, greatest = least + low, greatest + high
    return least, greatest


def _bars(moves, fine, x, rule, short):
    """Bars as a long sees them: a short's upside down."""
    before, bars, sign = 1.0, [], -1.0 if short else 1.0
    stop_offset = rule.stop_offset if len(x) == 2 else x[2]
    for (o, h, lo, c, hf, lf, long_size, short_size), inside in zip(
        zip(*moves, strict=True), fine, strict=True
    ):
        up, down = min(max(hf + x[0], 0.0), 10.0), min(max(lf + x[1], -1.0), 0.0)
        level, goal, size = (-up, -down, short_size) if short else (down, up, long_size)
        stop = None
        if stop_offset is not None:
            stop = -min(max(hf - stop_offset, 0.0), 10.0) if short else min(max(lf + stop_offset, -1.0), 0.0)
        events = [tuple(map(float, one)) for one in inside] or [(o, h, lo, c)]
        if short:
            events = [(-a, -b, -d, -e) for a, d, b, e in events]
        bars.append((before, level, goal, stop, size, events, sign))
        before *= 1.0 + c
    return bars


def _from(bars, t, held, rule, short, known):
    """Least and greatest total from bar t on."""
    if t == len(bars):
        return 0.0, 0.0
    if (t, held) not in known:
        totals = []
        for position, booked in _through(bars, t, held, rule, short):
            low, high = _from(bars, t + 1, position, rule, short, known)
            totals += [booked + low, booked + high]
        known[t, held] = min(totals), max(totals)
    return known[t, held]


def _through(bars, t, held, rule, short):
    """Every way through a bar: what is open after it, and what was booked in it."""
    before, level, goal, stop, size, events, sign = bars[t]

    def price(move):
        return before * (1.0 + sign * move)

    def left(position, move, cost):
        ratio = price(move) / position.price
        gain = (1 - rule.maker) - ratio * (1 + cost) if short else ratio * (1 - cost) - (1 + rule.maker)
        return "out", position.size * (gain - rule.carry[short] * (t - position.entry))

    def at_stop(position, move):
        if position.stop is None:
            return False
        away = sign * (price(move) - position.stop) / position.unit
        return away <= TOUCH

    def stop_move(position):
        return sign * (position.stop / before - 1.0)

    states = {("flat", None) if held is None else ("held", held)}
    for i, (o, h, lo, c) in enumerate(events):
        after = set()
        for kind, what in states:
            if kind == "out":
                after.add((kind, what))
                continue
            position, inside, place = what, False, None
            if kind == "flat":
                at_open = o < level - rule.through
                inside = not at_open
                if size == 0 or not (at_open or lo < level - rule.through):
                    after.add((kind, what))
                    continue
                place = o if at_open and i == 0 else level
                position = Open(t, price(place), None if stop is None else price(stop), before, size)
                if at_open and stop is not None and o <= stop:
                    after.add(left(position, min(stop, place), rule.market))
                    continue
                stopped = stop is not None and lo <= stop
            else:
                if at_stop(position, o):
                    after.add(left(position, o if i == 0 else stop_move(position), rule.market))
                    continue
                if o > goal + rule.through:
                    after.add(left(position, o if i == 0 else goal, rule.maker))
                    continue
                stopped = at_stop(position, lo)
            passed = h > goal + rule.through
            if stopped:
                move = stop_move(position)
                after.add(left(position, move if place is None else min(move, place), rule.market))
            if passed:
                after.add(left(position, goal, rule.maker))
            if not stopped and (not passed or (inside and not c > goal + rule.through)):
                after.add(("held", position))
        states = after
    result = []
    for kind, what in states:
        if kind == "held" and (t == len(bars) - 1 or t - what.entry + 1 >= rule.max_bars):
            kind, what = left(what, events[-1][3], rule.market)
        result.append((None, what) if kind == "out" else (what, 0.0))
    return result
