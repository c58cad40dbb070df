"""The wheel as it is installed: in a clean environment of each Python, as root and not. $GILSPY_TEST_WHEELS has it, from
script/wheel."""
import contextlib
import glob
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import zipfile

import pytest

import pythons
from conftest import HERE, SOURCE

FOLDER = os.environ.get("GILSPY_TEST_WHEELS")
TOOLS = os.environ.get("GILSPY_PYTHONS", "/var/cache/gilspy/pythons") + "/wheel/bin"
MOST_BYTES = 3_000_000
pytestmark = pytest.mark.skipif(not FOLDER, reason="GILSPY_TEST_WHEELS is not told: script/wheel makes them")


@pytest.fixture(scope="module")
def wheel():
    return glob.glob(FOLDER + "/*.whl")[0]


def clean(**more):
    """An environment in which nothing of ours is named."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GILSPY_", "PYTHON", "VIRTUAL_ENV"))}
    return {**kept, **more}


def run(*words, **options):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, timeout=600, cwd="/",
                          **{"env": clean(), **options})
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


@contextlib.contextmanager
def environment(python, wheel, *user):
    """A new one with the wheel in it. user: words before each command, that make it another user's."""
    with tempfile.TemporaryDirectory(prefix="gilspy-venv-") as folder:
        os.chmod(folder, 0o777)
        path = os.path.join(folder, "venv")
        env = clean(HOME=folder, PIP_NO_INDEX="1", PIP_DISABLE_PIP_VERSION_CHECK="1", **python.env)
        run(*user, python.path, "-m", "venv", path, env=env)
        run(*user, path + "/bin/pip", "install", "-q", wheel, env=env)
        yield path, env


def fitting():
    return [pytest.param(python, id=python.label) for python in pythons.discover()[0]
            if python.at_least >= (3, 8) and not python.root and python.where not in ("built", "musl")]


def test_what_is_in_it(wheel):
    assert os.path.getsize(wheel) <= MOST_BYTES
    name = os.path.basename(wheel)
    version = re.search(r"project\(gilspy VERSION ([0-9.]+)", open(os.path.join(SOURCE, "CMakeLists.txt")).read()).group(1)
    assert re.fullmatch(r"gilspy-%s-py3-none-.*manylinux_2_17_x86_64.*musllinux_1_1_x86_64\.whl" % version, name)
    names = zipfile.ZipFile(wheel).namelist()
    ours = {"gilspy/" + file for file in os.listdir(os.path.join(SOURCE, "python", "gilspy")) if not file.startswith("__pyc")}
    told = "gilspy-%s.d" % version
    assert {name for name in names if not name.startswith(told + "ist-info/")} == ours | {told + "ata/scripts/gilspy"}
    assert "gilspy/py.typed" in names


@pytest.mark.parametrize("user", [[], ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]], ids=["root", "nobody"])
@pytest.mark.parametrize("python", fitting())
def test_a_clean_environment(python, user, wheel):
    if user and (os.geteuid() != 0 or not os.path.realpath(python.path).startswith("/usr/")):
        pytest.skip("nobody may not run this Python")
    if not shutil.which("setpriv"):
        pytest.skip("setpriv is not there")
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        use = shutil.copy(os.path.join(HERE, "use.py"), folder)
        wheel = shutil.copy(wheel, folder)
        with environment(python, wheel, *user) as (path, env):
            assert run(*user, path + "/bin/gilspy", "--version", env=env) == \
                run(*user, path + "/bin/python", "-m", "gilspy", "--version", env=env)
            assert run(*user, path + "/bin/python", use, env=env) == "all of it works\n"
            where = run(*user, path + "/bin/python", "-c", "import gilspy; print(gilspy.program())", env=env)
            assert where.strip() == path + "/bin/gilspy"


def test_install_to_a_folder(wheel, tmp_path):
    """pip install --target: the program is found there."""
    run("/usr/bin/python3", "-m", "venv", tmp_path / "venv")
    run(tmp_path / "venv/bin/pip", "install", "-q", "--no-index", "--target", tmp_path / "target", wheel)
    where = run("/usr/bin/python3", "-c", "import gilspy; print(gilspy.program(), gilspy.dump().process.pid > 0)",
                env=clean(PYTHONPATH=str(tmp_path / "target"), PATH="/usr/bin:/bin"))
    assert where.split() == [str(tmp_path / "target/bin/gilspy"), "True"]


@pytest.mark.parametrize("tool", ["uvx", "uv tool", "pipx"])
def test_tools(tool, wheel, tmp_path):
    if not os.path.exists(os.path.join(TOOLS, tool.split()[0])):
        pytest.skip("%s is not there: script/setup --wheel" % tool)
    env = clean(HOME=str(tmp_path), PIPX_HOME=str(tmp_path / "pipx"), PIPX_BIN_DIR=str(tmp_path / "bin"), UV_OFFLINE="1",
                UV_TOOL_DIR=str(tmp_path / "uv"), UV_TOOL_BIN_DIR=str(tmp_path / "bin"), PIP_NO_INDEX="1",
                UV_PYTHON="/usr/bin/python3", UV_CACHE_DIR=str(tmp_path / "cache"), PATH=os.environ["PATH"])
    if tool == "uvx":
        assert run(TOOLS + "/uvx", "--from", wheel, "gilspy", "--version", env=env).startswith("gilspy ")
        return
    install = [TOOLS + "/uv", "tool", "install"] if tool == "uv tool" else [TOOLS + "/pipx", "install", "--python", "/usr/bin/python3"]
    run(*install, wheel, env=env)
    assert run(tmp_path / "bin/gilspy", "--version", env=env).startswith("gilspy ")


def test_the_sdist_builds(tmp_path):
    """Where the libraries are; with nothing of this folder."""
    if not os.path.exists(TOOLS):
        pytest.skip("the tools are not there: script/setup --wheel")
    sdist = glob.glob(FOLDER + "/*.tar.gz")[0]
    with tarfile.open(sdist) as file:
        names = file.getnames()
    assert not any(name.split("/")[1].startswith(("tests", "build")) for name in names if "/" in name)
    run(TOOLS + "/pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "--no-index", "-w", tmp_path, sdist)
    made = glob.glob(str(tmp_path / "*.whl"))
    run(TOOLS + "/python", "-m", "zipfile", "-e", made[0], tmp_path)
    program = glob.glob(str(tmp_path / "*.data/scripts/gilspy"))[0]
    os.chmod(program, 0o755)
    assert run(program, "--version").startswith("gilspy ")
