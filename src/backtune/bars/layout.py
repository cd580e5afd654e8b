"""The layout of a text file: marks between cells, lines before the names, names, lines after the rows."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from backtune.bars.columns import are_units, known_roles, role_of
from backtune.bars.notes import Note
from backtune.bars.rules import PRICES
from backtune.errors import BarsError

_DELIMITERS = (";", "\t", "|", ",")
_SAMPLE = 160  # lines that tell the layout
_MOST_BEFORE = 60
BAR_CELLS = 5  # of a row of prices, at least: a time and four prices
_PRICE = re.compile(r"^\s*[$€£¥₹]?\s*[+-]?\d[\d.,'  ]*\d?\s*(?:[eE][+-]?\d+)?\s*[€$%]?\s*$")
_TIME = re.compile(
    r"^\s*[\[(]?(?:\d{8,20}(?:\.\d+)?|\d{1,4}\s*[-/.年년]\s*\d{1,2}\s*[-/.月월]?\s*\d{0,4}.*|"
    r"\d{1,2}[-/. ]\w{3,9}[-/. ,]+\d{2,4}.*|"
    r"[A-Za-z]{3,9}\.?,?\s+\d{1,2}.*|\d{4}-\d\d|\d{8}[ T]\d+.*)\s*$"
)


@dataclass
class Layout:
    """How the lines of a file are to be read.

    Attributes
    ----------
    delimiter : str
    names : list of str
        Of the columns; empty where the file names none.
    first : int
        Line of the first row, from 0.
    width : int
        Cells of a row.
    tickers : set of str
        Symbols that stand in lines of names, as yfinance writes them.
    joined : bool
        The first two cells of a row are one: an unquoted comma in the date.
    notes : list of Note
    by_column : list of str
        The ticker above each column, where lines of names hold any.
    """

    delimiter: str
    names: list[str]
    first: int
    width: int
    tickers: set[str] = field(default_factory=set)
    joined: bool = False
    notes: list[Note] = field(default_factory=list)
    by_column: list[str] = field(default_factory=list)


def read_layout(source: str, text: str, cells_a_row: int = BAR_CELLS) -> Layout:
    """Tell the layout from the first lines.

    Parameters
    ----------
    source, text : str
    cells_a_row : int
        The least that a row has, one of them a time and the others but one numbers.

    Raises
    ------
    BarsError
        It is empty.
    """
    lines = text.split("\n", _SAMPLE)[:_SAMPLE]
    lines = [line.rstrip("\r") for line in lines]
    declared = next((i for i, line in enumerate(lines) if line.strip()), None)
    if declared is None:
        raise BarsError(source, "cannot be read as CSV (No columns to parse from file)", "it is empty")
    match = re.fullmatch(r"\s*\"?sep=(.)\"?\s*", lines[declared])
    delimiter = match[1] if match else _delimiter(lines, cells_a_row)
    cells = [cut(line, delimiter) for line in lines]
    first = _first_row(cells, cells_a_row)
    width = _width(cells, first)
    names, begin, by_column = _names(cells, first, width, cells_a_row)
    joined = bool(names) and _is_joined(cells[first:], len(names))
    if joined:
        width = len(names) + 1
    units = ", ".join(dict.fromkeys(filter(None, by_column))) if are_units(names, by_column) else ""
    layout = Layout(delimiter, names, first, width, joined=joined, by_column=[] if units else by_column)
    layout.tickers = {ticker for ticker in layout.by_column if ticker}
    before = [line for line in lines[:begin] if line.strip() and not re.fullmatch(r"\s*\"?sep=.\"?\s*", line)]
    if before:
        shown = before[0].strip()[:60]
        many = f"{len(before)} lines" if len(before) > 1 else "a line"
        layout.notes.append(
            Note("lines_before_header", f"left out {many} before the names of the columns: {shown!r}")
        )
    if units:
        layout.notes.append(Note("units", f"left out a line of units: {units[:60]}"))
    return layout


def cut(line: str, delimiter: str) -> list[str]:
    """Cells of one line."""
    if delimiter == " ":
        return line.split()
    if '"' not in line:
        return [cell.strip() for cell in line.split(delimiter)]
    try:
        return [
            cell.strip() for cell in next(csv.reader([line], delimiter=delimiter, skipinitialspace=True), [])
        ]
    except (csv.Error, StopIteration):
        return [cell.strip() for cell in line.split(delimiter)]


def is_row(cells: Sequence[str], least: int = BAR_CELLS) -> bool:
    """Whether a line is a row of a table: a time, and numbers in all but one of the `least` cells."""
    numbers = sum(bool(_PRICE.match(cell)) for cell in cells)
    times = sum(bool(_TIME.match(cell)) for cell in cells)
    return times >= 1 and numbers >= least - 1 and len(cells) >= least


def is_time(cell: str) -> bool:
    """Whether a cell looks like a date or a time that names a day."""
    return bool(_TIME.match(cell))


def _delimiter(lines: Sequence[str], least: int) -> str:
    """The mark that cuts most lines into the same number of cells, with rows among them."""
    best, most = ",", (0, 0)
    for mark in (*_DELIMITERS, " "):
        rows = [row for row in (cut(line, mark) for line in lines) if len(row) >= least]
        if not rows:
            continue
        ((_, same),) = Counter(len(row) for row in rows).most_common(1)
        score = (sum(is_row(row, least) for row in rows), same if mark != " " else 0)
        if score > most:
            best, most = mark, score
    return best


def _width(cells: Sequence[Sequence[str]], first: int) -> int:
    rows = [len(row) for row in cells[first:] if any(row)]
    return Counter(rows).most_common(1)[0][0] if rows else 0


def _first_row(cells: Sequence[Sequence[str]], least: int) -> int:
    """The first line that is a row; behind names of columns also one that is damaged."""
    first = next((i for i, row in enumerate(cells) if is_row(row, least)), None)
    if first is None:
        first = _end_of_names(cells)
    rich = [i for i in range(first) if len(known_roles(cells[i])) >= 3]
    head = rich[-1] if rich else first
    damaged = (i for i in range(head + 1, first) if any(cells[i]) and not _is_names(cells[i]))
    return next(damaged, first)


def _is_names(cells: Sequence[str]) -> bool:
    """Whether a line under the names belongs to them: tickers, or the name of the index."""
    rest = [cell for cell in cells[1:] if cell]
    if is_time(cells[0]) or (not rest and len(cells) < 2):
        return False
    numbers = sum(bool(_PRICE.match(cell)) for cell in rest)
    codes = len(set(rest)) == 1 and len(rest[0]) >= 3 and rest[0].isdigit()  # tickers of Seoul and Shanghai
    return numbers == 0 or (codes and not is_time(cells[0]))


def _end_of_names(cells: Sequence[Sequence[str]]) -> int:
    """Line after the one that holds most names of columns, where no row can be told."""
    best = max(range(min(len(cells), _MOST_BEFORE)), key=lambda i: len(known_roles(cells[i])))
    return best + 1 if known_roles(cells[best]) else next(i for i, row in enumerate(cells) if any(row)) + 1


def _names(
    cells: Sequence[Sequence[str]], first: int, width: int, least: int
) -> tuple[list[str], int, list[str]]:
    """Names of the columns, the line they begin in, and the ticker above each."""
    above = [i for i in range(first) if any(cells[i])]
    named = [i for i in above if known_roles(cells[i]) & {*PRICES, "close", "timestamp"}]
    rich = [i for i in named if len(known_roles(cells[i])) >= 3]
    if not rich:
        last = above[-1] if above else None
        if last is not None and abs(len(cells[last]) - width) <= 1 and len(cells[last]) >= least:
            return list(cells[last]), last, []  # names that say nothing: the owner may map them
        if first and above and not is_row(cells[first] if first < len(cells) else [], least):
            return list(cells[above[-1]]), above[-1], []
        return [], first, []
    head = rich[-1]
    begin = head
    for i in reversed([i for i in above if i < head]):  # a line of tickers, or of the words Price and Ticker
        few_words = len(set(filter(None, cells[i]))) * 2 <= len(cells[i]) or i in named
        if (
            abs(len(cells[i]) - len(cells[head])) > 1
            or known_roles(cells[i]) & set(PRICES[:3])
            or not few_words
        ):
            break
        begin = i
    names = list(cells[head])
    tickers = [""] * len(names)
    for i in range(begin, first):
        if i == head:
            continue
        for place, cell in enumerate(cells[i][: len(names)]):
            if not cell or cell.lower() in ("price", "ticker", "symbols", "attributes"):
                continue
            if role_of(cell) == "timestamp":
                names[place] = cell
            elif role_of(names[place]) in (*PRICES, "volume", "adj_close"):
                tickers[place] = cell
    timed = any(role_of(name) == "timestamp" for name in names)
    if (begin < head or head < first - 1) and names[0].lower() in ("price", "ticker"):
        names[0] = "" if timed else "Date"
    if names and not names[0] and len(names) > 1 and not any(role_of(name) == "timestamp" for name in names):
        names[0] = "Date"  # an index without a name
    return names, begin, tickers


def _is_joined(rows: Sequence[Sequence[str]], names: int) -> bool:
    """Whether all rows have one cell more than names, since their date holds a comma without quotes."""
    some = [row for row in rows if len(row) > 1][:50]
    return bool(some) and all(
        len(row) == names + 1
        and re.fullmatch(r"[A-Za-z]{3,9}\.? \d{1,2}", row[0])
        and re.match(r"\d{4}", row[1])
        for row in some
    )
