"""What packaging/ has for the agent: rules, dashboard, unit, manifests."""
import json
import os
import re
import shutil
import subprocess

import pytest

import engines
import gilspy

yaml = pytest.importorskip("yaml")
PACKAGING = os.path.join(gilspy.SOURCE, "packaging")


def text(*path):
    with open(os.path.join(PACKAGING, *path), encoding="utf-8") as file:
        return file.read()


def known():
    """The figures that there are."""
    with open(os.path.join(gilspy.SOURCE, "src", "push", "page.c"), encoding="utf-8") as file:
        return set(re.findall(r'^    \{"([a-z_]+)"', file.read(), re.MULTILINE))


@pytest.mark.parametrize("path", ["prometheus/gilspy.rules.yml", "grafana/gilspy.json"])
def test_figures_exist(path):
    used = {name.removesuffix("_total") for name in re.findall(r"\b(?<!:)(?:cpython|gilspy)_[a-z_]+\b(?!:)", text(path))}
    assert len(used) >= 4 and used <= known(), used - known()


def test_rules():
    done = subprocess.run([engines.program("promtool"), "check", "rules", os.path.join(PACKAGING, "prometheus", "gilspy.rules.yml")],
                          capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stdout + done.stderr


def test_dashboard():
    panels = json.loads(text("grafana", "gilspy.json"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    types = {target["profileTypeId"] for panel in panels for target in panel["targets"] if "profileTypeId" in target}
    assert types == {f"cpython:{kind}:nanoseconds:wall:nanoseconds" for kind in ("wait", "gil")}


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze: it is in Debian's systemd")
def test_unit():
    """Everything is taken away that is not needed: 2.0 at the worst."""
    unit = os.path.join(PACKAGING, "systemd", "gilspy-agent.service")
    done = subprocess.run(["systemd-analyze", "security", "--offline=true", "--no-pager", unit], capture_output=True, encoding="utf-8")
    level = re.search(r"Overall exposure level for \S+: ([0-9.]+)", done.stdout)
    assert level and float(level[1]) <= 2.0, done.stdout + done.stderr


def check_options(*words):
    done = gilspy.run(*words, "--check-config")
    assert (done.returncode, done.stderr) == (0, "")


def test_options(tmp_path):
    """Each set of options is one that gilspy takes."""
    check_options("agent", "--config", os.path.join(PACKAGING, "systemd", "agent.toml"), "--push", "pyroscope+http://x:1", "--spool", "/x,1G")
    documents = list(yaml.safe_load_all(text("kubernetes", "daemonset.yaml")))
    [config] = [each for each in documents if each["kind"] == "ConfigMap"]
    (tmp_path / "agent.toml").write_text(config["data"]["agent.toml"])
    check_options("agent", "--config", tmp_path / "agent.toml")
    [container] = [each for each in yaml.safe_load(text("kubernetes", "sidecar.yaml"))["spec"]["containers"] if each["name"] == "gilspy"]
    check_options(*container["args"])
    check_options(*yaml.safe_load(text("compose", "compose.yaml"))["services"]["gilspy"]["command"])
    for pod in (documents[-1]["spec"]["template"]["spec"]["containers"][0], container):
        assert pod["securityContext"]["capabilities"] == {"drop": ["ALL"], "add": ["SYS_PTRACE", "DAC_READ_SEARCH"]}
