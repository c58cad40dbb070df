"""The difference of two runs in a real browser: the picture, the page, names made to fool, without scripts."""
import os

import pytest

import browser

pytestmark = pytest.mark.slow

PAIRS = ("app:later", "later:app", "app:hostile", "hostile:processes", "free:app")


@pytest.fixture(scope="module")
def driver():
    driver = browser.start()
    yield driver
    driver.quit()


def name(pair, form):
    return "difference-%s-%s" % (pair.replace(":", "-"), form)


@pytest.mark.parametrize("form", ["svg", "html"])
@pytest.mark.parametrize("pair", PAIRS)
def test_opens(driver, draw, screenshots, pair, form):
    path = draw(pair, form, "active")
    for dark in (False, True):
        page = browser.Page(driver, path, dark=dark)
        assert len(page.frames()) > 2 and page.run("return document.querySelectorAll('.app').length") == 1
        if pair == PAIRS[0]:
            driver.save_screenshot(os.path.join(screenshots, name(pair, form + ("-dark" if dark else "-light") + ".png")))
        assert page.errors() == []


@pytest.mark.parametrize("form", ["svg", "html"])
def test_figures(driver, draw, form):
    """Shares before and after, where a frame is pointed at; colours by what grew and what shrank."""
    page = browser.Page(driver, draw("app:later", form, "active"))
    page.click("handle (app.py)")
    assert "30.0 % before, 100.0 % after: +70.0" in page.text(".app footer")
    assert "handle in app.py" in page.text(".app footer")

    def colour(frame):
        return page.run("return arguments[0].querySelector('rect').getAttribute('fill')", page.element(frame))
    page.press(browser.webdriver.Keys.ESCAPE)
    page.wait(lambda: any(frame.name.startswith("scan") for frame in page.frames()), "the way back")
    assert (colour("scan (lexer.py)"), colour("match (re/__init__.py)")) == ("#d55e00", "#0072b2")
    assert colour("store (worker.py)") == "#999999"
    assert page.errors() == []


def test_tables(driver, draw):
    page = browser.Page(driver, draw("app:later", "html", "active"))
    rows = page.run("return Array.from(document.querySelectorAll('tbody tr')).map("
                    "row => Array.from(row.children).map(cell => cell.textContent))")
    assert rows[0] == ["+70.0", "±8.0", "30.0", "100.0", "30.0", "100.0", "handle (app.py)"]
    assert rows[3][0] == "-100.0" and rows[3][-1] == "match (re/__init__.py)"
    assert "What grew most itself: handle (app.py) (+70.0)" in page.text(".verdict")


def test_without_scripts(draw):
    driver = browser.start(scripts=False)
    try:
        driver.get("file://" + draw("app:later", "html", "active"))
        body = driver.find_element("tag name", "body").text
        assert "handle (app.py)" in body and "What shrank" in body
        assert len(driver.find_elements("css selector", "svg.still .f")) > 3
    finally:
        driver.quit()
