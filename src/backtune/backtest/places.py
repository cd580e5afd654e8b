"""Where in the bars of a result its simulations tuned and traded: of runs read from a folder, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

if TYPE_CHECKING:
    from backtune.backtest.result import Result


def first_traded(result: Result) -> int:
    """Row of the inputs that is the first bar out of sample; the gap lies before it."""
    traded, stamps = (table["timestamp"].to_numpy() for table in (result.returns, result.inputs))
    return int(np.searchsorted(stamps, traded.min())) if len(traded) else len(stamps)


def bars_out_of_sample(result: Result) -> pd.DataFrame:
    """Rows of the inputs that are out of sample."""
    return result.inputs.iloc[first_traded(result) :]


def tuned_on_words(options: Mapping[str, Any]) -> str:
    """Say how many bars a simulation is tuned on: "200 bars", or where windows are anchored the least."""
    window = int(options["window"])
    return f"all bars from the first on ({window} or more)" if options.get("anchored") else f"{window} bars"


def bars_tuned_on(result: Result, simulations: pd.DataFrame) -> NDArray[np.int64]:
    """Number of bars that each of these rows of `Result.simulations` is tuned on, shape (rows,).

    That is the window, unless windows are anchored: then it grows from simulation to simulation, as the
    inputs begin with the first bar tuned on.
    """
    options = result.options
    if not options.get("anchored"):
        return np.full(len(simulations), int(options["window"]))
    stamps, starts = result.inputs["timestamp"].to_numpy(), simulations["start"].to_numpy()
    tuned_on: NDArray[np.int64] = np.searchsorted(stamps, starts).astype(np.int64) - int(options["gap"])
    return tuned_on
