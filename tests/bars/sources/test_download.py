"""Downloads: kept, gone on with, and patient; the services are played by a local HTTP server."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlparse

import numpy as np
import pandas as pd
import pytest

from backtune import BarsError, SettingError, load_bars
from backtune.bars import find_bars_file
from backtune.bars.sources import Source, download, source_named
from backtune.bars.sources.base import COLUMNS, MOST_ATTEMPTS
from price_frames import frame

DAY = 86_400
DAYS = frame(n=60, freq="D", start="2024-01-02")


class Service:
    """A server that gives bars by day as one of the services does, and faults before them where asked to."""

    def __init__(self):
        self.faults: list[int] = []  # status of the next answers; 0 hangs up
        self.asked: list[str] = []
        self.scale = 1.0
        self.bars = DAYS
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                service.asked.append(self.path)
                if service.faults:
                    status = service.faults.pop(0)
                    if status >= 500 and "chart" in self.path:
                        self.answer(status, "Will be right back")
                    elif status:
                        self.answer(status, {"code": -1003 if status == 429 else -1001, "msg": "not now"})
                    else:
                        self.close_connection = True
                    return
                url = urlparse(self.path)
                query = {name: values[0] for name, values in parse_qs(url.query).items()}
                self.answer(200, service.answer(url.path, query))

            def answer(self, status, value):
                content = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def between(self, start, end):
        stamps = self.bars["Date"].astype("int64") // 10**9
        return self.bars[(stamps >= start) & (stamps < end)]

    def answer(self, path, query):
        if path.endswith("/klines"):
            since = int(query.get("startTime", 0)) // 1000
            until = int(query.get("endTime", 10**13)) // 1000
            rows = self.between(since, until).head(25)
            return [
                [int(row.Date.timestamp()) * 1000, str(row.Open), str(row.High), str(row.Low), str(row.Close),
                 str(row.Volume), 0, "0", 0, "0", "0", "0"]
                for row in rows.itertuples()
            ]  # fmt: skip
        if path.endswith("/exchangeInfo"):
            return {"timezone": "UTC", "symbols": [{
                "symbol": "BTCUSDT", "status": "TRADING", "baseAsset": "BTC", "quoteAsset": "USDT",
                "permissions": ["SPOT"],
                "permissionSets": [["SPOT"]], "isSpotTradingAllowed": True, "filters": [], "orderTypes": [],
                "baseAssetPrecision": 8, "quotePrecision": 8, "quoteAssetPrecision": 8,
            }]}  # fmt: skip
        if "/v8/finance/chart/" in path:
            return self.chart(path.rpartition("/")[2], query)
        if path.endswith("/v2/stocks/bars"):
            return self.alpaca(query)
        return {}

    def chart(self, symbol, query):
        rows = self.between(int(query["period1"]), int(query["period2"]))
        meta = {
            "currency": "USD", "symbol": symbol, "exchangeName": "NMS", "instrumentType": "EQUITY",
            "gmtoffset": 0,
            "timezone": "UTC", "exchangeTimezoneName": "UTC", "regularMarketPrice": 1.0, "priceHint": 2,
            "dataGranularity": "1d", "range": "", "validRanges": ["max"], "firstTradeDate": 0,
            "currentTradingPeriod": {name: {"timezone": "UTC", "start": 0, "end": 0, "gmtoffset": 0}
                                     for name in ("pre", "regular", "post")},
        }  # fmt: skip
        quote = {name.lower(): rows[name].tolist() for name in ("Open", "High", "Low", "Close", "Volume")}
        adjusted = (rows["Close"] * self.scale).tolist()
        stamps = [int(day.timestamp()) for day in rows["Date"]]
        result = {
            "meta": meta,
            "timestamp": stamps,
            "indicators": {"quote": [quote], "adjclose": [{"adjclose": adjusted}]},
        }
        return {"chart": {"result": [result], "error": None}}

    def alpaca(self, query):
        start, end = (int(pd.Timestamp(query[name]).timestamp()) for name in ("start", "end"))
        rows = self.between(start, end)
        skip = int(query.get("page_token", 0))
        page = rows.iloc[skip : skip + 20]
        bars = [
            {"t": f"{row.Date:%Y-%m-%dT%H:%M:%SZ}", "o": row.Open, "h": row.High, "l": row.Low,
             "c": row.Close, "v": row.Volume, "n": 1, "vw": row.Close}
            for row in page.itertuples()
        ]  # fmt: skip
        more = str(skip + 20) if skip + 20 < len(rows) else None
        return {"bars": {query["symbols"]: bars}, "next_page_token": more}


@pytest.fixture
def service():
    playing = Service()
    yield playing
    playing.server.shutdown()
    playing.server.server_close()


@pytest.fixture
def pauses():
    return []


def yahoo(service, monkeypatch):
    from yfinance import data
    from yfinance.scrapers import history

    monkeypatch.setattr(history, "_BASE_URL_", service.url)
    monkeypatch.setattr(data.YfData, "_get_cookie_and_crumb", lambda self, *args, **options: (None, None))
    monkeypatch.setattr("yfinance.base.TickerBase._get_ticker_tz", lambda self, timeout: "UTC")
    return source_named("yfinance"), "MSFT"


def binance(service, monkeypatch):
    source = source_named("ccxt:binance")
    source.client.urls["api"]["public"] = f"{service.url}/api/v3"
    source.client.options["fetchMarkets"] = {"types": ["spot"]}
    source.client.enableRateLimit = False
    return source, "BTC/USDT"


def alpaca(service, monkeypatch):
    monkeypatch.setenv("APCA_API_KEY_ID", "key")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "secret")
    monkeypatch.setenv("APCA_API_DATA_URL", service.url)
    return source_named("alpaca"), "MSFT"


SERVICES = [
    pytest.param(yahoo, marks=pytest.mark.needs("yfinance")),
    pytest.param(binance, marks=pytest.mark.needs("ccxt")),
    pytest.param(alpaca, marks=pytest.mark.needs("alpaca")),
]


def same(bars, data):
    np.testing.assert_allclose(bars.close, data["Close"], rtol=1e-12)
    np.testing.assert_allclose(bars.high, data["High"], rtol=1e-12)
    assert len(bars) == len(data)


@pytest.mark.parametrize("start", SERVICES)
def test_a_service_is_read_into_a_folder_that_data_reads(tmp_path, service, monkeypatch, start):
    source, symbol = start(service, monkeypatch)
    (outcome,) = download([symbol], source, start="2024-01-01", end="2024-06-01", folder=tmp_path)
    assert outcome.error is None
    assert (outcome.bars, outcome.added) == (60, 60)
    same(load_bars(find_bars_file(symbol, tmp_path)), DAYS)


@pytest.mark.parametrize("start", SERVICES)
def test_a_second_download_asks_for_what_is_new_alone(tmp_path, service, monkeypatch, start):
    source, symbol = start(service, monkeypatch)
    service.bars = DAYS.iloc[:40]
    download([symbol], source, start="2024-01-01", end="2024-06-01", folder=tmp_path)
    service.asked.clear()
    service.bars = DAYS
    (outcome,) = download([symbol], source, start="2024-01-01", end="2024-06-01", folder=tmp_path)
    assert (outcome.error, outcome.bars, outcome.added, outcome.again) == (None, 60, 20, False)
    same(load_bars(outcome.path), DAYS)
    assert "1704" not in "".join(path for path in service.asked if "chart" in path or "klines" in path)


@pytest.mark.parametrize("start", SERVICES)
@pytest.mark.parametrize("faults", [[429, 503], [0, 500]])
def test_faults_that_pass_are_waited_for(tmp_path, service, monkeypatch, pauses, start, faults):
    source, symbol = start(service, monkeypatch)
    service.faults = list(faults)
    (outcome,) = download(
        [symbol], source, start="2024-01-01", end="2024-06-01", folder=tmp_path, wait=pauses.append
    )
    assert outcome.error is None
    assert outcome.bars == 60


@pytest.mark.needs("yfinance")
def test_a_past_that_was_adjusted_meanwhile_is_fetched_again(tmp_path, service, monkeypatch):
    """A dividend changes all bars before it: old and new ones would not be of one scale."""
    source, symbol = yahoo(service, monkeypatch)
    service.bars = DAYS.iloc[:40]
    download([symbol], source, start="2024-01-01", end="2024-06-01", folder=tmp_path)
    service.bars, service.scale = DAYS, 0.5
    (outcome,) = download([symbol], source, start="2024-01-01", end="2024-06-02", folder=tmp_path)
    assert (outcome.error, outcome.bars, outcome.again) == (None, 60, True)
    np.testing.assert_allclose(load_bars(outcome.path).close, 0.5 * DAYS["Close"], rtol=1e-12)


class Pages(Source):
    """Pages of ten bars, with an error before some of them."""

    name = "pages"

    def __init__(self, errors=(), bars=DAYS):
        super().__init__()
        self.errors, self.bars, self.given = list(errors), bars, []

    def pages(self, symbol, interval, start, end) -> Iterator[pd.DataFrame]:
        stamps = self.bars["Date"].dt.tz_localize("UTC")
        rows = self.bars[(stamps >= start) & (stamps < end)].rename(columns=str.lower)
        rows = rows.rename(columns={"date": "timestamp"}).assign(timestamp=stamps)[list(COLUMNS)]
        for place in range(0, len(rows), 10):
            if self.errors and (error := self.errors.pop(0)) is not None:
                raise error
            self.given.append(place)
            yield rows.iloc[place : place + 10]


def test_it_goes_on_behind_the_last_page_after_an_error(tmp_path, pauses):
    source = Pages([None, None, OSError("down"), OSError("down"), None, TimeoutError()])
    (outcome,) = download(
        ["ABC"], source, start="2024-01-01", end="2024-06-01", folder=tmp_path, wait=pauses.append
    )
    assert (outcome.bars, outcome.error) == (60, None)
    assert pauses == [1.0, 2.0, 1.0]
    assert len(source.given) == 6  # no page twice


def test_what_came_before_an_error_that_stays_is_kept_and_gone_on_with(tmp_path, pauses):
    source = Pages([None, None, *[OSError("down")] * MOST_ATTEMPTS])
    (outcome,) = download(
        ["ABC"], source, start="2024-01-01", end="2024-06-01", folder=tmp_path, wait=pauses.append
    )
    assert outcome.bars == 20
    assert "it goes on where it stopped" in str(outcome.error)
    (outcome,) = download(["ABC"], source, start="2024-01-01", end="2024-06-01", folder=tmp_path)
    assert (outcome.bars, outcome.error) == (60, None)
    assert source.given[:3] == [0, 10, 0]
    same(load_bars(outcome.path), DAYS)


def test_an_error_that_does_not_pass_is_one_line_and_others_go_on(tmp_path, pauses):
    source = Pages([ValueError("no such\nsymbol")])
    bad, good = download(["BAD", "ABC"], source, start="2024-01-01", folder=tmp_path, wait=pauses.append)
    assert str(bad.error) == "BAD: pages: ValueError: no such symbol; check symbol and dates"
    assert (good.bars, pauses) == (60, [])
    assert [path.name for path in tmp_path.iterdir()] == ["ABC.parquet"]


def test_a_bar_that_has_not_ended_is_left_out(tmp_path):
    today = pd.Timestamp.now("UTC").tz_localize(None).normalize()
    bars = DAYS.assign(Date=pd.date_range(end=today, periods=60, freq="D"))
    (outcome,) = download(["ABC"], Pages(bars=bars), start=str(bars["Date"].iloc[0])[:10], folder=tmp_path)
    assert outcome.bars == 59


def test_a_file_of_other_bars_is_not_mixed_with_these(tmp_path):
    download(["ABC"], Pages(), start="2024-01-01", folder=tmp_path)
    (outcome,) = download(["ABC"], Pages(), interval="1h", start="2024-01-01", folder=tmp_path)
    assert "holds 1d bars of pages, not 1h of pages" in str(outcome.error)
    DAYS.to_parquet(tmp_path / "XYZ.parquet")
    (outcome,) = download(["XYZ"], Pages(), start="2024-01-01", folder=tmp_path)
    assert "XYZ.parquet" in str(outcome.error)
    assert len(load_bars(tmp_path / "XYZ.parquet")) == 60


def test_an_earlier_start_fetches_the_whole(tmp_path):
    download(["ABC"], Pages(), start="2024-02-01", folder=tmp_path)
    (outcome,) = download(["ABC"], Pages(), start="2024-01-01", folder=tmp_path)
    assert (outcome.bars, outcome.added, outcome.again) == (60, 30, False)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"source": "nasdaq"}, "unknown source 'nasdaq'"),
        pytest.param({"source": "ccxt"}, "give ccxt:binance", marks=pytest.mark.needs("ccxt")),
        pytest.param({"source": "ccxt:no"}, "unknown exchange 'no'", marks=pytest.mark.needs("ccxt")),
        pytest.param(
            {"source": "alpaca"},
            "set APCA_API_KEY_ID and APCA_API_SECRET_KEY in the environment",
            marks=pytest.mark.needs("alpaca"),
        ),
        ({"interval": "7m"}, "unknown interval '7m'"),
        ({"start": "soon"}, "start is 'soon'"),
        ({"start": "2999-01-01"}, "nothing to download"),
    ],
)
def test_what_cannot_be_downloaded_is_one_line(tmp_path, monkeypatch, options, part):
    for key in ("APCA_API_KEY_ID", "APCA_API_SECRET_KEY"):
        monkeypatch.delenv(key, raising=False)
    with pytest.raises(SettingError) as caught:
        download(["ABC"], **({"source": Pages()} | options), folder=tmp_path)
    assert part in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_library_that_is_missing_names_its_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "ccxt", None)
    with pytest.raises(SettingError, match=r"pip install 'backtune\[ccxt\]'"):
        source_named("ccxt:binance")


def test_a_source_of_ones_own_is_named_like_any_plug_in(tmp_path, monkeypatch):
    (tmp_path / "mysource.py").write_text(
        "from backtune.bars.sources import Source\n"
        "class Mine(Source):\n    name = 'mine'\n    def pages(self, *a): return iter(())\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    source = source_named("mysource:Mine")
    assert source.label == "mine"
    (outcome,) = download(["ABC"], source, folder=tmp_path / "data")
    assert isinstance(outcome.error, BarsError)
    assert "mine has no bars of it" in str(outcome.error)
