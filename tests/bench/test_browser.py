"""The benchmark's page in Chromium: drawn at every width, light and dark, without an error or a request."""

import math

import pytest

from backtune.bench.page import page
from backtune.bench.tables import write_tables
from bench_runs import results_of, run
from chromium import chromium, complaints, needs_chromium, requests, show, wait_for

pytestmark = needs_chromium
EVIL = "<script>window.ran = 1</script><img src=x onerror='window.ran = 1'>\""


@pytest.fixture(scope="module", name="browser")
def _browser(tmp_path_factory):
    with chromium(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


@pytest.fixture(scope="module", name="address")
def _address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("benchmark")
    rows = [
        run(method, seed, value, problem=problem, mode=mode)
        for seed in range(8)
        for method, value in (("random", 0.8), ("scipy", 0.995), ("a:long_method_name", 0.9), ("cma", 0.7))
        for problem in ("p", EVIL)
        for mode in ("quality", "timing")
    ]
    rows.append(run("cma", 9, -math.inf, status="failed", error=EVIL, stopped=EVIL))
    results = results_of(folder, rows, command=["backtune", "bench", "x" * 200])
    (folder / "page.html").write_text(page(results, write_tables(results)), "utf-8")
    return (folder / "page.html").as_uri()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
def test_every_figure_is_drawn_and_nothing_is_wider_than_the_page(browser, address, width, scheme):
    show(browser, address, width, scheme)
    browser.execute_script("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    plots = "[...document.querySelectorAll('.plotly-graph-div')]"
    wait_for(browser, f"{plots}.every((plot) => plot.querySelector('.trace, .hm image'))")
    assert browser.execute_script(f"return {plots}.length") >= 7
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    share = "plot._fullLayout._size.w / plot.clientWidth"  # of the axes: a legend may not take their place
    curves = f"{plots}.filter((plot) => plot.data[0].type === 'scatter').map((plot) => {share})"
    assert min(browser.execute_script(f"return {curves}")) > 0.6
    assert complaints(browser) == []
    assert requests(browser) == [address]


def test_light_and_dark_are_different_pages_to_the_eye(browser, address):
    seen = []
    for scheme in ("light", "dark"):
        show(browser, address, scheme=scheme)
        page_colour = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
        plot = "document.querySelector('.plotly-graph-div')"
        seen.append((page_colour, browser.execute_script(f"return {plot}.layout.font.color")))
    (light_page, light_text), (dark_page, dark_text) = seen
    assert light_page != dark_page
    assert light_text != dark_text


def test_a_script_in_a_name_or_an_error_is_shown_and_not_run(browser, address):
    show(browser, address)
    assert browser.execute_script("return window.ran") is None
    assert EVIL in browser.execute_script("return document.body.textContent")
