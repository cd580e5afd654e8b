"""The page in Chromium: no error, no request, every chart drawn, by mouse, keyboard and screen reader."""

import json
import shutil
import time
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from backtune.report import details
from backtune.report.page import report
from chromium import chromium, complaints, needs_chromium, requests, show, wait_for

pytestmark = needs_chromium
OF_A_SYMBOL, OF_THE_RUN = 11, 2
ALL = f"document.querySelectorAll('.chart.drawn').length === {OF_A_SYMBOL + OF_THE_RUN}"
SHOWN = "document.querySelector('#details').dataset.symbol"


@pytest.fixture(scope="module", name="browser")
def _browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="module", name="address")
def _address(sample_run):
    report(sample_run.folder).write(sample_run.folder / "report.html")
    return (sample_run.folder / "report.html").as_uri()


def open_everything(browser):
    """Choose a symbol, unfold all and draw all."""
    browser.execute_script("document.getElementById('symbol').scrollIntoView()")
    wait_for(browser, SHOWN)
    browser.execute_script("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    browser.execute_script("charts.drawAll()")
    wait_for(browser, ALL)


def press(browser, key, times=1):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    for _ in range(times):
        ActionChains(browser).send_keys(getattr(Keys, key, key)).perform()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_every_chart_is_drawn_without_an_error_or_a_request(browser, address, width, scheme):
    show(browser, address, width, scheme)
    open_everything(browser)
    blank = """
        const blank = (canvas) => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            const seen = new Set();
            for (let k = 0; k < data.length; k += 4) {
                if (data[k + 3] > 200) seen.add(data[k] * 65536 + data[k + 1] * 256 + data[k + 2]);
            }
            return seen.size < 3;
        };
        return [...document.querySelectorAll(".chart")]
            .filter((chart) => ![...chart.querySelectorAll("canvas")].some((canvas) => !blank(canvas)))
            .map((chart) => chart.dataset.chart);
    """
    assert browser.execute_script(blank) == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert complaints(browser) == []
    assert requests(browser) == [address]


def test_charts_are_drawn_when_they_come_into_view(browser, address):
    show(browser, address)
    wait_for(browser, "document.querySelector('[data-chart=portfolio].drawn')")
    assert browser.execute_script("return document.querySelectorAll('#details .chart.drawn').length") == 0
    browser.execute_script("document.getElementById('symbol').scrollIntoView()")
    wait_for(browser, "document.querySelector('[data-chart=candles].drawn')")
    assert not browser.execute_script("return document.querySelector('[data-chart=forecast].drawn')")


@pytest.mark.needs("axe_core_python")
@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light")])
def test_a_screen_reader_finds_nothing_serious(browser, address, width, scheme):
    """By axe-core: names, roles, headings, contrast."""
    show(browser, address, width, scheme)
    open_everything(browser)
    axe = Path(find_spec("axe_core_python").origin).with_name("axe.min.js")
    browser.execute_script(axe.read_text("utf-8"))
    faults = browser.execute_async_script(
        "axe.run(document, { resultTypes: ['violations'] }).then(arguments[arguments.length - 1])"
    )
    serious = [one for one in faults["violations"] if one["impact"] in ("serious", "critical")]
    assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in serious] == []


def test_headings_run_from_one_to_three_without_a_gap(browser, address):
    show(browser, address)
    open_everything(browser)
    levels = browser.execute_script(
        "return [...document.querySelectorAll('h1, h2, h3, h4')].map((one) => Number(one.tagName[1]))"
    )
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_the_tables_of_a_symbol_fit_a_phone(browser, address):
    show(browser, address, 390)
    open_everything(browser)
    cut = """
        return [...document.querySelectorAll("#details .wide")]
            .filter((box) => box.scrollWidth > box.clientWidth).map((box) => box.textContent.slice(0, 60));
    """
    assert browser.execute_script(cut) == []


def test_runs_side_by_side_are_no_taller_than_their_words_on_a_phone(browser, sample_run, tmp_path):
    """Columns that are squeezed wrap a verdict into a word a line; they scroll instead."""
    page = report(*[sample_run.folder] * 3).write(tmp_path / "report.html")
    show(browser, page.as_uri(), 390)
    tall = "Math.max(...[...document.querySelectorAll('.runs tbody tr')].map((row) => row.clientHeight))"
    assert browser.execute_script(f"return {tall}") < 120
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    wait_for(browser, "document.querySelectorAll('#symbols tbody tr').length === 6")


def test_paper_gets_everything_unfolded_and_drawn_and_the_screen_is_left_as_it_was(browser, address):
    show(browser, address)
    browser.execute_script("document.getElementById('symbol').scrollIntoView()")
    wait_for(browser, SHOWN)
    folded = "return [...document.querySelectorAll('details:not([open])')].length"
    before = browser.execute_script(folded)
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    assert browser.execute_script(folded) == 0
    wait_for(browser, ALL)
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    assert browser.execute_script(folded) == before > 0


def test_light_and_dark_are_different_pages_to_the_eye(browser, address):
    colours = []
    for scheme in ("light", "dark"):
        show(browser, address, scheme=scheme)
        colours.append(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
    assert colours[0] != colours[1]


def test_a_symbol_is_chosen_by_click_and_by_its_address(browser, address):
    from selenium.webdriver.common.by import By

    show(browser, address)
    wait_for(browser, "document.querySelectorAll('#symbols tbody tr').length === 2")
    browser.find_element(By.LINK_TEXT, "NASDAQ").click()
    wait_for(browser, f"{SHOWN} === 'NASDAQ'")
    assert browser.current_url.endswith("#NASDAQ")
    assert browser.execute_script("return document.activeElement.id") == "symbol-h"
    show(browser, f"{address}#SP500")
    wait_for(browser, f"{SHOWN} === 'SP500'")
    browser.find_element(By.ID, "next").click()
    wait_for(browser, f"{SHOWN} === 'NASDAQ'")


def test_a_symbol_is_chosen_by_keyboard(browser, address):
    show(browser, address)
    wait_for(browser, "document.querySelectorAll('#symbols tbody tr').length === 2")
    for _ in range(60):
        press(browser, "TAB")
        if browser.execute_script("return document.activeElement.dataset?.row") == "1":
            break
    press(browser, "ENTER")
    wait_for(browser, f"{SHOWN} === 'NASDAQ'")


def test_symbols_are_found_and_sorted(browser, address):
    from selenium.webdriver.common.by import By

    show(browser, address)
    wait_for(browser, "document.querySelectorAll('#symbols tbody tr').length === 2")
    shown = "[...document.querySelectorAll('#symbols tbody a')].map((row) => row.textContent)"
    heading = browser.find_element(By.CSS_SELECTOR, "#symbols thead button")
    heading.click()
    assert browser.execute_script(f"return {shown}") == ["NASDAQ", "SP500"]
    assert heading.find_element(By.XPATH, "..").get_attribute("aria-sort") == "ascending"
    heading.click()
    assert browser.execute_script(f"return {shown}") == ["SP500", "NASDAQ"]
    browser.find_element(By.ID, "search").send_keys("sp5")
    assert browser.execute_script(f"return {shown}") == ["SP500"]
    assert browser.find_element(By.ID, "count").text == "1 of 2"


def test_of_many_rows_those_in_view_alone_are_in_the_page(browser, address):
    show(browser, address)
    wait_for(browser, "window.charts || charts")
    script = """
        const place = document.createElement("div");
        document.querySelector("main").prepend(place);
        const column = { title: "n", value: (row) => row, cell: (row) => String(row) };
        const table = virtualTable(place, [column], { label: "many", height: 400 });
        table.rows([...Array(10000).keys()]);
        window.many = place;
        const said = place.querySelector("table").getAttribute("aria-rowcount");
        return [place.querySelectorAll("tr").length, said];
    """
    rows, count = browser.execute_script(script)
    assert rows < 60
    assert count == "10001"
    browser.execute_script("many.querySelector('.grid').scrollTop = 5000 * 40")
    deep = "[...many.querySelectorAll('th[scope=row]')].some((cell) => cell.textContent === '5000')"
    wait_for(browser, deep)
    browser.execute_script("many.querySelector('thead button').click()")
    browser.execute_script("many.querySelector('.grid').scrollTop = 0")
    wait_for(browser, "many.querySelector('th[scope=row]').textContent === '9999'")


def test_a_term_says_what_it_means_by_focus_and_by_tap_and_goes_at_escape(browser, address):
    from selenium.webdriver.common.by import By

    show(browser, address, 390)
    wait_for(browser, "document.getElementById('tip')")
    term = browser.find_element(By.CSS_SELECTOR, ".keys .term[data-term='drawdown']")
    browser.execute_script("arguments[0].scrollIntoView({ block: 'center' })", term)
    term.click()
    tip = browser.find_element(By.ID, "tip")
    assert "highest point" in tip.text
    assert term.get_attribute("aria-describedby") == "tip"
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390
    press(browser, "ESCAPE")
    assert not tip.is_displayed()
    browser.execute_script("document.querySelector('.lead .term').focus()")
    assert "taken off" in tip.text


def test_bars_are_read_and_moved_by_keyboard(browser, address):
    show(browser, address)
    browser.execute_script("document.getElementById('symbol').scrollIntoView()")
    wait_for(browser, "document.querySelector('[data-chart=candles].drawn')")
    told = "return document.querySelector('[data-chart=candles] .readout').textContent"
    assert "2018-12-31: open" in browser.execute_script(told)
    picture = "return document.querySelector('[data-chart=candles] canvas').toDataURL()"
    before = browser.execute_script(picture)
    browser.execute_script("document.querySelector('[data-chart=candles]').focus()")
    press(browser, "+")
    wait_for(browser, f"(() => {{ {picture} }})() !== {json.dumps(before)}")


def test_the_switch_makes_the_scale_logarithmic(browser, address):
    from selenium.webdriver.common.by import By

    show(browser, address)
    wait_for(browser, "document.querySelector('[data-chart=portfolio].drawn')")
    button = browser.find_element(By.CSS_SELECTOR, "[data-chart=portfolio] .switch")
    button.click()
    assert button.get_attribute("aria-pressed") == "true"
    assert complaints(browser) == []


def test_trades_are_downloaded_as_they_are(browser, address, sample_run, tmp_path):
    from selenium.webdriver.common.by import By

    show(browser, address)
    where = {"behavior": "allow", "downloadPath": str(tmp_path), "eventsEnabled": False}
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", where)
    browser.execute_script("document.getElementById('symbol').scrollIntoView()")
    wait_for(browser, "document.querySelector('.trades button')")
    browser.execute_script("document.querySelector('.trades .tools button').click()")
    path = tmp_path / "SP500-trades.csv"
    until = time.monotonic() + 20
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.05)
    table = pd.read_csv(path)
    strategy = report(sample_run.folder).judged[0].symbols["SP500"].evidence.strategy
    ledger = sample_run["SP500"].ledger
    mine = ledger[ledger["strategy"] == strategy]
    assert len(table) == len(mine) > 0
    assert table["return"].to_numpy() == pytest.approx(mine["value"].to_numpy(), abs=1e-8)
    assert table["entry_price"].to_numpy() == pytest.approx(mine["entry_price"].to_numpy(), rel=1e-6)
    assert table["side"].tolist() == mine["side"].tolist()
    assert browser.find_element(By.CSS_SELECTOR, ".trades .tools span").text.startswith(f"{len(mine)} trades")


def test_details_beside_the_page_are_opened_as_they_are_asked_for(browser, sample_run, tmp_path, monkeypatch):
    monkeypatch.setattr(details, "MOST", 1)
    path = report(sample_run.folder).write(tmp_path / "report.html")
    show(browser, f"{path.as_uri()}#NASDAQ")
    wait_for(browser, f"{SHOWN} === 'NASDAQ'")
    asked = [address.partition("#")[0] for address in requests(browser)]
    assert asked == [path.as_uri(), (tmp_path / "report_files" / "1.js").as_uri()]
    assert complaints(browser) == []
    shutil.rmtree(tmp_path / "report_files")
    show(browser, f"{path.as_uri()}#SP500")
    wait_for(browser, "document.querySelector('#details [role=alert]')")
    told = browser.execute_script("return document.querySelector('#details').textContent")
    assert "report_files/0.js is not beside this page" in told


def test_a_script_in_an_error_or_a_title_is_shown_and_not_run(browser, sample_run, tmp_path):
    evil = "<script>window.ran = 1</script><img src=x onerror='window.ran = 1'>"
    run = tmp_path / "run"
    shutil.copytree(sample_run.folder, run)
    record = json.loads((run / "run.json").read_text("utf-8"))
    record["failed"] = {"BAD": evil}
    (run / "run.json").write_text(json.dumps(record), "utf-8")
    report(run, title=evil).write(run / "report.html")
    show(browser, (run / "report.html").as_uri())
    open_everything(browser)
    assert browser.execute_script("return window.ran") is None
    assert browser.execute_script("return document.body.innerText").count(evil) == 2
