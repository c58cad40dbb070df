"""%%gilspy and %gilspy, in a kernel that nbclient runs; and what a saved notebook shows."""
import html
import json
import os
import re
import subprocess

import pytest

import browser
import gilspy
from conftest import PACKAGE

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
SPIN = """
import threading
def spin():
    for i in range(3000000): pass
thread = threading.Thread(target=spin, name="in_a_cell")
thread.start(); spin(); thread.join()
"""


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    if not os.path.exists(TOOLS):
        pytest.skip("nbclient is not there: script/setup --wheel")
    saved = tmp_path_factory.mktemp("saved")
    cells = ["%load_ext gilspy", "%%gilspy\n" + SPIN, "%%gilspy --stat --rate 1000\n" + SPIN, "%%gilspy --trace\n" + SPIN,
             "%gilspy dump", "%gilspy why -d 0.2", "%%gilspy -o " + str(saved / "cell.svg") + " --flamegraph\n" + SPIN,
             "%%gilspy\nmissing", "%gilspy dump 4194303", "%%gilspy --nonsense\n1", "%gilspy ps", "5", "%unload_ext gilspy",
             "%gilspy ps"]
    done = subprocess.run([TOOLS, "-c", RUN], input=json.dumps(cells), capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONPATH": PACKAGE})
    return saved, [cell["outputs"] for cell in json.loads(done.stdout)["cells"]]


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
    assert page(notebook[1][1]).startswith("<!")


def test_table(notebook):
    table = shown(notebook[1][2])
    assert "<td>in_a_cell</td>" in table and "<th>HAS GIL %</th>" in table and "<th>WAITS %</th>" in table


def test_trace(notebook):
    assert "in_a_cell" in page(notebook[1][3])


def test_lines(notebook):
    assert "MainThread" in shown(notebook[1][4]) and "<pre " in shown(notebook[1][5])
    assert "gilspy.Process" in text(notebook[1][10]) and "<th>COMMAND</th>" in shown(notebook[1][10])
    assert "loop_blocked" not in shown(notebook[1][5])  # by %gilspy why itself


def test_flame_graph_is_saved_too(notebook):
    saved, outputs = notebook
    assert page(outputs[6]).startswith("<svg") and "spin" in (saved / "cell.svg").read_text()


def test_a_cell_that_fails_is_shown_all_the_same(notebook):
    errors = [output for output in notebook[1][7] if output["output_type"] == "error"]
    assert errors[0]["ename"] == "NameError" and page(notebook[1][7])


@pytest.mark.parametrize("cell, said", [(8, "there is no process 4194303"), (9, "--nonsense"), (13, "not found")])
def test_what_is_wrong_is_said_in_a_line(notebook, cell, said):
    assert said in text(notebook[1][cell]) and "Traceback" not in text(notebook[1][cell])


def test_the_kernel_goes_on(notebook):
    assert text(notebook[1][11]) == "5"
    assert gilspy.load_ipython_extension.__doc__


@pytest.mark.slow
def test_a_saved_page_in_a_browser(notebook, tmp_path):
    """As the page of a notebook shows it: in a sandbox, without a network, and without an error."""
    driver = browser.start()
    try:
        driver.set_network_conditions(offline=True, latency=0, throughput=0)
        for cell in (1, 3, 6):
            path = tmp_path / ("%d.html" % cell)
            path.write_text("<!doctype html><meta charset=utf-8><body>" + shown(notebook[1][cell]))
            driver.get(path.as_uri())
            assert len(driver.find_element("css selector", "iframe").screenshot_as_png) > 5000
            assert driver.get_log("browser") == []
    finally:
        driver.quit()
