"""Headless Chromium, for tests of pages: they skip, and say what to install, where it is not there."""

import json
import shutil
import time
from contextlib import contextmanager

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
needs_chromium = pytest.mark.skipif(
    not (CHROMIUM and DRIVER),
    reason="Chromium and its driver are not installed (Debian: apt-get install chromium chromium-driver)",
)


@contextmanager
def chromium(folder):
    """A browser whose profile lies in `folder`."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"):
        options.add_argument(argument)
    options.add_argument(f"--user-data-dir={folder}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


def show(browser, address, width=1440, scheme="light"):
    browser.get("about:blank")
    for log in ("browser", "performance"):
        browser.get_log(log)
    metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    browser.get(address)


def wait_for(browser, script, seconds=30):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if browser.execute_script(f"return {script}"):
            return
        time.sleep(0.05)
    pytest.fail(f"the page never reached: {script}")


def requests(browser):
    """Addresses that the page asked for, itself included, in order.

    The log holds what Chromium's own pages ask for too (the tab it starts with may still be loading):
    those are no requests of the page shown.
    """
    asked = []
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] != "Network.requestWillBeSent":
            continue
        if not message["params"]["documentURL"].startswith(("chrome:", "chrome-untrusted:")):
            asked.append(message["params"]["request"]["url"])
    return [address for address in asked if not address.startswith(("about:", "data:", "blob:"))]


def complaints(browser):
    """Errors and warnings on the console."""
    return [entry for entry in browser.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]
