"""A run on disk: its record, a receipt and Parquet files for each symbol, and SQL over them."""

from backtune.store.run import Run, RunWriter, list_runs

__all__ = ["Run", "RunWriter", "list_runs"]
