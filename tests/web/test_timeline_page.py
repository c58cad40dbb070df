"""The timeline of exact tracing in a real browser: moved and zoomed by wheel, mouse and keys, searched, what is chosen,
light and dark, many events, without scripts, names made to fool."""
import os

import pytest

import browser

pytestmark = pytest.mark.slow

ESCAPE, ENTER = "\ue00c", "\ue007"
UP, DOWN, LEFT, RIGHT = "\ue013", "\ue015", "\ue012", "\ue014"
ALL_NS, FEW, MANY = 30e6, 0, 17000
LEFT_PX, ROW_PX, HEAD_PX, STRIP_PX = 150, 46, 110, 30  # three strips: who waits, stopped worlds, collections
MOST_BYTES = 10000000
EVIL = "evil\"</script>\\x1b"


@pytest.fixture(scope="module")
def driver():
    driver = browser.start()
    yield driver
    driver.quit()


class Timeline(browser.Page):
    def seen(self):
        """From when to when, in nanoseconds, once it is drawn."""
        return self.run("""return new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => {
            const of = document.getElementById('canvas').dataset;
            done([Number(of.from), Number(of.to)]);
        })))""")

    def canvas(self):
        return self.driver.find_element("css selector", "#canvas")

    def at(self, ms, row, inside=8):
        """Offsets from the middle of the canvas, as the driver wants them."""
        begin, end = self.seen()
        box = self.run("const b = document.getElementById('canvas').getBoundingClientRect(); return [b.width, b.height]")
        x = LEFT_PX + (ms * 1e6 - begin) / (end - begin) * (box[0] - LEFT_PX)
        return int(x - box[0] / 2), int(HEAD_PX + row * ROW_PX + inside - box[1] / 2)

    def click_at(self, ms, row, inside=8):
        x, y = self.at(ms, row, inside)
        browser.webdriver.ActionChains(self.driver, duration=0).move_to_element_with_offset(
            self.canvas(), x, y).click().perform()

    def wheel(self, ms, amount, sideways=0):
        x, y = self.at(ms, 0)
        origin = browser.webdriver.common.actions.wheel_input.ScrollOrigin.from_element(self.canvas(), x, y)
        browser.webdriver.ActionChains(self.driver).scroll_from_origin(origin, sideways, amount).perform()

    def facts(self):
        return dict(self.run("""return Array.from(document.querySelectorAll('#chosen dt'),
                                                  name => [name.textContent, name.nextSibling.textContent])"""))

    def title(self):
        return self.text("#chosen h3")

    def stack(self):
        return self.run("return Array.from(document.querySelectorAll('#chosen .stack li'), line => line.textContent)")

    def search(self, text):
        self.press("/")
        self.press(*text)


@pytest.fixture
def few(driver, draw):
    page = Timeline(driver, draw("traced", "html", str(FEW)))
    yield page
    assert page.errors() == []


@pytest.mark.parametrize("times", (FEW, MANY))
def test_opens(driver, draw, screenshots, times):
    path = draw("traced", "html", str(times))
    assert os.path.getsize(path) < MOST_BYTES
    for dark in (False, True):
        page = Timeline(driver, path, dark)
        page.seen()
        driver.save_screenshot(os.path.join(screenshots, "timeline-%d-%s.png" % (times, "dark" if dark else "light")))
        assert page.errors() == []
        assert page.run("return document.querySelectorAll('.still').length") == 0
        colours = page.run("""const canvas = document.getElementById('canvas');
            const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data, all = new Set();
            for (let i = 0; i < pixels.length; i += 4)
                all.add(pixels[i] * 65536 + pixels[i + 1] * 256 + pixels[i + 2]);
            return [0xe69f00, 0xd55e00, 0x2b8cd0, 0x15181b, 0xffffff].map(colour => all.has(colour))""")
        assert colours == [True, True, True, dark, not dark]


def test_in_a_frame_that_is_shown_later(driver, draw, tmp_path):
    """As notebooks do it: there is no width to draw in at first."""
    path = tmp_path / "framed.html"
    path.write_text('<iframe src="file://%s" style="width:0;border:0"></iframe>' % draw("traced", "html", str(FEW)))
    page = Timeline(driver, str(path))
    drawn = "const of = document.getElementById('canvas').dataset; return 'from' in of"
    driver.switch_to.frame(0)
    assert not page.run(drawn)
    driver.switch_to.default_content()
    page.run("document.querySelector('iframe').style.width = '900px'")
    driver.switch_to.frame(0)
    assert page.seen()[1] > 0
    driver.switch_to.default_content()
    assert page.errors() == []


def test_keys_move_and_zoom(few):
    begin, end = few.seen()
    assert begin == 0 and end >= 20e6
    few.press("+", "+")
    zoomed = few.seen()
    assert zoomed[1] - zoomed[0] == pytest.approx((end - begin) / 4)
    few.press(RIGHT)
    moved = few.seen()
    assert moved[1] - moved[0] == pytest.approx(zoomed[1] - zoomed[0])
    assert moved[0] - zoomed[0] == pytest.approx(0.2 * (zoomed[1] - zoomed[0]))
    few.press(LEFT)
    assert few.seen() == pytest.approx(zoomed)
    few.press("-")
    wider = few.seen()
    assert wider[1] - wider[0] == pytest.approx((end - begin) / 2)
    few.press("0")
    assert few.seen() == pytest.approx([begin, end])
    for _ in range(5):
        few.press(LEFT)
    assert few.seen() == pytest.approx([begin, end])


def test_wheel_zooms_at_the_pointer_and_moves(few):
    begin, end = few.seen()
    few.wheel(5, -300)
    zoomed = few.seen()
    assert zoomed[1] - zoomed[0] < 0.8 * (end - begin)
    part = (5e6 - begin) / (end - begin)
    assert (5e6 - zoomed[0]) / (zoomed[1] - zoomed[0]) == pytest.approx(part, abs=0.01)
    few.wheel(5, 0, 200)
    moved = few.seen()
    assert moved[0] > zoomed[0] and moved[1] - moved[0] == pytest.approx(zoomed[1] - zoomed[0])


def test_drag_moves(few):
    few.press("+", "+")
    before = few.seen()
    browser.webdriver.ActionChains(few.driver, duration=0).move_to_element(few.canvas()).click_and_hold().move_by_offset(
        -50, 0).move_by_offset(-50, 0).release().perform()
    after = few.seen()
    assert after[0] > before[0] and after[1] - after[0] == pytest.approx(before[1] - before[0])
    assert few.run("return document.querySelector('#chosen h3')") is None


def test_click_tells_of_a_hold(few):
    few.click_at(20, 1)
    assert few.title() == EVIL + " had the GIL for 10.0 ms"
    facts = few.facts()
    assert facts["Taken from"] == "main 10.0 us after it let go"
    assert facts["Waited meanwhile"] == "nobody"
    assert facts["Let go"] == "after somebody had asked for it"
    assert few.stack() == ["run (a.py:1)"]
    few.run("document.querySelector('#chosen button').click()")
    assert few.title() == "main had the GIL for 15.0 ms"
    facts = few.facts()
    assert facts["Went to"] == EVIL + " 10.0 us later"
    assert facts["Waited meanwhile"] == EVIL + " 13.0 ms (87 %)"
    assert facts["Processor"] == "on it 15.0 ms, preempted 0 ns, off it 0 ns"
    assert few.stack() == ["hash<b> (a.py:2)", "run (a.py:1)"]


def test_click_tells_of_a_wait_and_of_a_function(few):
    few.click_at(10, 1)
    assert few.title() == EVIL + " waited for the GIL for 13.0 ms"
    assert few.facts()["Had it meanwhile"] == "main 13.0 ms (100 %)"
    assert few.facts()["Asked for it"] == "2 times"
    few.click_at(5, 0, 32)
    assert few.title() == "main in hash<b> (a.py:2), 10.0 ms"
    few.click_at(10, 0, -STRIP_PX * 5 // 2)
    assert few.title() == "1 thread waiting for 14.0 ms"


def test_click_tells_of_a_pause(few):
    few.click_at(5.5, 0, -STRIP_PX * 3 // 2)
    assert few.title() == "all threads stopped for a garbage collection, 1.00 ms"
    assert few.facts()["Asked for by"] == EVIL + ", tid 8" and few.stack()[0].startswith("run")
    few.click_at(4.5, 0, -STRIP_PX // 2)
    assert few.title() == "garbage collection, 3.00 ms"


def test_keys_choose(few):
    few.press("0", ENTER)
    assert few.title() in ("main had the GIL for 15.0 ms", "main did without the GIL for 10.0 ms")
    few.press("[", "[", "[")
    assert few.title() == "main had the GIL for 15.0 ms"
    few.press("]")
    assert few.title() == "main did without the GIL for 10.0 ms"
    few.press(ENTER)
    begin, end = few.seen()
    assert end - begin < 21e6
    few.press(ESCAPE)
    assert few.run("return document.querySelector('#chosen h3')") is None
    few.press(DOWN, "0", "+", ENTER)
    assert few.title().startswith(EVIL)


def test_search(few):
    few.search("HASH")
    assert few.text(".matched") == "1 hit, 10.0 ms"
    few.press(ENTER)
    assert few.title() == "main in hash<b> (a.py:2), 10.0 ms"
    few.press(ESCAPE)
    assert few.text(".matched") == ""
    few.search("evil")
    assert few.text(".matched") == "1 hit"
    few.press(ENTER)
    assert few.title().startswith(EVIL)
    few.press(ESCAPE)
    few.search("nowhere")
    assert few.text(".matched") == "nothing found"


def test_many_events_stay_within_bounds(driver, draw):
    page = Timeline(driver, draw("traced", "html", str(MANY)))
    begin, end = page.seen()
    assert end - begin > MANY * 20e6
    for key in ("+", RIGHT) * 12:
        page.press(key)
    page.press(ENTER)
    assert page.title().startswith("main ")
    page.press("0")
    assert page.seen() == pytest.approx([begin, end])
    page.press("]")
    assert page.errors() == []


def test_without_scripts(draw):
    driver = browser.start(scripts=False)
    try:
        driver.get("file://" + draw("traced", "html", str(FEW)))
        words = driver.find_element("css selector", "body").text
        assert "main had it most, 60 %" in words
        assert "is drawn by a script" in words
        assert "main * 7 25 ms 40.0 60.0 0.0" in words
        assert EVIL + " 8 25 ms 10.4 39.6 50.0" in words
        assert EVIL + " 50 ms 25 ms 2 1 hash<b> (a.py:2)" in words
        assert "All threads stopped for gc 1.0 ms " + EVIL + " collect<b> (a.py:3)" in words
        assert "12 of the GIL, 0 lost, 0 out of order" in words
    finally:
        driver.quit()
