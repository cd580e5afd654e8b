"""Layouts that vendors and exchanges write, for the tests of bars."""

from __future__ import annotations

import numpy as np
import pandas as pd

from price_frames import PRICES

N = 60


def series(n=N, start="2024-01-02", freq="B", seed=0, scale=1.0, digits=2):
    """Prices of few digits, so that any way to write them keeps them."""
    rng = np.random.default_rng(seed)
    close = 100 * np.exp(np.cumsum(0.01 * rng.standard_normal(n)))
    open_ = np.r_[100.0, close[:-1]] * np.exp(0.003 * rng.standard_normal(n))
    high = np.maximum(open_, close) * (1 + 0.01 * rng.random(n))
    low = np.minimum(open_, close) * (1 - 0.01 * rng.random(n))
    data = {
        "Date": pd.date_range(start, periods=n, freq=freq),
        "Open": open_,
        "High": high,
        "Low": low,
        "Close": close,
    }
    frame = pd.DataFrame(data)
    frame[PRICES] = (frame[PRICES] * scale).round(digits)
    frame["High"] = frame[PRICES].max(axis=1)
    frame["Low"] = frame[PRICES].min(axis=1)
    frame["Volume"] = rng.integers(100, 9_000_000, n)
    return frame


DAILY, MINUTES = series(), series(freq="5min", start="2024-01-02 09:35")
LONGER = series(220, freq="30min", start="2024-01-02 09:30")
CRYPTO = series(freq="D", start="2024-01-01", scale=420.0, digits=1)


def rows(data, template, **stamps):
    """A line a row, by a template of o h l c v and of named formats of the time."""
    lines = []
    for row in data.itertuples():
        times = {
            name: form(row.Date) if callable(form) else row.Date.strftime(form)
            for name, form in stamps.items()
        }
        lines.append(template.format(o=row.Open, h=row.High, l=row.Low, c=row.Close, v=row.Volume, **times))
    return lines


def seconds(stamp):
    return str(stamp.value // 10**9)


OHLC = "{t},{o},{h},{l},{c},{v}"
LAYOUTS = {
    "stooq": (DAILY, ["Date,Open,High,Low,Close,Volume"], OHLC, {"t": "%Y-%m-%d"}, 1),
    "stooq bulk": (
        MINUTES, ["<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>,<OPENINT>"],
        "AAPL.US,5,{d},{t},{o},{h},{l},{c},{v},0", {"d": "%Y%m%d", "t": "%H%M%S"}, 1),
    "metatrader 5": (
        MINUTES, ["<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"],
        "{d}\t{t}\t{o}\t{h}\t{l}\t{c}\t{v}\t0\t1", {"d": "%Y.%m.%d", "t": "%H:%M:%S"}, 1),
    "metatrader 4": (MINUTES, [], "{d},{t},{o},{h},{l},{c},{v}", {"d": "%Y.%m.%d", "t": "%H:%M"}, 1),
    "histdata": (MINUTES, [], "{t};{o};{h};{l};{c};{v}", {"t": "%Y%m%d %H%M%S"}, 1),
    "kibot": (LONGER, [], "{d},{t},{o},{h},{l},{c},{v}", {"d": "%m/%d/%Y", "t": "%H:%M"}, 1),
    "firstrate": (MINUTES, [], "{t},{o},{h},{l},{c},{v}", {"t": "%Y-%m-%d %H:%M:%S"}, 1),
    "tradestation": (
        LONGER, ['"Date","Time","Open","High","Low","Close","Up","Down"'],
        "{d},{t},{o},{h},{l},{c},{v},1", {"d": "%m/%d/%Y", "t": "%H:%M"}, 1),
    "kraken": (CRYPTO, [], "{t},{o},{h},{l},{c},{v},12", {"t": seconds}, 1),
    "ccxt": (CRYPTO, [], "{t}000,{o},{h},{l},{c},{v}", {"t": seconds}, 1),
    "ccxt with names": (CRYPTO, ["timestamp,open,high,low,close,volume"], "{t}000,{o},{h},{l},{c},{v}",
     {"t": seconds}, 1),
    "bybit": (CRYPTO, ["start_at,symbol,period,open,high,low,close,volume"],
     "{t},BTCUSD,D,{o},{h},{l},{c},{v}",
              {"t": seconds}, 1),
    "coinbase": (CRYPTO, ["time,low,high,open,close,volume"], "{t},{l},{h},{o},{c},{v}", {"t": seconds}, -1),
    "coinbase without names": (CRYPTO, [], "{t},{l},{h},{o},{c},{v}", {"t": seconds}, -1),
    "cryptodatadownload": (
        CRYPTO, ["https://www.CryptoDataDownload.com",
     "unix,date,symbol,open,high,low,close,Volume BTC,Volume USD"],
        "{t},{d},BTC/USD,{o},{h},{l},{c},{v},1", {"t": seconds, "d": "%Y-%m-%d %H:%M:%S"}, -1),
    "cryptodatadownload hours": (
        CRYPTO, ["https://www.CryptoDataDownload.com", "Date,Symbol,Open,High,Low,Close,Volume BTC"],
        "{d},BTCUSD,{o},{h},{l},{c},{v}", {"d": "%Y-%m-%d %I-%p"}, -1),
    "nasdaq": (DAILY, ["Date,Close/Last,Volume,Open,High,Low"], "{t},${c},{v},${o},${h},${l}",
     {"t": "%m/%d/%Y"}, -1),
    "barchart": (DAILY, ["Time,Open,High,Low,Latest,Change,%Change,Volume"], "{t},{o},{h},{l},{c},0,0%,{v}",
                 {"t": "%m/%d/%Y"}, -1),
    "alpha vantage": (DAILY, ["date,1. open,2. high,3. low,4. close,5. volume"], OHLC, {"t": "%Y-%m-%d"}, -1),
    "tushare": (DAILY, ["ts_code,trade_date,open,high,low,close,pre_close,change,pct_chg,vol,amount"],
                "600000.SH,{t},{o},{h},{l},{c},1,0,0,{v},1", {"t": "%Y%m%d"}, -1),
    "baostock": (MINUTES, ["date,time,code,open,high,low,close,volume"],
     "{d},{t}000,sh.600000,{o},{h},{l},{c},{v}",
                 {"d": "%Y-%m-%d", "t": "%Y%m%d%H%M%S"}, 1),
    "databento": (MINUTES, ["ts_event,rtype,publisher_id,instrument_id,open,high,low,close,volume,symbol"],
                  "{t}.000000000Z,33,1,2,{o},{h},{l},{c},{v},AAPL", {"t": "%Y-%m-%dT%H:%M:%S"}, 1),
    "polygon": (MINUTES, ["ticker,volume,open,close,high,low,window_start,transactions"],
                "AAPL,{v},{o},{c},{h},{l},{t}000000000,3", {"t": seconds}, 1),
    "dukascopy": (MINUTES, ["Gmt time,Open,High,Low,Close,Volume"], OHLC, {"t": "%d.%m.%Y %H:%M:%S.000"}, 1),
    "dukascopy slashes": (series(400, freq="h"), ["Gmt time,Open,High,Low,Close,Volume"], OHLC,
     {"t": "%d/%m/%Y %H:%M"}, 1),
    "ninjatrader": (MINUTES, [], "{t};{o};{h};{l};{c};{v}", {"t": "%Y%m%d %H%M%S"}, 1),
    "netfonds": (DAILY, ["quote_date,paper,exch,open,high,low,close,volume,value"],
                 "{t},AAPL,Nasdaq,{o},{h},{l},{c},{v},1", {"t": "%Y%m%d"}, -1),
    "finam": (MINUTES, ["<TICKER>,<PER>,<DATE>,<TIME>,<OPEN>,<HIGH>,<LOW>,<CLOSE>,<VOL>"],
              "GAZP,5,{d},{t},{o},{h},{l},{c},{v}", {"d": "%Y%m%d", "t": "%H%M"}, 1),
    "coinmarketcap": (CRYPTO, ["timeOpen;timeClose;name;open;high;low;close;volume;marketCap"],
                      '"{t}";"{t}";"2781";{o};{h};{l};{c};{v};1', {"t": "%Y-%m-%dT%H:%M:%S.000Z"}, -1),
    "coinmarketcap old": (CRYPTO, ["Date,Open*,High,Low,Close**,Volume,Market Cap"],
     '"{t}",{o},{h},{l},{c},{v},1',
                          {"t": "%b %d, %Y"}, -1),
    "cryptocmd": (CRYPTO, ["Date,Open,High,Low,Close,Volume"], OHLC, {"t": "%d-%m-%Y"}, -1),
    "no quotes around the date": (DAILY, ["Date,Open,High,Low,Close,Volume"], OHLC, {"t": "%b %d, %Y"}, 1),
    "wall street journal": (DAILY, ["Date, Open, High, Low, Close, Volume"], "{t}, {o}, {h}, {l}, {c}, {v}",
                            {"t": "%m/%d/%y"}, -1),
    "korean years": (DAILY, ["일자,시가,고가,저가,종가,거래량"], OHLC, {"t": "%y/%m/%d"}, -1),
    "korean words": (DAILY, ["날짜,시가,고가,저가,종가,거래량"], OHLC, {"t": "%Y년 %m월 %d일"}, 1),
    "chinese": (DAILY, ["日期,开盘,最高,最低,收盘,成交量"], OHLC, {"t": "%Y-%m-%d"}, 1),
    "japanese": (DAILY, ["日付,始値,高値,安値,終値,出来高"], OHLC, {"t": "%Y年%m月%d日"}, 1),
    "polish": (DAILY, ["Data,Otwarcie,Najwyzszy,Najnizszy,Zamkniecie,Wolumen"], OHLC, {"t": "%Y-%m-%d"}, 1),
    "ariva": (DAILY, ["Datum;Erster;Hoch;Tief;Schlusskurs;Stücke;Volumen"], "{t};{o};{h};{l};{c};{v};1",
     {"t": "%Y-%m-%d"}, -1),
    "interactive brokers": (MINUTES, ["date,open,high,low,close,volume,average,barCount"],
     "{t},{o},{h},{l},{c},{v},1,1",
                            {"t": "%Y%m%d  %H:%M:%S"}, 1),
    "separator said": (DAILY, ["sep=;", "Date;Open;High;Low;Close;Volume"], "{t};{o};{h};{l};{c};{v}",
     {"t": "%Y-%m-%d"}, 1),
    "comments": (DAILY, ["# from a vendor", "# all rights reserved, always",
     "Date,Open,High,Low,Close,Volume"], OHLC,
                 {"t": "%Y-%m-%d"}, 1),
    "a disclaimer and a blank line": (DAILY, ["Symbol: AAPL", "", "Date,Open,High,Low,Close,Volume"], OHLC,
                                      {"t": "%Y-%m-%d"}, 1),
    "ctime": (MINUTES, ["Date,Open,High,Low,Close,Volume"], OHLC, {"t": "%a %b %d %H:%M:%S 2024"}, 1),
    "am and pm": (MINUTES.assign(Date=pd.date_range("2024-01-13 09:35", periods=N, freq="5min")),
                  ["Date,Open,High,Low,Close,Volume"], OHLC, {"t": "%m/%d/%Y %I:%M:%S %p"}, 1),
    "fourteen digits": (MINUTES, ["datetime,open,high,low,close,volume"], OHLC, {"t": "%Y%m%d%H%M%S"}, 1),
    "twelve digits": (MINUTES, ["datetime,open,high,low,close,volume"], OHLC, {"t": "%Y%m%d%H%M"}, 1),
    "ten digits": (series(freq="h"), ["datetime,open,high,low,close,volume"], OHLC, {"t": "%Y%m%d%H"}, 1),
    "ten digits of short years": (MINUTES, ["datetime,open,high,low,close,volume"], OHLC,
     {"t": "%y%m%d%H%M"}, 1),
    "trailing commas": (DAILY, ["Date,Open,High,Low,Close,Volume"], OHLC + ",", {"t": "%Y-%m-%d"}, 1),
    "trailing commas everywhere": (DAILY, ["Date,Open,High,Low,Close,Volume,"], OHLC + ",",
     {"t": "%Y-%m-%d"}, 1),
    "pipes": (DAILY, ["Date|Open|High|Low|Close|Volume"], "{t}|{o}|{h}|{l}|{c}|{v}", {"t": "%Y-%m-%d"}, 1),
    "blanks": (DAILY, ["Date Open High Low Close Volume"], "{t} {o} {h} {l} {c} {v}", {"t": "%Y-%m-%d"}, 1),
}  # fmt: skip


CSV = "\n".join(["Date,Open,High,Low,Close,Volume", *rows(DAILY, OHLC, t="%Y-%m-%d")]) + "\n"


def download(tickers=("MSFT",), order=("Price", "Ticker")):
    one = DAILY.set_index("Date")
    both = pd.concat(
        {ticker: one * (1 + place) for place, ticker in enumerate(tickers)}, axis=1, names=["Ticker", "Price"]
    )
    return both if order[0] == "Ticker" else both.swaplevel(axis=1)
