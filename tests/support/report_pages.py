"""What a report page holds, as a test reads it."""

import re

from backtune.report.data import unpack


def stored(page, name):
    """Content of a script element."""
    return unpack(re.search(f'id="{name}">(.*?)</script>', page)[1])


def bodies(page):
    """HTML of the details of every symbol, one behind the other."""
    return "".join(stored(page, name)["body"] for name in re.findall(r'id="(part-\d+)"', page))
