"""Forecasters that look at the bars before each target, a context each: batched over targets and symbols."""

from __future__ import annotations

import hashlib
import time
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backtune.bars import Bars
from backtune.errors import ForecasterError, whole_number
from backtune.forecasts.arrays import MOVES, Array
from backtune.forecasts.base import LEVELS, Distribution, QuantileForecaster, flag
from backtune.forecasts.batching import ChunkSize, in_chunks
from backtune.forecasts.cache import Entry, forecast_cache
from backtune.identity import code_digest, digest_of, source_of

STEP = 64  # bars: contexts up to as much longer than each other share a call


@dataclass(frozen=True, eq=False)
class Context:
    """The bars before one target, and nothing of the target.

    Attributes
    ----------
    prices : ndarray, shape (4, T)
        Open, high, low, close.
    volume : ndarray, shape (T,)
        0 where unknown.
    local : ndarray of datetime64[ns], shape (T,)
        Times as the exchange's own clock shows them: what a model that knows hours and weekdays learned from.
    """

    prices: Array
    volume: Array
    local: NDArray[np.datetime64]

    def __len__(self) -> int:
        """Return the number of bars."""
        return int(self.prices.shape[1])

    @property
    def offsets(self) -> Array:
        """Log of high, low and close over the last close, shape (3, T)."""
        return np.asarray(np.log(self.prices[1:] / self.prices[3, -1]))

    def uniform(self, seed: int, *shape: int) -> Array:
        """Numbers in [0, 1) that depend on the seed and the bars alone, not on what else is in the batch."""
        key = self.key("")
        words = [int(key[k : k + 8], 16) for k in range(0, len(key), 8)]
        return np.random.default_rng([seed, *words]).random(shape)

    def key(self, identity: str) -> str:
        """SHA-256 of the bars and of the model that looks at them."""
        sha = hashlib.sha256(identity.encode())
        for row in (*self.prices, self.volume, self.local.view("int64")):
            sha.update(np.ascontiguousarray(row).data)
        return sha.hexdigest()


def padded_length(context: Context, most: int) -> int:
    """Bars that a context is padded to: by its own length alone, never by that of others in its call.

    A longer padding changes how sums are rounded, and with `dtype=bfloat16` a forecast by 1e-3.
    """
    return min(-(-len(context) // STEP) * STEP, max(most, len(context)))


def left_padded(
    contexts: Sequence[Context], most: int, multiple: int = 1
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Offsets (m, 3, T) behind zeros, T a multiple of `multiple`, and which of the times (m, T) are bars.

    T follows from `padded_length`, of which the contexts of a call have one.
    """
    length = -(-max(padded_length(context, most) for context in contexts) // multiple) * multiple
    prices = np.empty((len(contexts), len(MOVES), length))
    prices[:] = np.array([context.prices[3, -1] for context in contexts])[:, None, None]
    seen = np.zeros((len(contexts), length), dtype=bool)
    for row, mask, context in zip(prices, seen, contexts, strict=True):
        row[:, length - len(context) :] = context.prices[1:]
        mask[length - len(context) :] = True
    return np.log(prices / prices[:, 2:, -1:]).astype(np.float32), seen


@dataclass
class Stopwatch:
    """Seconds by part.

    Attributes
    ----------
    seconds : dict of str to float
    """

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def __call__(self, part: str) -> Iterator[None]:
        """Add the time spent inside to `part`."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[part] = self.seconds.get(part, 0.0) + time.perf_counter() - started


class ContextForecaster(QuantileForecaster):
    """A forecaster to which a context is enough; each is forecast once, in as few calls as memory allows.

    A subclass says what decides its forecasts (`identity`), how many contexts to begin with a call
    (`chunk_size`), and forecasts a batch (`predict`). No context's forecast may depend on the others in its
    batch. Forecasts are kept on disk; see `backtune.forecasts.cache`.

    Parameters
    ----------
    context : int
        Bars that each forecast looks back at, at most; fewer near the start of a series.
    point : {"median", "mean"} or float
        See `QuantileForecaster`.
    cache : bool
        Keep forecasts on disk, and use those that are there.
    """

    warm_up = 32
    # whether contexts of unequal length may share a call, since padding changes no forecast
    ragged = False

    def __init__(self, context: int = 512, point: str | float = "median", cache: bool = True) -> None:
        super().__init__(point)
        self.context, self.cache = whole_number("context", context, self.warm_up), flag("cache", cache)
        self._chunk: ChunkSize | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave the chunk size out: it is what a machine's memory took, and decides no forecast."""
        return {**self.__dict__, "_chunk": None}

    def distribution(self, bars: Bars, targets: NDArray[np.int64]) -> Distribution:
        """Quantiles and samples of the bars in `targets`."""
        return self.distributions([(bars, targets)])[0]

    def distributions(self, wanted: Sequence[tuple[Bars, NDArray[np.int64]]]) -> list[Distribution]:
        """Quantiles and samples of several series, their contexts in the same calls.

        `seconds` of each is that of all of them together, shared out by number of targets.
        """
        watch = Stopwatch()
        with watch("cache"):
            kept = forecast_cache() if self.cache else None
            about = self.identity()
            identity = digest_of([about, code_digest("forecasts"), source_of(self)])
            contexts = [self._contexts(bars, targets) for bars, targets in wanted]
            keys = [[context.key(identity) for context in series] for series in contexts]
            entries: dict[str, Entry] = {}
            for (bars, _), mine in zip(wanted, keys, strict=True):
                entries.update(kept.get(identity[:16], bars.symbol, mine) if kept else {})
        missing = {
            key: context
            for mine, series in zip(keys, contexts, strict=True)
            for key, context in zip(mine, series, strict=True)
            if key not in entries
        }
        fresh = self._make(missing, watch)
        with watch("cache"):
            for (bars, _), mine in zip(wanted, keys, strict=True):
                if kept:
                    new = {key: fresh[key] for key in mine if key in fresh}
                    kept.put(identity[:16], bars.symbol, new, {"model": self.name, **about})
        entries.update(fresh)
        return _shared_out(wanted, keys, entries, watch.seconds)

    def _make(self, missing: Mapping[str, Context], watch: Stopwatch) -> dict[str, Entry]:
        """Forecasts of contexts, in chunks of equal length or, where a model allows it, of equal padding."""
        entries: dict[str, Entry] = {}
        if not missing:
            return entries
        if self._chunk is None:
            with watch("load"):
                self._chunk = ChunkSize(self.chunk_size())
        ordered = sorted(missing.items(), key=lambda item: self._shape(item[1]))
        call = partial(self.predict, watch=watch)
        for _, items in groupby(ordered, key=lambda item: self._shape(item[1])):
            group = list(items)
            for start, (quantiles, samples) in in_chunks(call, [c for _, c in group], self._chunk):
                if not np.isfinite(quantiles).all():
                    raise ForecasterError(
                        f"{self.name} gave forecasts that are not finite; check bars, weights and dtype"
                    )
                for index, row in enumerate(quantiles):
                    entries[group[start + index][0]] = (row, None if samples is None else samples[index])
        return entries

    def _shape(self, context: Context) -> tuple[int, bool]:
        """What contexts of one call have in common: their length behind padding, and whether there is any.

        Models leave the mask out where nothing is padded, which must not depend on the others either.
        """
        length = padded_length(context, self.context) if self.ragged else len(context)
        return length, len(context) < length

    def _contexts(self, bars: Bars, targets: Iterable[int]) -> list[Context]:
        """Views of the series, a stretch each."""
        prices = np.stack([bars.open, bars.high, bars.low, bars.close])
        volume = np.zeros(len(bars)) if bars.volume is None else np.nan_to_num(bars.volume)
        pasts = [slice(max(int(target) - self.context, 0), int(target)) for target in targets]
        return [Context(prices[:, past], volume[past], bars.local[past]) for past in pasts]

    def _context(self, bars: Bars, target: int) -> Context:
        return self._contexts(bars, [target])[0]

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """Plain values that decide a forecast, besides the context: model, weights, settings, versions.

        The code of the class counts without being named here, and `point` not at all: it is taken from what
        is kept.
        """

    @abstractmethod
    def chunk_size(self) -> int:
        """Contexts a call to begin with; loads the model where that takes it."""

    @abstractmethod
    def predict(self, contexts: Sequence[Context], watch: Stopwatch) -> tuple[Array, Array | None]:
        """Quantiles (m, 3, levels) of the moves, and samples (m, draws, 3) or None."""


def _shared_out(
    wanted: Sequence[tuple[Bars, NDArray[np.int64]]],
    keys: Sequence[Sequence[str]],
    entries: Mapping[str, Entry],
    seconds: Mapping[str, float],
) -> list[Distribution]:
    total = max(sum(len(mine) for mine in keys), 1)
    result = []
    for (_, targets), mine in zip(wanted, keys, strict=True):
        rows = [entries[key] for key in mine]
        drawn = [samples for _, samples in rows if samples is not None]
        share = len(mine) / total
        result.append(
            Distribution(
                targets,
                np.array([quantiles for quantiles, _ in rows]).reshape(-1, len(MOVES), len(LEVELS)),
                np.array(drawn) if drawn else None,
                {part: value * share for part, value in seconds.items()},
            )
        )
    return result
