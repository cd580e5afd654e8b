"""A run on disk: its record, a receipt and Parquet files for each symbol, and SQL over them."""

from backtune.store.run import Run, Runs, list_runs
from backtune.store.writer import RunWriter

__all__ = ["Run", "RunWriter", "Runs", "list_runs"]
