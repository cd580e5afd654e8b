"""What people look at: tables on a terminal, figures, and the report page.

The package can be called as the function `backtune.report.page.report`, so that ``bt.report(result)`` works
whether or not Python has put the package itself in the function's place by importing a module of it.
"""

import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from backtune.report.page import Report


class _Callable(ModuleType):
    def __call__(self, *subjects: Any, **options: Any) -> "Report":
        """See `backtune.report.page.report`."""
        from backtune.report.page import report

        return report(*subjects, **options)


sys.modules[__name__].__class__ = _Callable
