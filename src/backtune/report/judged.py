"""Where `judge_run` and `judge_results` were up to version 0.1; they are in `backtune.verdict.judged`."""

from backtune.verdict.judged import Judged, judge_results, judge_run

__all__ = ["Judged", "judge_results", "judge_run"]
