"""Which column is what: the names that vendors and exchanges give them, in their languages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from backtune.bars.rules import PRICES
from backtune.errors import BarsError

_KNOWN = {
    "timestamp": (
        "timestamp datetime date_time date time open_time opentime t index gmt_time local_time utc "
        "utc_time trade_date tradedate trading_date ts_event window_start quote_date unix unix_time "
        "unix_timestamp unixtime time_open timeopen start start_at start_time starttime begins_at begin "
        "begin_time period_start bar_time bartime candle_time day dt ts bob session snapped_at "
        "time_period_start observation_date exchange_date datum zeit zeitpunkt data fecha tarih дата "
        "날짜 일자 일시 시간 日付 日時 日期 交易日期 时间 unnamed:_0 timestamp_utc date_utc week month"
    ),
    "open": (
        "open o opening opening_price open_price openprice first px_open price_open start_price "
        "mid_open eröffnung erster eröffnungskurs otwarcie apertura abertura ouverture ouv öppning "
        "öppningskurs açılış цена_открытия откр 시가 始値 开盘 开盘价 今开 開盤 開盤價 opent opening_value"
    ),
    "high": (
        "high h high_price highprice highest max px_high price_high mid_high day_high hoch höchst "
        "höchstkurs tageshoch najwyzszy najwyższy máximo maximo massimo alta haut plus_haut högst "
        "högstkurs yüksek макс 고가 高値 最高 最高价 最高價 opening_high"
    ),
    "low": (
        "low l low_price lowprice lowest min px_low price_low mid_low day_low tief tiefst tiefstkurs "
        "tagestief najnizszy najniższy mínimo minimo baixa bas plus_bas lägst lägstkurs düşük мин 저가 "
        "安値 最低 最低价 最低價"
    ),
    "close": (
        "close c close_price closeprice closing closing_price px_last px_close price_close mid_close "
        "close/last last latest last_price ltp price settle settlement schluss schlusskurs letzter "
        "zamkniecie zamknięcie cierre último ultimo chiusura fechamento clôture cloture fermeture "
        "dernier slutkurs senast kapanış şimdi цена_закрытия закр 종가 終値 "
        "收盘 收盘价 收盤 收盤價 most_recent"
    ),
    "volume": (
        "volume v vol tick_volume tickvol real_volume basevolume base_volume volume_traded "
        "total_volume shares total_trade_quantity umsatz wolumen volumen volumes hacim объём объем "
        "거래량 出来高 成交量 成交股數 qty quantity"
    ),
    "symbol": (
        "symbol ticker tic ts_code stock_code code stock instrument security sym name pair contract "
        "asset paper instrument_id isin kürzel 代码 股票代码 종목코드 銘柄コード"
    ),
    "adj_open": "adj_open adjopen adjusted_open open_adj open_adjusted",
    "adj_high": "adj_high adjhigh adjusted_high high_adj high_adjusted",
    "adj_low": "adj_low adjlow adjusted_low low_adj low_adjusted",
    "adj_close": (
        "adj_close adjclose adjusted_close close_adj close_adjusted adjusted_closing_price adj_close_price"
    ),
    "split": "split_factor splitfactor split_ratio split_coefficient stock_splits stock_split split splits",
    "dividend": "dividend_amount divcash dividends dividend ex_dividend div_cash cash_dividend",
    "utc_offset": "utc_offset",
}
NAMES = {role: tuple(names.split()) for role, names in _KNOWN.items()}
ROLE = {name: role for role, names in NAMES.items() for name in names}
_CLOCKS = (
    "time",
    "zeit",
    "hour",
    "시간",
    "时间",
    "trade_time",
    "time_of_day",
    "uhrzeit",
    "hora",
    "czas",
    "время",
)
_DATES = (
    "date",
    "datum",
    "data",
    "fecha",
    "tarih",
    "дата",
    "날짜",
    "일자",
    "日付",
    "日期",
    "trade_date",
    "day",
    "dtyyyymmdd",
)
_NUMBERING = re.compile(r"^\d+[a-z]?\.\s*")
_UNIT = re.compile(r"\s*[(\[][^)\]]*[)\]]\s*$")


def plain_name(column: object) -> str:
    """Name without case, blanks, brackets and what vendors add: "1. open", "<OPEN>", "Close (USD)"."""
    name = _NUMBERING.sub("", str(column).strip().strip("<>\ufeff").strip().lower())
    name = _UNIT.sub("", name).strip("*. '\"") or name
    name = re.sub(r"adj\.?\s+", "adj_", name)
    return re.sub(r"[\s\-]+", "_", name)


def role_of(column: object) -> str | None:
    """Part of a bar that a column of this name is; None where the name says nothing."""
    name = plain_name(column)
    return (
        ROLE.get(name) or ROLE.get(name.replace("_", "")) or ("volume" if name.startswith("volume") else None)
    )


def choose(source: str, names: Sequence[str], named: Mapping[str, str]) -> dict[str, int]:
    """Place of the column for each part of a bar, by its best name; `clock` where the time of day is apart.

    Parameters
    ----------
    names : sequence of str
        Of all columns, in their order; empty where one has none.
    named : mapping
        Names that the owner gave, by part.

    Raises
    ------
    BarsError
        One that a bar needs is not there, or there twice; a name that was given is not there.
    """
    chosen: dict[str, int] = {}
    plain = [plain_name(name) for name in names]
    for role, wanted in named.items():
        chosen[role] = _place(source, role, wanted, names)
    for role, known in NAMES.items():
        if role in chosen:
            continue
        ranked = [
            (rank, place)
            for place, name in enumerate(plain)
            if (rank := _rank(name, role, known)) is not None
        ]
        if not ranked:
            continue
        best = min(rank for rank, _ in ranked)
        places = [place for rank, place in ranked if rank == best]
        if len(places) > 1 and role not in ("volume", "symbol", "split", "dividend"):
            same = ", ".join(names[place] for place in places)
            raise BarsError(source, f"columns {same} have the same name", "keep one column of each name")
        chosen[role] = places[0]
    _pair_clock(chosen, plain, named)
    missing = [role for role in ("timestamp", *PRICES) if role not in chosen]
    if missing:
        words = {"timestamp": "time (Date, Datetime, timestamp or time)"}
        have = ", ".join(name for name in names[:12] if name)
        lacking = ", ".join(words.get(name, name) for name in missing)
        raise BarsError(
            source,
            f"no column for {lacking}",
            f"it has: {have}; name them Date, Open, High, Low, Close, or say which they are: "
            f"columns (--columns) {missing[0].replace('timestamp', 'time')}=NAME,...",
        )
    return chosen


def _rank(name: str, role: str, known: tuple[str, ...]) -> int | None:
    for form in (name, name.replace("_", "")):
        if form in known:
            return known.index(form)
    return len(known) if role == "volume" and name.startswith("volume") else None


def _place(source: str, role: str, wanted: str, names: Sequence[str]) -> int:
    exact = [place for place, name in enumerate(names) if name == wanted]
    alike = exact or [place for place, name in enumerate(names) if plain_name(name) == plain_name(wanted)]
    if len(alike) != 1:
        have = ", ".join(name for name in names[:12] if name)
        many = "several columns have that name" if alike else f"it has: {have}"
        raise BarsError(
            source, f"no column {wanted!r} for {role}", f"{many}; give another by columns (--columns)"
        )
    return alike[0]


def _pair_clock(chosen: dict[str, int], plain: Sequence[str], named: Mapping[str, str]) -> None:
    """A column of dates beside one of times of day: both together are the time."""
    if "timestamp" in named:
        return
    date = next((plain.index(name) for name in _DATES if name in plain), None)
    clock = next((plain.index(name) for name in _CLOCKS if name in plain), None)
    if date is None or clock is None or date == clock:
        return
    if chosen.get("timestamp") in (date, clock):
        chosen["timestamp"], chosen["clock"] = date, clock


def known_roles(cells: Iterable[object]) -> set[str]:
    """Parts of a bar that a line of names holds."""
    return {role for cell in cells if str(cell).strip() and (role := role_of(cell))}


def are_units(names: Sequence[str], labels: Sequence[str]) -> bool:
    """Whether labels of columns are units rather than tickers: the volume's is none of the prices'."""
    by_role = [(role_of(name), label) for name, label in zip(names, labels, strict=False) if label]
    of_prices = {label for role, label in by_role if role in PRICES}
    return bool(of_prices) and any(role == "volume" and label not in of_prices for role, label in by_role)
