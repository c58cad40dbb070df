"""Pages of the source: lines with the times that folded has, links that lead somewhere, nothing that escapes."""
import html
import os
import re
import subprocess

import pytest
from made import BUILD, folded

pytestmark = pytest.mark.slow


@pytest.fixture
def pages(tmp_path):
    """The pages of a play by their names; none lies outside of the folder."""
    def run(play, mode="wall", *flags):
        inner = tmp_path / "outer" / "inner"
        inner.mkdir(parents=True)
        subprocess.run([os.path.join(BUILD, "tests", "draw"), play, "source", mode, str(inner / "index.html"), "folder", *flags],
                       check=True, timeout=120)
        assert os.listdir(tmp_path / "outer") == ["inner"]
        names = os.listdir(inner)
        assert all(re.fullmatch(r"index\.html|\d{4}-[\w.-]{0,90}\.html", name, re.A) for name in names)
        return {name: (inner / name).read_text(encoding="utf-8") for name in names}
    return run


def own_times(files):
    """By (file, line), microseconds."""
    times = {}
    for name, page in files.items():
        title = html.unescape(re.search(r"<h1>(.*)</h1>", page).group(1))
        for line, us in re.findall(r'<tr id="L(\d+)" class="seen"><td class="own heat\d" data-us="(\d+)"', page):
            assert name != "index.html"
            times[title, int(line)] = int(us)
    return {place: us for place, us in times.items() if us}


@pytest.mark.parametrize("mode", ("active", "wall", "gil", "wait", "blame"))
@pytest.mark.parametrize("play", ("app", "processes", "free", "deep"))
def test_times(draw, pages, play, mode):
    expected = {}
    for stack, us in folded(draw(play, "folded", mode)):
        place = re.search(r"\((.*\D):(\d+)\)$", stack[-1])
        if place and us:
            key = (place.group(1), int(place.group(2)))
            expected[key] = expected.get(key, 0) + us
    times = own_times(pages(play, mode))
    assert times.keys() == expected.keys()
    assert all(times[place] == pytest.approx(us, rel=0.001, abs=10) for place, us in expected.items())


@pytest.mark.parametrize("mode", ("active", "wall", "gil", "wait"))
@pytest.mark.parametrize("play", ("app", "processes", "free"))
def test_section(draw, pages, play, mode):
    """The report has the same times of the hottest lines, and links to lines that are there."""
    page, times = open(draw(play, "html", mode), encoding="utf-8").read(), own_times(pages(play, mode))
    section, seen = re.search(r'<section id="source".*?</section>', page, re.S).group(0), {}
    for name, rows in re.findall(r'<details class="file"><summary>([^<]*)</summary>(.*?)</table>', section, re.S):
        for line, us in re.findall(r'<tr id="F\d+-L(\d+)" class="seen"><td class="own heat\d" data-us="(\d+)"', rows):
            seen[html.unescape(name), int(line)] = int(us)
    assert {place: us for place, us in seen.items() if us} == {place: pytest.approx(us, rel=0.001, abs=10) for place, us in times.items()}
    assert {link for link in re.findall(r'href="#([^"]+)"', section)} <= set(re.findall(r' id="([^"]+)"', section))


def test_links(pages):
    """Each link leads to a line that is there; callers and callees stand at a line."""
    files = pages("app")
    for name, page in files.items():
        for to, line in re.findall(r'<a href="([^"#]*)(?:#(L\d+))?">', page):
            assert not line or '<tr id="%s"' % line in files[to or name]
            assert to in files or not to
    hottest = re.findall(r'data-us="(\d+)"', files["index.html"])
    assert hottest == sorted(hottest, key=int, reverse=True) and int(hottest[0]) > 0
    assert any("called from <a href=" in page and "<p>calls <a href=" in page for page in files.values())


def test_hostile(pages):
    """What a target's names are made of opens no tag and runs nothing."""
    for page in pages("hostile").values():
        body = page[page.index("</style>"):]
        tags = set(re.findall(r"<(/?[a-zA-Z!]\w*)", body))
        assert tags <= {tag for name in ("h1", "h2", "p", "a", "div", "table", "thead", "tbody", "tr", "th", "td", "details", "summary",
                                         "span", "main", "body", "html", "head", "style") for tag in (name, "/" + name)}
        assert not re.search(r"<[^>]*\son\w+=|javascript:", body)
        assert all(character.isprintable() or character == "\n" for character in page)


def test_empty(pages):
    assert list(pages("empty")) == ["index.html"]
