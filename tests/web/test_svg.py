"""The flame graph in a real browser: zoom, search, keyboard, light and dark, without scripts, names made to fool."""
import os
import xml.etree.ElementTree

import pytest
from made import folded

import browser

pytestmark = pytest.mark.slow

PLAYS = ("app", "processes", "free", "hostile", "deep", "huge", "empty")
MODES = ("active", "wall", "cpu", "gil", "wait", "blame")
SVG = "{http://www.w3.org/2000/svg}"
MOST_BYTES = 5000000
ESCAPE, ENTER, BACKSPACE, TAB = "\ue00c", "\ue007", "\ue003", "\ue004"
UP, DOWN, LEFT, RIGHT, HOME, END = "\ue013", "\ue015", "\ue012", "\ue014", "\ue011", "\ue010"
CONTROL, NULL = "\ue009", "\ue000"


@pytest.fixture(scope="module")
def driver():
    driver = browser.start()
    yield driver
    driver.quit()


@pytest.fixture
def app(driver, draw):
    page = browser.Page(driver, draw("app", "svg"))
    yield page
    assert page.errors() == []


def share(draw, part):
    """Of the time of app, that of stacks with a frame of which `part` is true."""
    stacks = folded(draw("app", "folded"))
    return 100 * sum(us for stack, us in stacks if any(map(part, stack))) / sum(us for _, us in stacks)


@pytest.mark.parametrize("play", PLAYS)
def test_opens(driver, draw, screenshots, play):
    path = draw(play, "svg")
    assert os.path.getsize(path) < MOST_BYTES
    page = browser.Page(driver, path)
    drawn = [frame for frame in xml.etree.ElementTree.parse(path).iter(SVG + "g")
             if "f" in frame.get("class", "").split()]
    if play == "empty":
        assert drawn == [] and "No thread counts in mode wall." in page.text("svg")
    else:
        assert len(page.frames()) > 3
        assert page.run("return document.querySelectorAll('.app').length") == 1
        assert page.run("return document.querySelectorAll('.f').length") == len(drawn)
    driver.save_screenshot(os.path.join(screenshots, play + "-light.png"))
    page = browser.Page(driver, path, dark=True)
    driver.save_screenshot(os.path.join(screenshots, play + "-dark.png"))
    assert page.errors() == []


@pytest.mark.parametrize("mode", MODES)
def test_every_mode(driver, draw, mode):
    page = browser.Page(driver, draw("app", "svg", mode, "threads"))
    assert "Mode " + mode in page.text("header")
    assert page.frames()[0].name == "4242: python3 app.py --workers 4"
    assert page.errors() == []


def test_light_and_dark(driver, draw):
    grounds = []
    for dark in (False, True):
        page = browser.Page(driver, draw("app", "svg"), dark)
        grounds.append(page.run("return getComputedStyle(document.querySelector('.app')).backgroundColor"))
    assert grounds == ["rgb(255, 255, 255)", "rgb(21, 24, 27)"]


def test_zoom_and_back(app, screenshots):
    whole = app.frames()
    app.click("tokenize (parser.py:88)")
    width = app.frame("tokenize (parser.py:88)").width
    assert width == app.frame("work").width > 1000
    assert app.frame("match").width < width
    assert not any(frame.name.startswith(("store", "select")) for frame in app.frames())
    assert "100.0 % of what is shown" in app.text("footer")
    app.driver.save_screenshot(os.path.join(screenshots, "app-zoomed.png"))
    app.click("match")
    assert app.frame("match").width == width
    app.press(ESCAPE)
    app.wait(lambda: app.frame("match").width < width, "Escape did not go back")
    app.driver.back()
    app.wait(lambda: len(app.frames()) == len(whole), "the browser's way back did not zoom out")
    app.click("store")
    app.run("document.querySelectorAll('.bar button')[0].click()")
    app.wait(lambda: len(app.frames()) == len(whole), "the button did not go back")
    app.click("store")
    app.press("r")
    assert [vars(frame) for frame in app.frames()] == [vars(frame) for frame in whole]


def test_search(app, draw, screenshots):
    app.press("/", "^(tokenize|select)")
    expected = share(draw, lambda frame: frame.startswith(("tokenize", "select")))
    assert app.text(".matched") == "%.1f %% in 3 frames" % expected
    assert app.run("return document.querySelectorAll('.f.hit').length") == 3
    app.driver.save_screenshot(os.path.join(screenshots, "app-search.png"))
    app.press(ENTER)
    assert app.focused().startswith("select")
    app.press("n")
    assert app.focused().startswith("tokenize")
    app.press("N", ESCAPE)
    assert app.text(".matched") == "" and app.run("return document.querySelectorAll('.hit').length") == 0


def test_search_counts_nested_matches_once(app, draw):
    app.press("/", r"parser\.py")
    assert app.text(".matched").startswith("%.1f %%" % share(draw, lambda frame: "parser.py" in frame))


def test_search_takes_what_is_no_pattern_as_text(app):
    app.press("/", "handle (app")
    assert app.text(".matched").endswith("in 1 frame")
    app.press(ESCAPE, "/", "no such frame")
    assert app.text(".matched") == "no match"


def test_control_f_searches(app):
    browser.webdriver.ActionChains(app.driver).key_down(CONTROL).send_keys("f").key_up(CONTROL).perform()
    assert app.run("return document.activeElement.localName") == "input"


def test_keyboard(app):
    app.run("document.querySelector('.f').focus()")
    app.press(DOWN)
    assert app.focused() == "_bootstrap (threading.py:1002)"
    assert "1002" in app.text("footer")
    app.press(LEFT)
    assert app.focused() == "<module> (app.py:40)"
    app.press(RIGHT, DOWN, DOWN, ENTER)
    assert app.focused() == "work (worker.py:31)" and app.frame("work").x == 0
    app.press(UP)
    assert app.focused() == "run (threading.py:982)"
    app.press(END)
    assert app.focused() == "match (re/__init__.py:166)"
    app.press(HOME)
    assert app.focused() == "4242: python3 app.py --workers 4"
    app.press("i", UP)
    assert app.focused() == "_bootstrap (threading.py:1002)"
    app.press("i", "?")
    assert "regular expression" in app.run("return document.querySelector('.help:not([hidden])').textContent")
    app.press(ESCAPE)
    assert app.run("return document.querySelector('.help').hidden")


def test_tab_reaches_the_frames(app):
    app.press(*[TAB] * 4)
    assert app.focused() == "4242: python3 app.py --workers 4"


def test_upside_down(app):
    above = app.frame("4242:").y - app.frame("match").y
    app.press("i")
    assert app.frame("4242:").y - app.frame("match").y == -above > 0


def test_details(app):
    app.run("arguments[0].dispatchEvent(new MouseEvent('mouseover', {bubbles: true}))", app.element("tokenize"))
    details = app.text("footer")
    assert "holds 73.5 %, waits 26.5 %" in details and "272 samples" in details
    assert "tokenize in /srv/app/parser.py" in details
    assert app.run("return document.querySelector('.split').children.length") == 2


def test_for_screen_readers(app):
    assert app.run("return document.querySelector('.app svg').getAttribute('role')") == "tree"
    frame = app.element("match")
    assert frame.get_attribute("role") == "treeitem" and frame.get_attribute("aria-level") == "6"
    assert frame.get_attribute("aria-label").startswith("match (re/__init__.py:166), 2.0 s, 18.8 % of all, 200 samples")
    assert "Most time itself: match (re/__init__.py:166) 18.8 %" in app.text("desc")


def test_resized(app):
    before = app.frame("4242:").width
    size = app.driver.get_window_size()
    app.driver.set_window_size(700, 600)
    app.wait(lambda: app.frame("4242:").width < before - 400, "the frames did not become narrower")
    app.driver.set_window_size(size["width"], size["height"])


def test_deep_stacks_can_be_used(driver, draw, screenshots):
    page = browser.Page(driver, draw("deep", "svg"))
    assert len(page.frames()) == 2001
    page.press(END)
    assert page.focused().startswith("walk_1999")
    page.press(ENTER)
    assert page.text(".more") == "1,997 more callers: zoom out"
    assert page.run("return Number(document.querySelector('.app svg').getAttribute('height'))") == 5 * 20
    driver.save_screenshot(os.path.join(screenshots, "deep-zoomed.png"))
    page.press("i", "r")
    assert page.run("const v = document.querySelector('.view'); return v.scrollTop + v.clientHeight") > 40000
    assert page.errors() == []


def test_names_break_out_of_nothing(driver, draw):
    path = draw("hostile", "svg", "wall", "threads")
    page = browser.Page(driver, path)
    assert page.run("return document.querySelectorAll('script, b, [onload]').length") == 1
    assert page.errors() == []
    names = {frame.name for frame in page.frames()}
    for name in ("</script><script>alert(1)</script>", "]]><script>alert(2)</script>", "two\\x0alines\\x0d\\x09tab",
                 "\\x1b[31mred\\x1b[0m\\x08\\x7f\\x9b", "\\u202egnp.exe\\u2066\\u2028\\u200f", "日本語関数",
                 "\\ufffe\\uffff", "<no name> (712)"):
        assert name in names
    page.press("/", "日本")
    assert page.text(".matched") == "21.4 % in 5 frames"
    with open(path, "rb") as file:
        text = file.read()
    assert len(text) < 100000
    assert not set(text) & (set(range(32)) - {10}) and b"\xe2\x80\xae" not in text


def test_without_scripts(draw, screenshots):
    path = draw("app", "svg")
    driver = browser.start(scripts=False)
    try:
        driver.get("file://" + path)
        driver.save_screenshot(os.path.join(screenshots, "app-no-scripts.png"))
        assert driver.find_elements("css selector", "foreignObject") == []
        frames = driver.find_elements("css selector", "#frames > .f")
        assert len(frames) == 19
        assert frames[0].find_element("css selector", "text").text == "4242: python3 app.py --workers 4"
    finally:
        driver.quit()


def test_nothing_outside_is_asked_for(draw):
    for element in xml.etree.ElementTree.parse(draw("app", "svg")).iter():
        assert not {"href", "src", "{http://www.w3.org/1999/xlink}href"} & set(element.keys())
    with open(draw("app", "svg"), encoding="utf-8") as file:
        text = file.read()
    assert "@import" not in text and "url(" not in text and "fetch(" not in text
    assert set(text.split("http")[1:]) == {part for part in text.split("http")[1:] if part.startswith("://www.w3.org/")}
