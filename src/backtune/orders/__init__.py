"""The orders of the next bar, as the simulations would rest them. Nothing is sent anywhere.

The package can be called as the function `backtune.orders.sheet.orders`, so that ``bt.orders(["SP500"])``
works whether or not Python has put the package itself in the function's place by importing a module of it.
"""

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backtune.orders.sheet import OrderSheet


class _Callable(ModuleType):
    def __call__(self, symbols: Any, **options: Any) -> "OrderSheet":
        """See `backtune.orders.sheet.orders`."""
        from backtune.orders.sheet import orders

        sheet: OrderSheet = orders(symbols, **options)
        return sheet


sys.modules[__name__].__class__ = _Callable
