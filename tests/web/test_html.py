"""The report in a real browser: each tab, a span that is dragged or chosen by keys, tables, light and dark, on paper,
without scripts, names made to fool."""
import base64
import collections
import itertools
import os
import re

import pytest
from made import folded

import browser

pytestmark = pytest.mark.slow

PLAYS = ("app", "processes", "free", "hostile", "deep", "huge", "empty")
MODES = ("active", "wall", "cpu", "gil", "wait", "blame")
MOST_BYTES = 10000000
ESCAPE, ENTER, TAB = "\ue00c", "\ue007", "\ue004"
UP, DOWN, LEFT, RIGHT, HOME, END = "\ue013", "\ue015", "\ue012", "\ue014", "\ue011", "\ue010"
SHIFT = "\ue008"


@pytest.fixture(scope="module")
def driver():
    driver = browser.start()
    yield driver
    driver.quit()


class Report(browser.Page):
    def tab(self, mode):
        self.run("Array.from(document.querySelectorAll('[role=tab]')).find(t => t.textContent === arguments[0]).click()",
                 mode)

    def rows(self, section="threads"):
        return self.run("return Array.from(document.querySelectorAll('#' + arguments[0] + ' tr'), "
                        "row => Array.from(row.children, cell => cell.textContent))", section)

    def drag(self, start, end):
        """Over the strip, from one part of its width to another."""
        plot = self.driver.find_element("css selector", ".plot")
        width = plot.size["width"]
        browser.webdriver.ActionChains(self.driver, duration=0).move_to_element_with_offset(
            plot, int((start - 0.5) * width), 0).click_and_hold().move_by_offset(
                int((end - start) * width), 0).release().perform()

    def held_down(self, key, *others):
        chain = browser.webdriver.ActionChains(self.driver).key_down(key)
        for other in others:
            chain.send_keys(other)
        chain.key_up(key).perform()

    def whole_picture(self, path):
        height = self.run("return document.documentElement.scrollHeight")
        picture = self.driver.execute_cdp_cmd("Page.captureScreenshot", {
            "captureBeyondViewport": True,
            "clip": {"x": 0, "y": 0, "width": 1280, "height": min(height, 3000), "scale": 1}})
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture["data"]))

    def paths(self):
        """The frames as folded has them: {(frame, ...): microseconds itself}."""
        return self.run("""
            const way = [], sums = [];
            for (const f of document.querySelectorAll('.f')) {
                const [depth, , us] = f.getAttribute('data-v').split(' ').map(Number);
                way.length = depth;
                if (depth > 0)
                    sums[way[depth - 1][1]][1] -= us;
                way.push([f.querySelector('title').textContent.split('\\n')[0], sums.length]);
                sums.push([way.map(step => step[0]), us]);
            }
            return sums""")


@pytest.fixture
def app(driver, draw):
    page = Report(driver, draw("app", "html", "active"))
    yield page
    assert page.errors() == []


@pytest.mark.parametrize("play", PLAYS)
def test_opens(driver, draw, screenshots, play):
    path = draw(play, "html", "wall")
    assert os.path.getsize(path) < MOST_BYTES
    for dark in (False, True):
        page = Report(driver, path, dark)
        assert page.errors() == []
        page.whole_picture(os.path.join(screenshots, "report-%s-%s.png" % (play, "dark" if dark else "light")))
    assert page.run("return document.querySelectorAll('.live').length") == 1
    assert page.run("return document.querySelectorAll('.still').length") == 0
    if play == "empty":
        assert page.text("#verdict") == "Nothing was sampled: there was no thread to look at."
        assert page.text(".nothing") == "No thread counts in mode wall here."
    else:
        assert len(page.frames()) > 2


@pytest.mark.parametrize("play, mode", [*itertools.product(("app", "processes"), MODES), ("tasks", "wall"),
                                        ("tasks", "await")])
def test_every_mode_has_the_times_of_folded(driver, draw, play, mode):
    page = Report(driver, draw(play, "html", "active"))
    page.tab(mode)
    expected = collections.Counter()
    for stack, us in folded(draw(play, "folded", mode)):
        expected[tuple(re.sub(r"/usr/lib/python3.11/|/srv/app/", "", frame) for frame in stack)] += us
    drawn, small = collections.Counter(), 0
    for path, us in page.paths():
        name = tuple(path[1:])
        drawn[name] += us
    drawn = {path: us for path, us in drawn.items() if us > 100}
    assert set(drawn) == set(expected)
    for path, us in expected.items():
        assert abs(drawn[path] - us) <= us / 100, path
    assert page.errors() == []


def test_several_processes(driver, draw):
    """Lanes lie together by process, below its name; sums of each and of all."""
    page = Report(driver, draw("processes", "html", "active"))
    names = page.run("return gilspy_data.names.processes.map(process => process[1])")
    lanes = page.run("return Array.from(document.querySelectorAll('.labels > span'), lane => [lane.classList.contains('head'), lane.title])")
    heads = [title for head, title in lanes if head]
    assert lanes[0][0] and sorted(heads) == sorted(set(heads)) and set(heads) <= set(names) and len(heads) > 1
    title, *rows = page.rows("processes")
    assert title[0] == "Process" and {row[0] for row in rows[:-1]} == set(names) and rows[-1][0] == "all"
    for column in 1, 2, 3, 4:
        assert abs(sum(float(row[column]) for row in rows[:-1]) - float(rows[-1][column])) < 0.3
    assert page.errors() == []


def test_locks(driver, draw):
    """Waits for locks have a mode, a column and a table; the verdict tells of them."""
    page = Report(driver, draw("locks", "html", "locks"))
    assert "1.5 threads waited for other locks on average, the longest in put (pool.py:12)." in page.text("#verdict")
    assert page.rows("locks") == [["Waited", "Threads", "They waited in", "Held by", "Who was in"],
                                  ["20 ms", "third (4244)", "put (pool.py:12)", "[holder unknown]", ""],
                                  ["10 ms", "second (4243)", "get (pool.py:11)", "MainThread (4242)", "read (pool.py:10)"]]
    head, *rows = page.rows()
    assert {row[0]: row[head.index("Of it at locks %")] for row in rows}["third"] == "100.0"
    assert page.run("return document.querySelector('[role=tab][aria-selected=true]').textContent") == "locks"
    assert page.errors() == []


def test_lanes_of_tasks(driver, draw):
    """Below the thread that runs them: when each ran, with which GIL, and where it was suspended else."""
    page = Report(driver, draw("tasks", "html", "active"))
    assert page.run("return Array.from(document.querySelectorAll('.labels > span'), row => [row.className, row.title])") == [
        ["", "MainThread (4242)"], ["task", "fetch, a task that MainThread (4242) runs"],
        ["task", "parse </script>, a task that MainThread (4242) runs"], ["task", "waits, a task that MainThread (4242) runs"],
        ["", "worker (4243)"]]
    page.run("document.querySelector('.plot').focus()")
    told = []
    for key in [HOME, DOWN, DOWN, DOWN, END, UP, UP]:
        page.press(key)
        told.append(page.text("#here").partition("  ")[2])
    assert told == ["MainThread: holds 100 %", "fetch: holds 100 %",
                    "parse </script>: idle 100 %, suspended in parse (app.py:20)",
                    *["waits: idle 100 %, suspended in get (asyncio/queues.py:158)"] * 2,
                    "parse </script>: waits 100 %", "fetch: idle 100 %, suspended in fetch (app.py:10)"]
    assert page.errors() == []


def test_by_thread(app):
    app.run("document.getElementById('by-thread').click()")
    names = [frame.name for frame in app.frames()]
    assert "worker-1" in names and "log-writer" in names
    app.tab("blame")
    names = [frame.name for frame in app.frames()]
    assert names[1:3] == ["MainThread", "[gap: sampler late]"]
    assert names.index("worker-1") < names.index("match (re/__init__.py:166)") < names.index("[delays]")


def test_tabs_by_keyboard(app):
    app.run("document.querySelector('[role=tab]').focus()")
    app.press(RIGHT, RIGHT, RIGHT)
    assert app.run("return document.activeElement.textContent") == "gil"
    assert app.text(".words").startswith("the thread that holds the GIL: ")
    app.press(END)
    assert app.run("return document.querySelector('[aria-selected=true]').textContent") == "blame"
    assert any(frame.name == "[delays]" for frame in app.frames())


def test_a_span_is_dragged_and_cleared(app, screenshots):
    whole, verdict, holds = app.rows(), app.text("#verdict"), app.run("return document.querySelectorAll('details').length")
    assert whole[1] == ["worker-2", "4250", "60.1", "33.8", "0.0", "6.1", "60.1", "160 ms", "200"]
    app.drag(0.005, 0.035)
    app.wait(lambda: app.text("#verdict") != verdict, "nothing followed the strip")
    # In the first 80 ms worker-1 holds, worker-2 waits.
    assert app.rows()[1][:4] == ["worker-1", "4249", "100.0", "0.0"]
    assert ["worker-2", "4250", "0.0", "100.0"] in [row[:4] for row in app.rows()]
    assert re.match(r"From 0.00 s to 0.0[78] s: the GIL was held 100 % of the time; worker-1 held it 100 %, most of that in "
                    r"match \(re/__init__.py:166\). Threads waited for it 100 % of the time, 1.\d on average", app.text("#verdict"))
    assert app.run("return document.querySelectorAll('details').length") < holds
    assert app.rows("blame")[0][1:] == ["worker-1 (4249)"]
    assert not any("compress" in frame.name for frame in app.frames() if frame.width > 400)
    app.driver.save_screenshot(os.path.join(screenshots, "report-span.png"))
    # From 80 ms to 240 ms it is worker-2 that holds.
    app.drag(0.06, 0.1)
    app.wait(lambda: app.rows()[1][:3] == ["worker-2", "4250", "100.0"], "the strip's second span was not followed")
    plot = app.driver.find_element("css selector", ".plot")
    browser.webdriver.ActionChains(app.driver).double_click(plot).perform()
    app.wait(lambda: app.text("#verdict") == verdict, "a double click did not clear the span")
    assert app.rows() == whole


def test_a_span_by_keyboard(app):
    verdict = app.text("#verdict")
    app.run("document.querySelector('.plot').focus()")
    app.press(HOME)
    app.held_down(SHIFT, *[RIGHT] * 7)
    app.wait(lambda: app.text("#verdict").startswith("From 0.00 s to 0.07 s: "), "the keys chose no span")
    assert app.rows()[1][:3] == ["worker-1", "4249", "100.0"]
    app.press(LEFT, DOWN)
    assert app.text(".here") == "0.06 s  worker-1: holds 100 %"
    app.press(ESCAPE)
    app.wait(lambda: app.text("#verdict") == verdict, "Escape did not clear the span")
    app.run("document.querySelector('.plot').focus()")
    app.press(TAB)
    assert app.run("return document.activeElement.textContent") == "active"


def test_search_zoom_and_keys_of_the_graph(app):
    app.press("/", "^(tokenize|handle)")
    assert app.text(".matched").endswith("in 3 frames")
    app.press(ENTER)
    assert app.focused() == "handle (app.py:31)"
    app.press(ESCAPE, "n")
    app.click("tokenize (parser.py:88)")
    width = app.frame("4242:").width
    assert app.frame("tokenize (parser.py:88)").width == width
    app.tab("gil")
    assert app.frame("tokenize (parser.py:88)").width == width, "another tab forgot what was zoomed into"
    app.run("document.querySelector('.f').focus()")
    app.press(ESCAPE)
    assert app.frame("match").width < width or app.frame("tokenize").width < width
    app.press("/", "no such frame")
    assert app.text(".matched") == "no match"
    app.tab("wall")
    assert app.text(".matched") == "no match"


def test_the_table_is_sorted(app):
    app.run("document.querySelectorAll('#threads thead button')[3].click()")
    assert [row[0] for row in app.rows()[1:4]] == ["worker-1", "worker-2", "MainThread *"]
    assert app.run("return document.querySelectorAll('#threads th')[3].getAttribute('aria-sort')") == "descending"
    app.run("document.querySelectorAll('#threads thead button')[0].click()")
    assert [row[0] for row in app.rows()[1:]] == ["MainThread *", "log-writer", "worker-1", "worker-2", "zip; \"fast\""]


def test_holds(app):
    first = app.run("return document.querySelector('#holds details').textContent")
    assert first.startswith("about 160 ms worker-2 (4250), in match (re/__init__.py:166) from 0.09 s on; 16 samples, 1.4 waiting")
    assert app.run("return Array.from(document.querySelectorAll('#holds details')[0].querySelectorAll('li'), l => l.textContent)") \
        == ["match (re/__init__.py:166)", "tokenize (parser.py:88)", "work (worker.py:31)", "run (threading.py:982)",
            "_bootstrap (threading.py:1002)"]


def test_blame(app):
    assert app.rows("blame") == [["waits ↓   holds →", "worker-2 (4250)", "worker-1 (4249)"], ["worker-1 (4249)", "1.28", ""],
                                 ["worker-2 (4250)", "", "0.720"], ["MainThread (4242)", "0.390", "0.210"]]
    app.run("document.querySelector('.matrix button').click()")
    assert app.text(".lines caption") == "worker-1 (4249) waited 1.3 s for worker-2 (4250)"
    assert app.rows("blame")[5] == ["1.0 s", "match (re/__init__.py:166)", "build_tree (parser.py:120)"]
    app.run("document.querySelector('.matrix button').click()")
    assert app.run("return document.querySelectorAll('.lines').length") == 0


def test_light_and_dark(driver, draw):
    grounds = []
    for dark in (False, True):
        page = Report(driver, draw("app", "html"), dark)
        grounds.append(page.run("return getComputedStyle(document.body).backgroundColor"))
    assert grounds == ["rgb(255, 255, 255)", "rgb(21, 24, 27)"]


def test_on_paper(app, screenshots):
    pdf = base64.b64decode(app.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})["data"])
    assert pdf.startswith(b"%PDF") and len(pdf) > 20000
    with open(os.path.join(screenshots, "report.pdf"), "wb") as file:
        file.write(pdf)
    app.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert app.run("return getComputedStyle(document.querySelector('.app .bar')).display") == "none"
    assert app.run("return getComputedStyle(document.querySelector('.plot canvas')).display") == "block"
    app.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_narrow(app):
    size = app.driver.get_window_size()
    app.driver.set_window_size(600, 800)
    app.wait(lambda: app.frame("4242:").width < 600, "the frames did not become narrower")
    assert app.run("return document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    times = app.run("""return [...document.querySelectorAll(".axis span")].filter((mark) => parseFloat(getComputedStyle(mark).fontSize))
                       .map((mark) => mark.getBoundingClientRect()).map((box) => [box.left, box.right])""")
    assert times and all(left[1] <= right[0] for left, right in zip(times, times[1:]))
    app.driver.set_window_size(size["width"], size["height"])


def test_names_break_out_of_nothing(driver, draw):
    page = Report(driver, draw("hostile", "html", "wall", "threads"))
    assert page.run("return document.querySelectorAll('script').length") == 4
    assert page.run("return document.querySelectorAll('[onload]').length + document.querySelectorAll('main b').length") == 0
    names = {frame.name for frame in page.frames()}
    for name in ("</script><script>alert(1)</script>", "]]><script>alert(2)</script>", "two\\x0alines\\x0d\\x09tab",
                 "\\u202egnp.exe\\u2066\\u2028\\u200f", "日本語関数", "<no name> (712)", "__proto__"):
        assert name in names
    assert "日本語関数" in [row[0] for row in page.rows()]
    page.drag(0.1, 0.9)
    page.tab("blame")
    assert page.errors() == []


@pytest.mark.parametrize("play", ("app", "empty"))
def test_without_scripts(draw, screenshots, play):
    driver = browser.start(scripts=False)
    try:
        driver.get("file://" + draw(play, "html", "active"))
        driver.save_screenshot(os.path.join(screenshots, "report-%s-no-scripts.png" % play))
        if play == "empty":
            assert driver.find_element("css selector", "#verdict").text.startswith("Nothing was sampled")
            return
        assert driver.find_element("css selector", "#verdict").text.startswith("The GIL was held 94 % of the time")
        assert len(driver.find_elements("css selector", "#time svg rect")) > 50
        assert "gilspy report -f svg" in driver.find_element("css selector", "#graph").text
        assert len(driver.find_elements("css selector", "#threads tbody tr")) == 5
        assert len(driver.find_elements("css selector", "#holds details")) == 10
        assert driver.find_element("css selector", "#blame tbody tr").text == "worker-2 (4250) 0.72"
        assert "Python 3.11.7" in driver.find_element("css selector", "#quality").text
    finally:
        driver.quit()


def test_nothing_outside_is_asked_for(draw):
    with open(draw("app", "html"), encoding="utf-8") as file:
        text = file.read()
    assert "default-src 'none'" in text
    for word in ("@import", "url(", "fetch(", " src=", "innerHTML", "insertAdjacentHTML", "document.write", "eval("):
        assert word not in text, word
    assert set(re.findall(r"https?://[^/\"]*", text)) <= {"http://www.w3.org"}


@pytest.mark.parametrize("mode", ("gil",))
def test_of_many_stacks_no_time_is_lost(driver, draw, mode):
    """Of a million different stacks not each has its place, but together they have their time."""
    page = Report(driver, draw("huge", "html", mode))
    expected = collections.Counter()
    for stack, us in folded(draw("huge", "folded", mode)):
        expected[stack[0]] += us
    times = page.run("""
        return Array.from(document.querySelectorAll('.f'), f => [f.querySelector('title').textContent.split('\\n')[0],
            ...f.getAttribute('data-v').split(' ').map(Number)]).filter(frame => frame[1] < 2)""")
    assert abs(times[0][3] - sum(expected.values())) < 1000
    drawn = {frame[0]: frame[3] for frame in times[1:]}
    assert len(drawn) >= 10
    for name, us in drawn.items():
        key = name.replace("(generated.py", "(/srv/app/generated.py")
        assert abs(us - expected[key]) <= expected[key] / 100, name
    assert page.errors() == []
