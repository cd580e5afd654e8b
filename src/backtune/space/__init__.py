"""Spaces of parameters: types, conditions between them, constraints, and how optimizers see them."""

from backtune.space.files import read_space
from backtune.space.parameters import Categorical, Float, Int, Ordinal, Parameter
from backtune.space.space import Space, SpaceObjective

__all__ = ["Categorical", "Float", "Int", "Ordinal", "Parameter", "Space", "SpaceObjective", "read_space"]
