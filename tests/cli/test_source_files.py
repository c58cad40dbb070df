"""The source of a running program, line by line: read where the program has it, and hidden where that is wished."""
import html
import os
import re

import pytest

import gilspy
import recording
from target import running
from test_errors import check_failure


@pytest.fixture(scope="module")
def made(system_python, folders, tmp_path_factory):
    """A recording of a process that still runs, and its program's file."""
    path = tmp_path_factory.mktemp("made") / "run.gilspy"
    with running(system_python, folders, "churn.py") as target:
        recording.record(target.pid, path, "-r", 200, "-d", "500ms")
        yield path


def draw(path, folder, *options):
    done = gilspy.run("report", "-q", path, "-m", "wall", "-f", "source", "-o", folder, *options)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
    return {name: (folder / name).read_text(encoding="utf-8") for name in os.listdir(folder)}


def page_of(pages, ending):
    [page] = [page for name, page in pages.items() if name.endswith(ending)]
    return page


def test_lines(made, tmp_path):
    """Each line of the file stands on its page."""
    page = page_of(draw(made, tmp_path / "pages"), "-churn.py.html")
    with open(html.unescape(re.search(r"<h1>(.*)</h1>", page).group(1)), encoding="utf-8") as file:
        lines = file.read().splitlines()
    shown = re.findall(r'<td class="code">(?:<details><summary>)?(.*?)(?:</summary>.*)?</td></tr>', page)
    assert [html.unescape(line) for line in shown] == lines
    assert 'class="seen"' in page and "changed" not in page[page.index("</style>"):]


def milliseconds(cell):
    number, unit = re.fullmatch(r"([\d.,]+) (us|ms|s)", cell).groups() if cell else ("0", "us")
    return float(number.replace(",", "")) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def test_runnable(made, tmp_path):
    """Processor time of a line is part of its own time."""
    pages = draw(made, tmp_path / "pages")
    heads = re.findall(r"<th[^>]* title=[^>]*>(\w+)</th>", pages["index.html"])
    rows = [dict(zip(heads, map(milliseconds, re.findall(r"<td[^>]*>([^<]*)</td>", row))))
            for row in re.findall(r'<tr>(<td class="own.*?)<td class="code"', pages["index.html"])]
    assert rows and heads == ["own", "total", "has", "waits", "without", "cpu", "locks", "idle"]
    assert all(row["cpu"] + row["locks"] + row["idle"] <= row["own"] * 1.02 + 0.1 for row in rows)
    assert sum(row["cpu"] for row in rows) > 0


def test_hidden(made, tmp_path):
    page = page_of(draw(made, tmp_path / "pages", "--no-source"), "-churn.py.html")
    assert "hidden by --no-source" in page and "import threading" not in page
    assert 'class="seen"' in page


def test_name_of_its_own(made, tmp_path):
    """It is told by the folder's ending, and drawn again over what is there."""
    for _ in range(2):
        assert gilspy.run("report", "-q", made, "-o", tmp_path / "run.source").returncode == 0
    assert "index.html" in os.listdir(tmp_path / "run.source")


def test_no_folder(made, tmp_path):
    check_failure(gilspy.run("report", made, "-f", "source", "-o", "-"), 2, "folder")
    (tmp_path / "file").write_text("")
    check_failure(gilspy.run("report", made, "-f", "source", "-o", tmp_path / "file"), 1, "Not a directory")
    assert (tmp_path / "file").read_text() == ""
