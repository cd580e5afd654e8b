"""Where the time of a backtest goes, and what variants of a forecaster cost."""
