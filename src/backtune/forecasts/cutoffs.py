"""How far the training data of models go: bars up to then they may have seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backtune.bars import Bars
from backtune.bars.notes import Note
from backtune.forecasts.base import Forecaster


@dataclass(frozen=True)
class Cutoff:
    """Date up to which a model may have seen bars, and who says so.

    Attributes
    ----------
    date : str
    source : str
    """

    date: str
    source: str


# Kronos: github.com/shiyu-coder/Kronos, issue 204. Chronos-2 (arXiv 2510.15821) and Toto 2 (arXiv 2605.20119)
# state no date: theirs is the day that they were published, which no training data can be later than.
CUTOFFS = {
    "kronos": ("kronos-", Cutoff("2024-05-31", "its authors: training to February, validation to May 2024")),
    "chronos": ("chronos-2", Cutoff("2025-10-20", "the day it was published; its authors state no date")),
    "toto": ("toto-2.0", Cutoff("2026-05-19", "the day its report was published; its authors state no date")),
}


def cutoff_of(model: Forecaster, date: str | None = None) -> Cutoff | None:
    """Cut-off of a model: as given, else as recorded for published weights; None where it is not known.

    Parameters
    ----------
    model : Forecaster
    date : str, optional
        `Settings.model_cutoff`.
    """
    if date is not None:
        return Cutoff(date, "as date")
    weights = getattr(model, "weights", None)
    start, cutoff = CUTOFFS.get(getattr(model, "kind", ""), ("", None))
    name = str(weights).rstrip("/\\").replace("\\", "/").rsplit("/", 1)[-1].lower()
    return cutoff if cutoff is not None and name.startswith(start) else None


def cutoff_notes(
    model: Forecaster, date: str | None, bars: Bars, traded: NDArray[np.int64]
) -> tuple[Note, ...]:
    """Say which bars out of sample the model may have been trained on, or that this is not known.

    Parameters
    ----------
    model : Forecaster
    date : str, optional
        `Settings.model_cutoff`.
    bars : Bars
    traded : ndarray of int
        Bars out of sample.
    """
    cutoff = cutoff_of(model, date)
    if cutoff is None:
        if getattr(model, "weights", None) is None:
            return ()
        sentence = (
            f"how far the training data of {model.name} go is not known, and it may have seen these bars; "
            "say it by model_cutoff= (--model-cutoff DATE)"
        )
        return (Note("cutoff_unknown", sentence),)
    last = np.datetime64(cutoff.date, "D")
    seen = int((bars.dates[traded] <= last).sum())
    if not seen:
        return ()
    sentence = (
        f"LEAK: {seen} of {len(traded)} bars out of sample are not later than {cutoff.date}, up to which the "
        f"model may have been trained ({cutoff.source}); judge it on later bars: --start {last + 1}"
    )
    return (Note("leak_cutoff", sentence),)
