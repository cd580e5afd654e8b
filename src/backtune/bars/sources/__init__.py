"""Where bars can be downloaded from, and the local store that keeps them.

A source is a plug-in: `Source` is its interface, an entry point of the group ``backtune.sources`` or
``module:Class`` names one. Each library is an extra, imported when its source is used.
"""

from backtune.bars.sources.base import INTERVALS, Source
from backtune.bars.sources.registry import source_named
from backtune.bars.sources.store import Download, download

__all__ = ["INTERVALS", "Download", "Source", "download", "source_named"]
