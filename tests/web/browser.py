"""A headless Chromium, and a flame graph in it."""
import time

import pytest

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service
except ImportError:
    webdriver = None
PATIENCE_S = 90


def start(scripts=True):
    if webdriver is None:
        pytest.skip("the browser tests need python3-selenium, which script/setup installs")
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                     "--window-size=1280,800", "--disable-background-networking"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    if not scripts:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    try:
        return webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    except Exception as error:  # selenium's own errors change with its version
        pytest.skip("no Chromium that works here (script/setup installs chromium and chromium-driver): %s" % error)


class Page:
    """An SVG file that is open; frames are named by their texts."""

    def __init__(self, driver, path, dark=False):
        self.driver = driver
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        driver.get_log("browser")
        driver.get("file://" + path)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def frames(self):
        """What is shown: name, x, y and width of each frame, in the order of the file."""
        return [Frame(*frame) for frame in self.run("""
            return Array.from(document.querySelectorAll('.f')).filter(f => f.style.display !== 'none').map(f => {
                const rect = f.querySelector('rect'), name = f.querySelector('title').textContent.split('\\n')[0];
                return [name, ...['x', 'y', 'width'].map(a => Number(rect.getAttribute(a)))];
            })""")]

    def frame(self, start):
        found = [frame for frame in self.frames() if frame.name.startswith(start)]
        assert found, "no frame %s is shown" % start
        return found[0]

    def element(self, start):
        return self.run("return Array.from(document.querySelectorAll('.f')).find("
                        "f => f.style.display !== 'none' && f.querySelector('title').textContent.startsWith("
                        "arguments[0]))", start)

    def click(self, start):
        self.run("arguments[0].querySelector('rect').dispatchEvent(new MouseEvent('click', {bubbles: true}))",
                 self.element(start))

    def press(self, *keys):
        for key in keys:
            webdriver.ActionChains(self.driver).send_keys(key).perform()

    def text(self, selector):
        return self.run("return document.querySelector(arguments[0]).textContent", selector)

    def focused(self):
        return self.run("const t = document.activeElement.querySelector('title');"
                        "return t ? t.textContent.split('\\n')[0] : document.activeElement.localName")

    def wait(self, condition, what):
        end = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < end, what
            time.sleep(0.02)

    def errors(self):
        return [entry for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]


class Frame:
    def __init__(self, name, x, y, width):
        self.name, self.x, self.y, self.width = name, x, y, width
