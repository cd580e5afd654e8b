"""The page in Chromium: no error, no request, every figure drawn, details by click and by keyboard."""

import json
import shutil

import pytest

from backtune.report.page import report
from chromium import chromium, complaints, needs_chromium, requests, show, wait_for

pytestmark = needs_chromium
FIGURES = 11


@pytest.fixture(scope="module", name="browser")
def _browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="module", name="address")
def _address(sample_run):
    report(sample_run.folder).write(sample_run.folder / "report.html")
    return (sample_run.folder / "report.html").as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_every_figure_is_drawn_without_an_error_or_a_request(browser, address, width, scheme):
    show(browser, address, width, scheme)
    assert browser.execute_script("return document.querySelectorAll('.figure.drawn').length") == 0
    browser.execute_script(
        "document.querySelectorAll('details').forEach((details) => { details.open = true; })"
    )
    wait_for(browser, f"document.querySelectorAll('.figure.drawn').length === {2 * FIGURES}")
    empty = "(figure) => !figure.querySelector('.trace, .hm image')"
    names = (
        f"[...document.querySelectorAll('.figure')].filter({empty}).map((figure) => figure.dataset.figure)"
    )
    assert browser.execute_script(f"return {names}") == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    assert complaints(browser) == []
    assert requests(browser) == [address]


def test_the_tables_of_a_symbol_fit_a_phone(browser, address):
    show(browser, address, 390)
    browser.execute_script(
        "document.querySelectorAll('details').forEach((details) => { details.open = true; })"
    )
    cut = "[...document.querySelectorAll('.symbol .wide')].filter((box) => box.scrollWidth > box.clientWidth)"
    assert browser.execute_script(f"return {cut}.length") == 0


def test_runs_side_by_side_are_no_taller_than_their_words_on_a_phone(browser, sample_run, tmp_path):
    """Columns that are squeezed wrap a verdict into a word a line; they scroll instead."""
    page = report(*[sample_run.folder] * 3).write(tmp_path / "report.html")
    show(browser, page.as_uri(), 390)
    tall = (
        "Math.max(...[...document.querySelectorAll('main > .wide tbody tr')].map((row) => row.clientHeight))"
    )
    assert browser.execute_script(f"return {tall}") < 120
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 390


def test_paper_gets_every_table_of_what_is_unfolded_and_the_screen_is_left_as_it_was(browser, address):
    show(browser, address)
    folded = "[...document.querySelectorAll('details:not([open])')].length"
    before = browser.execute_script(f"document.querySelector('details.symbol').open = true; return {folded}")
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    left = "[...document.querySelectorAll('details:not([open])')].map((details) => details.className)"
    assert browser.execute_script(f"return {left}") == ["symbol", ""]  # the other symbol, and its table
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    assert browser.execute_script(f"return {folded}") == before


def test_light_and_dark_are_different_pages_to_the_eye(browser, address):
    colours = []
    for scheme in ("light", "dark"):
        show(browser, address, scheme=scheme)
        colours.append(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
    assert colours[0] != colours[1]


def test_details_unfold_by_click(browser, address):
    from selenium.webdriver.common.by import By

    show(browser, address)
    first = browser.find_element(By.CSS_SELECTOR, "details.symbol > summary")
    first.click()
    wait_for(browser, f"document.querySelectorAll('.figure.drawn').length === {FIGURES}")
    first.click()
    assert not browser.execute_script("return document.querySelector('details.symbol').open")


@pytest.mark.parametrize("key", ["ENTER", "SPACE"])
def test_details_unfold_by_keyboard(browser, address, key):
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.keys import Keys

    show(browser, address)
    for _ in range(20):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        if browser.execute_script("return document.activeElement.matches('details.symbol > summary')"):
            break
    ActionChains(browser).send_keys(getattr(Keys, key)).perform()
    wait_for(browser, f"document.querySelectorAll('.figure.drawn').length === {FIGURES}")


def test_symbols_are_found_and_sorted(browser, address):
    from selenium.webdriver.common.by import By

    show(browser, address)
    shown = "[...document.querySelectorAll('details.symbol:not([hidden])')].map((row) => row.dataset.name)"
    browser.find_element(By.ID, "sort").send_keys("by name")
    assert browser.execute_script(f"return {shown}") == ["NASDAQ", "SP500"]
    browser.find_element(By.ID, "search").send_keys("sp5")
    assert browser.execute_script(f"return {shown}") == ["SP500"]


def test_a_script_in_an_error_is_shown_and_not_run(browser, sample_run, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(sample_run.folder, run)
    record = json.loads((run / "run.json").read_text("utf-8"))
    record["failed"] = {"BAD": "<script>window.ran = 1</script><img src=x onerror='window.ran = 1'>"}
    (run / "run.json").write_text(json.dumps(record), "utf-8")
    report(run).write(run / "report.html")
    show(browser, (run / "report.html").as_uri())
    assert browser.execute_script("return window.ran") is None
    assert "<script>window.ran = 1</script>" in browser.execute_script("return document.body.innerText")
