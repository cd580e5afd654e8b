"""What trading costs: one fee, or what each kind of fill, and each bar that a position is held, costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from backtune.errors import ProblemError, is_number

DEFAULT_FEES: Mapping[str, float] = {"stock": 0.0005, "crypto": 0.0015}  # of notional, a fill
DEFAULT_FEE = DEFAULT_FEES["stock"]


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Costs of trading, as fractions of notional: 0.0005 is 5 basis points.

    Limit orders (entries and take-profits) pay `maker`. What takes a price (exits at a close, stops) pays
    ``market = taker + half_spread + slippage``.

    Attributes
    ----------
    maker : float
        Fee of a limit fill; below zero where it is paid out (a rebate).
    taker : float
        Fee of a market fill.
    half_spread, slippage : float
        What a market fill loses beside its fee.
    borrow : float
        What a short pays for each close that it is held through.
    funding : float
        What a long pays, and a short is paid, for each close that it is held through; below zero the other
        way round.
    fill_through : float
        How far beyond a level, as a fraction of the previous close, a price must come before a limit counts
        as filled. 0: any price beyond it.

    Raises
    ------
    ProblemError
        One is out of range, or a market fill costs less than a limit fill: then leaving at the close would
        be the better exit at the same price, and what a bar proves about it another.

    Examples
    --------
    >>> import backtune as bt
    >>> bt.Costs(maker=0.0002, taker=0.0005, half_spread=0.0001).market
    0.0006
    """

    maker: float = 0.0
    taker: float = 0.0
    half_spread: float = 0.0
    slippage: float = 0.0
    borrow: float = 0.0
    funding: float = 0.0
    fill_through: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            name, value = field.name, getattr(self, field.name)
            low = -1.0 if name in ("maker", "funding") else 0.0
            if not (is_number(value) and low <= value < 1.0 and value > -1.0):
                raise ProblemError(
                    f"{name} is {value!r}; it is a fraction of notional (5 basis points are 0.0005), "
                    f"{low:g} <= {name} < 1"
                )
            object.__setattr__(self, name, float(value))
        if not self.maker <= self.market < 1.0:
            raise ProblemError(
                f"taker + half_spread + slippage is {self.market:g}, maker is {self.maker:g}; a market fill "
                "must not cost less than a limit fill, nor everything"
            )

    @classmethod
    def plain(cls, fee: float) -> Costs:
        """One fee for every fill, and nothing else."""
        return cls(maker=fee, taker=fee)

    @property
    def market(self) -> float:
        """What a fill at the close or at a stop costs."""
        return self.taker + self.half_spread + self.slippage

    @property
    def is_plain(self) -> bool:
        """Whether they are one fee for every fill."""
        return self.market == self.maker and not (self.borrow or self.funding or self.fill_through)

    def carry(self, *, short: bool) -> float:
        """Cost of each close that a position of a side is held through."""
        return self.borrow - self.funding if short else self.funding

    def of_market(self, *, short: bool) -> float:
        """What is left of a market fill over what would be left of a limit fill at the same price.

        A long keeps 1 less its costs of what it sells for; a short pays 1 and its costs.
        """
        sign = -1.0 if short else 1.0
        return (1.0 - sign * self.market) / (1.0 - sign * self.maker)

    def as_dict(self) -> dict[str, float]:
        """Return the fields as plain values."""
        return asdict(self)


def shown(costs: Costs) -> str:
    """Costs in a repr: the fee where it is all."""
    return f"fee={costs.maker}" if costs.is_plain else f"costs={costs}"


def costs_of(fee: Any, costs: Any) -> Costs:
    """Costs of a problem, from its arguments `fee` and `costs`.

    Raises
    ------
    ProblemError
        Both were given, or one is out of range.
    """
    if costs is None:
        if not (is_number(fee) and 0.0 <= fee < 1.0):
            raise ProblemError(f"fee is {fee!r}; it is a fraction of notional, 0 <= fee < 1")
        return Costs.plain(float(fee))
    if not isinstance(costs, Costs):
        raise ProblemError(f"costs are {costs!r}; give bt.Costs(maker=..., taker=...)")
    if fee != DEFAULT_FEE:
        raise ProblemError(f"fee {fee!r} was given with costs; put it into bt.Costs(maker=..., taker=...)")
    return costs
