"""Stock or crypto: told from trade at weekends, else from the name."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from backtune.bars.options import Asset
from backtune.bars.spacing import DAY, HOUR, usual_step

_STABLE = "USDT|USDC|BUSD|FDUSD|TUSD|USDD|USDE|DAI|PYUSD"
_QUOTES = (
    f"{_STABLE}|USD|EUR|GBP|JPY|KRW|TRY|BRL|AUD|CAD|CHF|INR|RUB|UAH|IDR|PLN|MXN|ZAR|BTC|XBT|ETH|BNB|PERP"
)
_COINS = (
    "BTC|XBT|ETH|BNB|SOL|XRP|DOGE|ADA|TRX|AVAX|SHIB|DOT|LINK|BCH|LTC|NEAR|UNI|PEPE|ICP|APT|XLM|ETC|XMR|FIL|HBAR|ARB|"
    "ATOM|VET|OP|MKR|INJ|GRT|RUNE|AAVE|ALGO|FTM|THETA|SAND|AXS|MANA|EOS|XTZ|FLOW|EGLD|SNX|NEO|KAVA|CHZ|ZEC|IOTA|DASH|"
    "CAKE|CRV|ENJ|COMP|1INCH|BAT|ZIL|QTUM|WAVES|LUNA|LUNC|MATIC|POL|TON|SUI|SEI|TIA|WIF|BONK|FLOKI|1000SHIB|1000PEPE|"
    "JUP|PYTH|WLD|STX|IMX|LDO|DYDX|GMX|YFI|SUSHI|KSM|XEM|ONT|IOST|OMG|BTT|HOT|ANKR|CELO|ROSE|KDA|MINA|ENS|APE|GALA|"
    "RNDR|RENDER|FET|AGIX|OCEAN|TAO|KAS|CRO|OKB|LEO|HYPE|TRUMP|ENA|ONDO|JTO|STRK|ORDI|BSV|BTG|DCR|SC|XVG|XDG"
)
_LONE = {"BTC", "XBT", "ETH", "BITCOIN", "ETHEREUM", "BITCOINS"}  # other coins have the names of shares
_PAIR = re.compile(
    rf"[TX]?(?:(?:{_COINS})Z?(?:{_QUOTES})+\d*|[A-Z0-9]{{2,12}}(?:USDT|USDC|FDUSD))(?:P|PERP)?"
)
_COIN, _QUOTE = re.compile(_COINS), re.compile(rf"(?:{_QUOTES})+|SPOT|SWAP")
_INTERVAL = re.compile(
    r"\d*[SMHDW]|\d+(?:MIN|MO|MIN(?:UTE)?S?|HOURS?|DAYS?)|DAILY|WEEKLY|MONTHLY|HOURLY|\d{1,5}"
)
_SATURDAY = 5


def judge_asset(
    symbol: str, timestamps: NDArray[np.datetime64], active: NDArray[np.bool_] | None = None
) -> tuple[Asset, bool]:
    """Stock or crypto, and whether that is sure.

    Bars of a day or shorter that hold a whole week tell by themselves: crypto trades on all seven days, and
    no exchange does (Tehran and Riyadh close on other days than Saturday and Sunday; currencies open on
    Sunday evening). Of slower bars, and of less than a week, the name tells where it is a pair.

    Parameters
    ----------
    symbol : str
    timestamps : ndarray of datetime64, shape (n,)
    active : ndarray of bool, shape (n,), optional
        Bars in which there was trade; calendars filled up to seven days repeat prices on the others.
    """
    stamps = timestamps.astype("datetime64[s]").astype("int64")
    steps = np.diff(stamps).astype(np.float64)
    named = by_name(symbol)
    if not len(steps) or usual_step(steps) > 1.25 * DAY:
        return named or "stock", named is not None and symbol.upper() not in _LONE
    whole_week = stamps[-1] - stamps[0] >= 7 * DAY - max(float(usual_step(steps)), 1.0)
    traded = stamps if active is None or active.mean() < 0.5 else stamps[active]
    weekdays = (traded // int(DAY) + 3) % 7  # 1970-01-01 was a Thursday
    shares = np.bincount(weekdays.astype(np.int64), minlength=7) / max(len(traded), 1)
    if whole_week:
        return ("crypto" if shares.min() > 0.05 else "stock"), True
    hours = traded % int(DAY) / HOUR
    at_weekend = (weekdays == _SATURDAY) & (hours > 6) & (hours < 20)
    if usual_step(steps) < DAY and at_weekend.any():
        return "crypto", True
    return named or "stock", named is not None and symbol.upper() not in _LONE


def by_name(symbol: str) -> Asset | None:
    """What the name says: crypto where it holds a pair of coins or of a coin and money, else nothing.

    Examples
    --------
    >>> [by_name(name) for name in ("BTCUSDT-1m-2024", "XBTEUR_10080", "DOGE-PERP", "EURUSD", "BRK-ETH")]
    ['crypto', 'crypto', 'crypto', None, None]
    """
    name = symbol.upper()
    if name in _LONE:
        return "crypto"
    tokens = [token for token in re.split(r"[^A-Z0-9]+", name) if token]
    for place, token in enumerate(tokens):
        if _PAIR.fullmatch(token):
            return "crypto"
        following = tokens[place + 1] if place + 1 < len(tokens) else ""
        if _COIN.fullmatch(token) and _QUOTE.fullmatch(following):
            return "crypto"
        if token in _LONE and _INTERVAL.fullmatch(following):
            return "crypto"
    return None


def active_bars(prices: NDArray[np.float64], volume: NDArray[np.float64] | None) -> NDArray[np.bool_]:
    """Bars with a range or a volume that do not repeat the bar before them, shape (n,).

    `prices`, shape (4, n): open, high, low, close.
    """
    _, high, low, _ = prices
    active: NDArray[np.bool_] = high > low
    if volume is not None:
        active = active | (np.nan_to_num(volume) > 0.0)
    repeats = (prices[:, 1:] == prices[:, :-1]).all(axis=0) & (high[1:] > low[1:])
    if volume is not None:
        repeats &= np.nan_to_num(volume[1:]) == np.nan_to_num(volume[:-1])
    active[1:] &= ~repeats
    return active
