"""What is installed, where, and that the man pages tell what the program's own help tells."""
import glob
import os
import re
import shutil
import subprocess

import pytest

import gilspy

pytestmark = pytest.mark.slow

BUILD = os.path.dirname(gilspy.PROGRAM)
MOST = 1500 * 1000  # bytes of the stripped program: doc/install.md says so
DOC = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "doc")
PLACES = {"share/bash-completion/completions/gilspy", "share/zsh/site-functions/_gilspy",
          "share/fish/vendor_completions.d/gilspy.fish", "share/doc/gilspy/README.md",
          "share/doc/gilspy/CHANGELOG.md", "share/doc/gilspy/LICENSE", "share/doc/gilspy/SECURITY.md"} | {
              "share/doc/gilspy/doc/" + os.path.basename(page) for page in glob.glob(os.path.join(DOC, "*.md"))} | {
                  "include/gilspy/gilspy.h", "share/man/man3/gilspy.3", "share/doc/libgilspy-dev/examples/holders.c"}
LIBRARY = {"libgilspy.so", "libgilspy.so.0", "libgilspy.so.0.1.0", "pkgconfig/gilspy.pc"}


def output(*words, **options):
    done = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          timeout=180, **options)
    assert done.returncode == 0 and done.stderr == "", (words, done.returncode, done.stderr)
    return done.stdout


def files(root):
    return {os.path.relpath(os.path.join(folder, name), root) for folder, _, names in os.walk(root) for name in names}


def commands():
    return re.findall(r"^  (\w+)  ", gilspy.run("help").stdout.split("Options:")[0], re.M)


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The folder that stands for /usr, in another root."""
    root = tmp_path_factory.mktemp("root")
    output("cmake", "--install", BUILD, "--prefix", "/usr", env=dict(os.environ, DESTDIR=str(root)))
    return root / "usr"


def is_sanitized():
    with open(os.path.join(BUILD, "CMakeCache.txt")) as file:
        return "GILSPY_SANITIZE:BOOL=ON" in file.read()


@pytest.mark.skipif(is_sanitized(), reason="this build has no library: sanitizers are for programs")
def test_places(installed):
    pages = {"share/man/man1/gilspy.1"} | {"share/man/man1/gilspy-%s.1" % name for name in commands()}
    [folder] = {os.path.dirname(path) for path in files(installed) if path.endswith("libgilspy.so")}
    library = {os.path.join(folder, name) for name in LIBRARY}
    assert files(installed) == {"bin/gilspy"} | PLACES | pages | library
    assert os.listdir(installed.parent) == ["usr"]
    modes = {path: (installed / path).stat().st_mode & 0o7777 for path in files(installed)}
    assert {path for path, mode in modes.items() if mode == 0o755} == {"bin/gilspy"}
    assert {mode for path, mode in modes.items() if path != "bin/gilspy"} == {0o644}


def test_prefix_and_move(tmp_path):
    """Nothing in the program knows where it lies."""
    output("cmake", "--install", BUILD, "--prefix", tmp_path / "here")
    shutil.move(tmp_path / "here", tmp_path / "there")
    program = tmp_path / "there" / "bin" / "gilspy"
    assert output(program, "--version") == gilspy.run("--version").stdout
    assert str(tmp_path).encode() not in program.read_bytes()


def test_size(installed):
    if is_sanitized():
        pytest.skip("with sanitizers the program is many times larger")
    program = installed / "bin" / "gilspy"
    assert program.stat().st_size <= MOST
    assert ".symtab" not in output("readelf", "-SW", program) and ".debug" not in output("readelf", "-SW", program)


def pages(installed):
    return sorted((installed / "share" / "man" / "man1").iterdir())


def test_pages_are_well_formed(installed):
    for page in pages(installed):
        assert output("mandoc", "-T", "lint", page) == ""
        for width in ("80", "60"):
            environment = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "MANWIDTH": width}
            output("man", "--warnings", "-l", page, env=environment)
        name, summary = re.fullmatch(r'.*: "(.*) - (.*)"\n', output("lexgrog", page)).groups()
        assert name == page.stem and summary


def rendered(page):
    """A page as text on one line, without what groff does to words."""
    text = output("man", "-l", page, env={"PATH": os.environ["PATH"], "LC_ALL": "C", "MANWIDTH": "200"})
    return " ".join(re.sub(r".\x08", "", text).split())


def options(command):
    """[(how it is written, what it does)] as the help of a command tells."""
    text = gilspy.run("help", command).stdout.split("Options:\n")[1]
    rows = re.findall(r"^  (?:    |(?=-))(-\S+(?:, --\S+)?(?: [^ \n]+)?)(?:\n? {2,})((?:.|\n {20,})*)", text, re.M)
    return [(spelling, " ".join(does.split())) for spelling, does in rows]


@pytest.mark.parametrize("command", commands())
def test_page_says_what_help_says(installed, command):
    page = rendered(installed / "share" / "man" / "man1" / ("gilspy-%s.1" % command))
    section = page.split(" OPTIONS ")[1]
    rows = options(command)
    assert len(rows) == len(re.findall(r"^ {2,6}-", gilspy.run("help", command).stdout, re.M)) > 0
    for spelling, does in rows:
        does = does[0].upper() + re.sub(r" \(default (.*)\)$", r". The default is \1", does[1:])
        assert "%s %s." % (spelling, does) in section
    assert "gilspy %s" % command in page.split(" SYNOPSIS ")[1].split(" DESCRIPTION ")[0]
    for line in gilspy.run("help", command).stdout.splitlines():
        if line.startswith("  gilspy "):
            assert re.split("  +", line.strip())[0] in page.split(" EXAMPLES ")[1]


def test_main_page(installed):
    page = rendered(installed / "share" / "man" / "man1" / "gilspy.1")
    overview = gilspy.run("help").stdout
    for command in commands():
        assert "gilspy-%s(1) " % command in page.split(" COMMANDS ")[1].split(" OPTIONS ")[0]
    for section in ("THREADS AND THE GIL", "PERMISSIONS", "EXIT STATUS", "ENVIRONMENT", "FILES", "SEE ALSO"):
        assert " %s " % section in page
    for word in gilspy.WORDS:
        assert " %s " % word in page.split(" THREADS AND THE GIL ")[1].split(" PERMISSIONS ")[0]
    statuses = re.findall(r"^  ( \d|\d\d)  (.*)$", overview, re.M)
    assert [int(status) for status, _ in statuses] == [*range(6), 10]
    for status, meaning in statuses:
        assert "%s %s%s." % (status.strip(), meaning[0].upper(), meaning[1:]) in page.split(" EXIT STATUS ")[1]


def test_options_can_be_copied(installed):
    """What is typed has the ASCII hyphen, which roff writes with a backslash; only words may be split at theirs."""
    for page in pages(installed):
        for line in page.read_text().splitlines():
            assert line.startswith('.\\"') or not re.search(r"(?<!\w)-|-(?!\w)", line.replace(r"\-", ""))
