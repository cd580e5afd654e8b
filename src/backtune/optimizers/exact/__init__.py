"""The provable optimum of an `EntryExitProblem`, and of a `HoldProblem`.

Fix which bars are filled, filled at the open, and at their take-profit. On that cell of the plane every bar's
return is non-decreasing in high_offset and non-increasing in low_offset, in floating point too. So the
maximum over the box lies on the lattice of the cells' favourable ends: breakpoints in high_offset (and the
box's upper end) by breakpoints in low_offset (and its lower end). `breakpoints` and `lattice` lay it out,
`bound` bounds a rectangle of it, `search` finds the best point and proves it. The same holds for positions
that live over bars, in two or three offsets: `paths_lattice`, `paths_bound` and `paths`."""

from backtune.optimizers.exact.solver import Exact

__all__ = ["Exact"]
