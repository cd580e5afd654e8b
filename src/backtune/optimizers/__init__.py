"""Optimizers: one interface over the exact solver and the libraries."""

from backtune.optimizers.base import Evaluator, Objective, Optimizer, Optimum, Search
from backtune.optimizers.registry import optimize, optimizer, optimizers

__all__ = ["Evaluator", "Objective", "Optimizer", "Optimum", "Search", "optimize", "optimizer", "optimizers"]
