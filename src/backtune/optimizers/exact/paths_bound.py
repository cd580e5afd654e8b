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
    BASE,
    CLOSE,
    ENTRY_FORECAST,
    EXIT_FORECAST,
    OPEN,
    SIZE,
    STOP_FORECAST,
    Terms,
    clip,
    earned,
    entry_floor,
    exit_ceiling,
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
    after: Array  # (n + 1,): bound of what is earned from the bar on by who is flat before it
    entries: Ids  # (n, 4): bar of each order that may be filled; where its three lists of exits end
    now: Array  # (n, 2): the best that it may earn in its own bar; the take-profit that caps its third list
    exits: Ids  # (room,): bars in which trades may leave, list by list
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
        np.empty(n + 1, np.int32), np.empty(n + 1, np.int32), np.empty(n + 1), np.empty((n, 4), np.int32),
        np.empty((n, 2)), np.empty(room, np.int32), np.empty(room),
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
        work.next_pass[t] = upcoming
        reached[t] = 0
    most = 12 * min(terms.max_bars, n) + 12  # exits of one trade
    reached[0] = 1
    count = k = 0
    for t in range(n):
        if not reached[t]:
            continue
        filled, at_open = marks[FILLED, t], marks[AT_OPEN, t]
        if filled > box.e1:
            reached[t + 1] = 1
            continue
        if count + most > len(work.exits):
            return np.nan
        entries[k, 0], now[k, 0], now[k, 1] = t, -np.inf, np.inf
        if filled > box.e0:
            now[k, 0] = 0.0
            opened.entries[filled] += 1
        if at_open <= box.e1:
            if at_open > max(box.e0, filled):
                opened.entries[at_open] += 1
            count = _filled_at_open(it, k, t, box, terms, work, opened, count)
        entries[k, 1] = entries[k, 2] = entries[k, 3] = count
        first = max(filled, box.e0)
        if first < at_open:
            _filled_inside(it, k, t, first, box, terms, work, opened, count)
        if now[k, 0] > -np.inf or now[k, 1] < np.inf:
            reached[t + 1] = 1
        start = entries[k - 1, 3] if k > 0 else 0
        count = entries[k, 3]
        for i in range(start, count):
            reached[work.exits[i] + 1] = 1
        k += 1
    return _backward(n, k, work)


@njit(error_model="numpy")
def _backward(n: int, k: int, work: Scratch) -> float:
    """What may be earned from the first bar on, given the exits of the k orders that may be filled."""
    after, entries = work.after, work.entries
    after[n] = 0.0
    for t in range(n - 1, -1, -1):
        if not work.reached[t]:
            continue
        if k == 0 or entries[k - 1, 0] < t:
            after[t] = after[t + 1]
            continue
        k -= 1
        i = entries[k - 1, 3] if k > 0 else 0
        best = work.now[k, 0] + after[t + 1] if work.now[k, 0] > -np.inf else -np.inf
        while i < entries[k, 2]:
            best = max(best, work.gains[i] + after[work.exits[i] + 1])
            i += 1
        capped = -np.inf
        while i < entries[k, 3]:
            capped = max(capped, work.gains[i] + after[work.exits[i] + 1])
            i += 1
        if capped > -np.inf:
            best = max(best, min(capped, work.now[k, 1] + after[t + 1]))
        after[t] = best
    return after[0]


@njit(error_model="numpy")
def _level(it: Side, t: int, line: int) -> float:
    """Take-profit of a bar at a line."""
    return clip(it.bars[EXIT_FORECAST, t] + it.exits[line], 0.0, exit_ceiling(it.side))


@njit(error_model="numpy")
def _stop(it: Side, t: int, line: int) -> float:
    """Stop of a trade that is entered in bar t, at a line."""
    return clip(it.bars[STOP_FORECAST, t] + it.stops[line], entry_floor(it.side), 0.0)


@njit(error_model="numpy")
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
            work.now[k, 0] = max(work.now[k, 0], earned(1.0, 0, size, it.side, terms))
            if box.s1 < mark:
                return count
            opened.stops[mark] += 1
            line = mark
        mark = marks[STOP_WORST, t]
        if line < mark:
            at_stop = (1.0 + it.side * min(_stop(it, t, line), price)) / money
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
    return _later(it, t, money, box.x0, end, line, box, terms, work, opened, count)


@njit(error_model="numpy")
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
            at_stop = (1.0 + it.side * min(_stop(it, t, line), price)) / money
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
    if taken > box.x0:  # it may be that no price was beyond the level
        if taken < end:
            opened.exits[taken] += 1
        count = _later(it, t, money, box.x0, min(end, taken), line, box, terms, work, opened, count)
    work.entries[k, 2] = work.entries[k, 3] = count
    if first < end:  # or that one was, and the order decides
        count = _later(it, t, money, first, end, line, box, terms, work, opened, count)
        work.entries[k, 3] = count
        if terms.most:
            work.now[k, 0] = max(work.now[k, 0], at_level)
            work.entries[k, 2] = count
        else:
            work.now[k, 1] = at_level


@njit(error_model="numpy")
def _later(
    it: Side, t: int, money: float, x0: int, end: int, line: int, box: Box, terms: Terms, work: Scratch,
    opened: Opened, count: int,
) -> int:  # fmt: skip
    """Exits of a trade that is still open after its entry bar t, at exit lines x0..end-1; gives where they
    end.

    `line` is the first stop line at which the stop has not been reached yet.
    """
    bars, marks, side, size, n = it.bars, it.marks, it.side, it.bars[SIZE, t], it.bars.shape[1]
    last = min(t + terms.max_bars, n) - 1
    anchor = bars[ANCHOR, t]
    scale = anchor / money
    stop, stops = it.firsts[t], it.firsts[t + 1]
    j = t
    while True:
        while stop < stops and it.stop_marks[stop] <= line:
            stop += 1
        passes = work.next_pass[j + 1]
        while passes <= last and marks[PASSED, passes] >= end:
            passes = work.next_pass[passes + 1]
        j = min(passes, it.stop_bars[stop] >> 1 if stop < stops else n)
        if j > last:
            break
        at_open = earned((1.0 + side * bars[OPEN, j]) * bars[BASE, j] * scale, j - t, size, side, terms)
        if stop < stops and it.stop_bars[stop] == 2 * j + 1:
            mark = it.stop_marks[stop]
            work.exits[count], work.gains[count] = j, at_open
            count += 1
            if box.s1 < mark:
                return count
            opened.stops[mark] += 1
            line = mark
            stop += 1
            while stop < stops and it.stop_marks[stop] <= line:
                stop += 1
        gapped, taken = marks[GAPPED, j], marks[TAKEN, j]
        if gapped < end and gapped <= box.x1:
            work.exits[count], work.gains[count] = j, at_open
            count += 1
            if gapped <= x0:
                return count
            opened.exits[gapped] += 1
            end = gapped
        first = max(x0, taken)
        at_level = -np.inf
        if first < end:
            ratio = (1.0 + side * _level(it, j, first)) * bars[BASE, j] * scale
            at_level = earned(ratio, j - t, size, side, terms)
        if stop < stops and it.stop_bars[stop] == 2 * j:
            mark = it.stop_marks[stop]
            at_stop = (1.0 + side * _stop(it, t, line)) / anchor * scale
            gain = earned(at_stop, j - t, size, side, terms)
            if terms.most and first < end:
                gain = max(gain, at_level)
                opened.exits[taken] += taken > x0
            work.exits[count], work.gains[count] = j, gain
            count += 1
            if box.s1 < mark:
                return count
            opened.stops[mark] += 1
            line = mark
            stop += 1
        if first < end:
            work.exits[count], work.gains[count] = j, at_level
            count += 1
            if taken <= x0:
                return count
            opened.exits[taken] += 1
            end = taken
    ratio = (1.0 + side * bars[CLOSE, last]) * bars[BASE, last] * scale
    if last == t:
        ratio = (1.0 + side * bars[CLOSE, t]) / money
    work.exits[count], work.gains[count] = last, earned(ratio, last - t, size, side, terms)
    return count + 1
