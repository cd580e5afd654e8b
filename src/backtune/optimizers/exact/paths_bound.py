"""Upper bound of a box of the lattice of held positions, and which comparisons are open in it.

In a box of lines every comparison of a price with a level is certainly true, certainly false or open. An open
one takes its better side: each trade that may begin has a list of exits that it may have, each at the most
favourable entry and exit that the box and the exit's own comparisons allow, and a backward pass over the bars
takes the best of them. Only the order of events that offsets cannot decide, whether a take-profit came after
a fill inside the bar, takes its worse side under the causal rule. A box in which no comparison is open on any
way that may be gone has its value at its first lines.

Within one trade the open comparisons must agree: a trade that has passed a bar's high without leaving there
has its take-profit beyond that high in later bars, too."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from backtune.compiled import njit
from backtune.optimizers.exact.paths_lattice import (
    AT_OPEN,
    ENDED,
    FILLED,
    GAPPED,
    PASSED,
    STOP_OPEN,
    STOP_WORST,
    TAKEN,
    Array,
    Ids,
    Side,
)
from backtune.problem.hold_kernels import (
    ANCHOR,
    AT,
    BASE,
    CLOSE,
    ENTRY_FORECAST,
    EXIT_FORECAST,
    GAP,
    LAST,
    NEXT,
    OPEN,
    SIZE,
    STOP_FORECAST,
    Terms,
    carry_of,
    clip,
    earned,
    entry_floor,
    exit_ceiling,
    market_of,
)


class Box(NamedTuple):
    """Lines from the first to the last of each axis, ends included, as one side sees them."""

    e0: int
    e1: int
    x0: int
    x1: int
    s0: int
    s1: int


class Scratch(NamedTuple):
    """Arrays that a side's bound is computed in."""

    reached: Ids  # (n + 1,): whether a way may be flat before the bar
    next_pass: Ids  # (n + 1,): the first bar from there on that may pass a take-profit
    levels: Array  # (n,): the highest price at which each bar may do so
    after: Array  # (n + 1,): bound of what is earned from the bar on by who is flat before it
    entries: Ids  # (n, 2): bar of each order that may be filled; where its list of later exits ends
    now: Array  # (n, 3): the best that it may earn in its own bar; the take-profit that caps its list; 0
    # where it may stay unfilled, else -inf
    exits: Ids  # (room,): where one is flat again after each exit that trades may have, list by list
    gains: Array  # (room,): what they earn


class Opened(NamedTuple):
    """How many comparisons that matter are open at each line, by axis, as one side sees them."""

    entries: Ids
    exits: Ids
    stops: Ids


@njit()
def scratch(n: int, room: int) -> Scratch:
    """Room for the bound of n bars."""
    return Scratch(
        np.empty(n + 1, np.int32), np.empty(n + 1, np.int32), np.empty(n), np.empty(n + 1),
        np.empty((n, 2), np.int32), np.empty((n, 3)), np.empty(room, np.int32), np.empty(room),
    )  # fmt: skip


@njit(error_model="numpy")
def side_bound(it: Side, box: Box, terms: Terms, work: Scratch, opened: Opened) -> float:
    """Bound of one side in a box; NaN where `work` has too little room for the exits of its trades.

    Adds to `opened` each open comparison of a way that may be gone.
    """
    marks, n = it.marks, it.marks.shape[1]
    reached, entries, now = work.reached, work.entries, work.now
    upcoming = n
    for t in range(n, -1, -1):
        if t < n and marks[PASSED, t] <= box.x1:
            upcoming = t
            level = _level(it, t, min(max(box.x0, marks[TAKEN, t]), box.x1))
            work.levels[t] = (1.0 + it.side * level) * it.bars[BASE, t]
        work.next_pass[t] = upcoming
        reached[t] = 0
    reached[0] = 1
    count = k = 0
    for t in range(n):
        if not reached[t]:
            continue
        filled, at_open = marks[FILLED, t], marks[AT_OPEN, t]
        if filled > box.e1:
            reached[t + 1] = 1
            continue
        if count + 4 * (int(it.bars[LAST, t]) - t) + 8 > len(work.exits):
            return np.nan
        entries[k, 0], now[k, 0], now[k, 1], now[k, 2] = t, -np.inf, np.inf, -np.inf
        if filled > box.e0:
            now[k, 2] = 0.0
            reached[t + 1] = 1
            opened.entries[filled] += 1
        if at_open <= box.e1:
            if at_open > max(box.e0, filled):
                opened.entries[at_open] += 1
            count = _filled_at_open(it, k, t, box, terms, work, opened, count)
        entries[k, 1] = count
        first = max(filled, box.e0)
        if first < at_open:
            _filled_inside(it, k, t, first, box, terms, work, opened, count)
        if now[k, 0] > -np.inf or now[k, 1] < np.inf:
            reached[int(it.bars[NEXT, t])] = 1
        start = entries[k - 1, 1] if k > 0 else 0
        count = entries[k, 1]
        for i in range(start, count):
            reached[work.exits[i]] = 1
        k += 1
    return _backward(it, k, work)


@njit(error_model="numpy")
def _backward(it: Side, k: int, work: Scratch) -> float:
    """What may be earned from the first bar on, given the exits of the k orders that may be filled."""
    after, entries, n = work.after, work.entries, it.bars.shape[1]
    after[n] = 0.0
    for t in range(n - 1, -1, -1):
        if not work.reached[t]:
            continue
        if k == 0 or entries[k - 1, 0] < t:
            after[t] = after[t + 1]
            continue
        k -= 1
        later = -np.inf
        for i in range(entries[k - 1, 1] if k > 0 else 0, entries[k, 1]):
            later = max(later, work.gains[i] + after[work.exits[i]])
        now, cap, unfilled = work.now[k, 0], work.now[k, 1], work.now[k, 2]
        if cap < np.inf:
            later = min(later, cap + after[int(it.bars[NEXT, t])])
        if now > -np.inf:
            later = max(later, now + after[int(it.bars[NEXT, t])])
        after[t] = max(later, after[t + 1]) if unfilled == 0.0 else later
    return after[0]


@njit(error_model="numpy", inline="always")
def _level(it: Side, t: int, line: int) -> float:
    """Take-profit of a bar at a line."""
    return clip(it.bars[EXIT_FORECAST, t] + it.exits[line], 0.0, exit_ceiling(it.side))


@njit(error_model="numpy", inline="always")
def _stop(it: Side, t: int, line: int) -> float:
    """Stop of a trade that is entered in bar t, at a line."""
    return clip(it.bars[STOP_FORECAST, t] + it.stops[line], entry_floor(it.side), 0.0)


@njit(error_model="numpy", inline="always")
def _filled_at_open(
    it: Side, k: int, t: int, box: Box, terms: Terms, work: Scratch, opened: Opened, count: int
) -> int:
    """Exits of a trade that is entered at the open; gives where they end."""
    marks, size, line, price = it.marks, it.bars[SIZE, t], box.s0, it.bars[OPEN, t]
    money = 1.0 + it.side * price
    taken = marks[TAKEN, t]
    first = max(box.x0, taken)
    at_level = -np.inf
    if first <= box.x1:
        at_level = earned((1.0 + it.side * _level(it, t, first)) / money, 0, size, it.side, terms)
    if terms.stop:
        mark = marks[STOP_OPEN, t]
        if line < mark:
            work.now[k, 0] = max(work.now[k, 0], earned(market_of(it.side, terms), 0, size, it.side, terms))
            if box.s1 < mark:
                return count
            opened.stops[mark] += 1
            line = mark
        mark = marks[STOP_WORST, t]
        if line < mark:
            at_stop = (1.0 + it.side * min(_stop(it, t, line), price)) / money * market_of(it.side, terms)
            work.now[k, 0] = max(work.now[k, 0], earned(at_stop, 0, size, it.side, terms))
            if terms.most and first <= box.x1:
                work.now[k, 0] = max(work.now[k, 0], at_level)
                opened.exits[taken] += taken > box.x0
            if box.s1 < mark:
                return count
            opened.stops[mark] += 1
            line = mark
    end = box.x1 + 1
    if first <= box.x1:
        work.now[k, 0] = max(work.now[k, 0], at_level)
        if taken <= box.x0:
            return count
        opened.exits[taken] += 1
        end = taken
    if max(box.e0, marks[FILLED, t]) < marks[AT_OPEN, t]:
        return count  # it stays open as after a fill inside the bar, whose list has the cheaper of the two
    return _later(it, t, money, box.x0, end, line, box, terms, work, opened, count)


@njit(error_model="numpy", inline="always")
def _filled_inside(
    it: Side, k: int, t: int, entry: int, box: Box, terms: Terms, work: Scratch, opened: Opened, count: int
) -> None:
    """Exits of a trade that is entered inside the bar, at the level of line `entry`."""
    marks, size, line = it.marks, it.bars[SIZE, t], box.s0
    price = clip(it.bars[ENTRY_FORECAST, t] + it.entries[entry], entry_floor(it.side), 0.0)
    money = 1.0 + it.side * price
    taken, ended = marks[TAKEN, t], marks[ENDED, t]
    first = max(box.x0, taken)
    at_level = -np.inf
    if first <= box.x1:
        at_level = earned((1.0 + it.side * _level(it, t, first)) / money, 0, size, it.side, terms)
    if terms.stop:
        mark = marks[STOP_WORST, t]
        if line < mark:
            at_stop = (1.0 + it.side * min(_stop(it, t, line), price)) / money * market_of(it.side, terms)
            work.now[k, 0] = max(work.now[k, 0], earned(at_stop, 0, size, it.side, terms))
            if terms.most and first <= box.x1:
                work.now[k, 0] = max(work.now[k, 0], at_level)
                opened.exits[taken] += taken > box.x0
            if box.s1 < mark:
                return
            opened.stops[mark] += 1
            line = mark
    proved = max(box.x0, ended)
    end = box.x1 + 1
    if proved <= box.x1:  # the close beyond the level proves the take-profit
        gain = earned((1.0 + it.side * _level(it, t, proved)) / money, 0, size, it.side, terms)
        work.now[k, 0] = max(work.now[k, 0], gain)
        if ended <= box.x0:
            return
        opened.exits[ended] += 1
        end = ended
    asked = first < end  # a price may have been beyond the level, and then the order decides
    if asked and taken > box.x0:
        opened.exits[taken] += 1
    if asked and terms.most:
        work.now[k, 0] = max(work.now[k, 0], at_level)
    elif asked and taken <= box.x0:
        work.now[k, 1] = at_level
    if marks[AT_OPEN, t] <= box.e1:  # a fill at the open is cheaper where a limit needs more than a touch
        money = 1.0 + it.side * min(price, it.bars[OPEN, t])
    work.entries[k, 1] = _later(it, t, money, box.x0, end, line, box, terms, work, opened, count)


@njit(error_model="numpy", inline="always")
def _later(
    it: Side, t: int, money: float, x0: int, end: int, line: int, box: Box, terms: Terms, work: Scratch,
    opened: Opened, count: int,
) -> int:  # fmt: skip
    """Exits of a trade that is still open after its entry bar t, at exit lines x0..end-1.

    Gives where they end. `line` is the first stop line at which the stop has not been reached yet.
    """
    bars, marks, side, size = it.bars, it.marks, it.side, it.bars[SIZE, t]
    last = int(bars[LAST, t])
    anchor = bars[ANCHOR, t]
    scale = anchor / money
    # what an exit at a price after some closes earns, up to rounding: rate * price + base - carry * closes
    rate, base = size * side * (1.0 - side * terms.fee) * scale, -size * side * (1.0 + side * terms.fee)
    carry, at_market = size * carry_of(side, terms), rate * market_of(side, terms)
    held = bars[AT, t]
    stop, stops = it.firsts[t], it.firsts[t + 1]
    j = t
    while True:
        stop = _unreached(it, stop, stops, line)
        j = _passing(it, work.next_pass, j, last, end)
        if stop < stops:
            j = min(j, it.stop_bars[stop] >> 1)
        if j > last:
            break
        fixed, after = base - carry * (bars[AT, j] - held), int(bars[NEXT, j])
        if stop < stops and it.stop_bars[stop] == 2 * j + 1:
            mark = it.stop_marks[stop]
            count = _listed(work, count, after, at_market * bars[GAP, j] + fixed)
            if box.s1 < mark:
                return count
            opened.stops[mark] += 1
            line = mark
            stop = _unreached(it, stop + 1, stops, line)
        gapped, taken = marks[GAPPED, j], marks[TAKEN, j]
        if gapped < end:
            count = _listed(work, count, after, rate * bars[GAP, j] + fixed)
            if gapped <= x0:
                return count
            opened.exits[gapped] += 1
            end = gapped
        passed = max(x0, taken) < end
        if stop < stops and it.stop_bars[stop] == 2 * j:
            mark = it.stop_marks[stop]
            gain = at_market * ((1.0 + side * _stop(it, t, line)) / anchor) + fixed
            if terms.most and passed:
                gain = max(gain, rate * work.levels[j] + fixed)
                opened.exits[taken] += taken > x0
            count = _listed(work, count, after, gain)
            if box.s1 < mark:
                return count
            opened.stops[mark] += 1
            line = mark
            stop += 1
        if passed:
            count = _listed(work, count, after, rate * work.levels[j] + fixed)
            if taken <= x0:
                return count
            opened.exits[taken] += 1
            end = taken
    close = (1.0 + side * bars[CLOSE, last]) * bars[BASE, last]
    return _listed(work, count, last + 1, at_market * close + base - carry * (bars[AT, last] - held))


@njit(error_model="numpy", inline="always")
def _unreached(it: Side, stop: int, stops: int, line: int) -> int:
    """Place in the list of stops, from `stop` on, of the first that is not reached at a stop line."""
    while stop < stops and it.stop_marks[stop] <= line:
        stop += 1
    return stop


@njit(error_model="numpy", inline="always")
def _passing(it: Side, next_pass: Ids, t: int, last: int, end: int) -> int:
    """First bar after t that may pass a take-profit at an exit line below `end`; none if beyond `last`."""
    bar = next_pass[t + 1]
    while bar <= last and it.marks[PASSED, bar] >= end:
        bar = next_pass[bar + 1]
    return bar


@njit(error_model="numpy", inline="always")
def _listed(work: Scratch, count: int, after: int, gain: float) -> int:
    """List an exit: where one is flat again behind it, and what it earns; gives where the list ends."""
    work.exits[count], work.gains[count] = after, gain
    return count + 1
