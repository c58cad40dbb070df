"""%%gilspy and %gilspy, in a kernel that nbclient runs; and what a saved notebook shows."""
import html
import json
import os
import pstats
import re
import subprocess

import pytest

import browser
import gilspy
from conftest import HERE, PACKAGE

TOOLS = os.environ.get("GILSPY_PYTHONS", "/var/cache/gilspy/pythons") + "/wheel/bin/python"
RUN = """
import json, sys
import nbclient, nbformat
cells = json.load(sys.stdin)
notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3", allow_errors=True).execute()
nbformat.validate(notebook)
print(nbformat.writes(notebook))
"""
BEGIN = """import gilspy, threading, work
def spin(over):
    while not over.is_set(): pass
def spin_until_seen(looks_more=100):
    over = threading.Event()
    thread = threading.Thread(target=spin, args=(over,), name="in_a_cell")
    thread.start()
    work.count_until_seen(looks_more)
    over.set()
    thread.join()
"""
SPIN = "\nspin_until_seen()"


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    if not os.path.exists(TOOLS):
        pytest.skip("nbclient is not there: script/setup --wheel")
    saved = tmp_path_factory.mktemp("saved")
    cells = ["%load_ext gilspy", BEGIN, "%%gilspy -r 500\n" + SPIN, "%%gilspy --stat --rate 1000\n" + SPIN,
             "%%gilspy --trace\nspin_until_seen(300)", "%gilspy dump", "%gilspy why -d 0.2",
             "%%gilspy -r 500 -o " + str(saved / "cell.svg") + " --flamegraph\n" + SPIN,
             "%%gilspy\nmissing", "%gilspy dump 4194303", "%%gilspy --nonsense\n1", "%gilspy ps", "5",
             "def named():\n    return gilspy.dump()", "print(named())\n"
             "with gilspy.record(rate=1000) as run: spin_until_seen()\n"
             "for name in 'folded', 'html', 'pstats': run.save('%s/cells.' + name)" % saved,
             "%unload_ext gilspy", "%gilspy ps"]
    done = subprocess.run([TOOLS, "-c", RUN], input=json.dumps(cells), capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONPATH": PACKAGE + ":" + HERE})
    return saved, {cell["execution_count"]: cell["outputs"] for cell in json.loads(done.stdout)["cells"]}


def shown(outputs):
    return "".join("".join(output.get("data", {}).get("text/html", "")) for output in outputs)


def text(outputs):
    """What is text: results, streams and errors."""
    return "".join("".join(output.get("text", [])) + output.get("evalue", "") + "".join(output.get("data", {}).get("text/plain", ""))
                   for output in outputs)


def page(outputs):
    """The document in the frame, which lets nothing out and asks nobody."""
    frames = re.findall(r'<iframe srcdoc="([^"]*)" sandbox="allow-scripts"', shown(outputs))
    assert len(frames) == 1
    inside = html.unescape(frames[0])
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", inside)
    return inside


def test_report(notebook):
    assert page(notebook[1][3]).startswith("<!")


def test_table(notebook):
    table = shown(notebook[1][4])
    assert "<td>in_a_cell</td>" in table and "<th>HAS GIL %</th>" in table and "<th>WAITS %</th>" in table


def test_cells_have_their_numbers(notebook):
    """In what is drawn, saved and told; the lines are those that the notebook shows."""
    saved, outputs = notebook
    for report in (page(outputs[3]), (saved / "cells.html").read_text()):
        assert "spin in In [2]" in report
    names = re.compile(r"ipykernel_\d+/\d+\.py")  # a label that is cut is drawn anew by the page's script
    assert not any(names.search(shown(output)) for output in outputs.values())
    assert "spin (In [2]:3)" in (saved / "cells.folded").read_text()
    functions = {name for _, _, name in pstats.Stats(str(saved / "cells.pstats")).stats}  # type: ignore[attr-defined]
    assert "spin" in functions
    assert "named (In [14]:2)" in text(outputs[15]) and "<module> (In [15]:1)" in text(outputs[15])


def test_trace(notebook):
    assert "in_a_cell" in page(notebook[1][5])


def test_lines(notebook):
    assert "MainThread" in shown(notebook[1][6]) and "<pre " in shown(notebook[1][7])
    assert "gilspy.Process" in text(notebook[1][12]) and "<th>COMMAND</th>" in shown(notebook[1][12])
    assert "loop_blocked" not in shown(notebook[1][7])  # by %gilspy why itself


def test_flame_graph_is_saved_too(notebook):
    saved, outputs = notebook
    assert page(outputs[8]).startswith("<svg") and "spin" in (saved / "cell.svg").read_text()


def test_a_cell_that_fails_is_shown_all_the_same(notebook):
    errors = [output for output in notebook[1][9] if output["output_type"] == "error"]
    assert errors[0]["ename"] == "NameError" and page(notebook[1][9])
    assert "line 2" in re.sub("\x1b.*?m", "", "".join(errors[0]["traceback"]))


@pytest.mark.parametrize("cell, said", [(10, "there is no process 4194303"), (11, "--nonsense"), (17, "not found")])
def test_what_is_wrong_is_said_in_a_line(notebook, cell, said):
    assert said in text(notebook[1][cell]) and "Traceback" not in text(notebook[1][cell])


def test_the_kernel_goes_on(notebook):
    assert text(notebook[1][13]) == "5"
    assert gilspy.load_ipython_extension.__doc__


@pytest.mark.slow
def test_a_saved_page_in_a_browser(notebook, tmp_path):
    """As the page of a notebook shows it: in a sandbox, without a network, and without an error."""
    driver = browser.start()
    try:
        driver.set_network_conditions(offline=True, latency=0, throughput=0)
        for cell in (3, 5, 8):
            path = tmp_path / ("%d.html" % cell)
            path.write_text("<!doctype html><meta charset=utf-8><body>" + shown(notebook[1][cell]))
            driver.get(path.as_uri())
            assert len(driver.find_element("css selector", "iframe").screenshot_as_png) > 5000
            assert driver.get_log("browser") == []
    finally:
        driver.quit()
