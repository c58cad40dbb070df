"""The Debian package: its form, and its life in a Debian where nothing else was installed."""
import glob
import json
import os
import re
import shutil
import subprocess

import pytest

import gilspy
import pythons
import roots
from target import Program, running

BUILD = os.path.dirname(gilspy.PROGRAM)
BASE = os.path.join(pythons.CHROOTS, "package", "bookworm")
MOST = 1500 * 1000  # bytes of the program: doc/install.md says so


def output(*words, **options):
    done = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=300, **options)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """{name: path}"""
    folder = tmp_path_factory.mktemp("package")
    output("cpack", "-G", "DEB", "-B", folder, "--config", os.path.join(BUILD, "CPackConfig.cmake"), cwd=BUILD)
    made = {os.path.basename(path).split("_")[0]: path for path in glob.glob(str(folder / "*.deb"))}
    assert set(made) == {"gilspy", "libgilspy0", "libgilspy-dev"}
    return made


@pytest.fixture(scope="module")
def package(packages):
    return packages["gilspy"]


@pytest.fixture(scope="module")
def debian(tmp_path_factory, package):
    """A Debian of its own, in which Python is the only thing beside the essential."""
    if not os.path.exists(os.path.join(BASE, "usr/bin/python3")):
        pytest.skip("there is no %s: script/setup --package makes it" % BASE)
    root = tmp_path_factory.mktemp("debian") / "root"
    output("cp", "-a", "--reflink=auto", BASE, root)
    shutil.copy(package, root / "gilspy.deb")
    with roots.proc(root):
        yield root
    shutil.rmtree(root)


def field(package, name):
    return output("dpkg-deb", "-f", package, name).strip()


def contents(package):
    """{path: (mode, owner, size)}"""
    rows = [line.split(None, 5) for line in output("dpkg-deb", "-c", package).splitlines()]
    return {row[5].lstrip("."): (row[0], row[1], int(row[2])) for row in rows}


def test_fields(package):
    version = gilspy.run("--version").stdout.split()[1]
    assert re.fullmatch(r"gilspy_%s-1_(amd64|arm64)\.deb" % re.escape(version), os.path.basename(package))
    assert field(package, "Package") == "gilspy" and field(package, "Section") == "devel"
    assert field(package, "Maintainer").startswith("gilspy developers <")


def test_depends(package):
    """On the packages of the libraries that the program names, and no others."""
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", output("readelf", "-dW", gilspy.PROGRAM))
    places = re.findall(r"(\S+) => (\S+)", output("ldd", gilspy.PROGRAM))
    owners = {output("dpkg-query", "-S", "*" + path).split(":")[0] for name, path in places if name in needed}
    assert {each.split()[0] for each in field(package, "Depends").split(", ")} == owners
    assert {"libc6", "libelf1", "libncursesw6"} <= owners


def test_contents(package):
    rows = contents(package)
    files = {path for path in rows if not path.endswith("/")}
    pages = {path for path in files if path.startswith("/usr/share/man/man1/")}
    texts = {path for path in files if path.startswith("/usr/share/doc/gilspy/doc/")}
    assert "/usr/share/doc/gilspy/doc/commands.md" in texts or "/usr/share/doc/gilspy/doc/commands.md.gz" in texts
    assert files - pages - texts == {
        "/usr/bin/gilspy", "/usr/share/bash-completion/completions/gilspy", "/usr/share/zsh/vendor-completions/_gilspy",
        "/usr/share/fish/vendor_completions.d/gilspy.fish", "/usr/share/doc/gilspy/README.md",
        "/usr/share/doc/gilspy/SECURITY.md", "/usr/share/doc/gilspy/changelog.gz", "/usr/share/doc/gilspy/changelog.Debian.gz",
        "/usr/share/doc/gilspy/copyright"}
    assert "/usr/share/man/man1/gilspy-dump.1.gz" in pages and all(path.endswith(".1.gz") for path in pages)
    assert {owner for _, owner, _ in rows.values()} == {"root/root"}
    assert {mode for path, (mode, _, _) in rows.items() if path in files} == {"-rwxr-xr-x", "-rw-r--r--"}
    assert {mode for path, (mode, _, _) in rows.items() if path not in files} == {"drwxr-xr-x"}
    assert rows["/usr/bin/gilspy"][2] <= MOST


def test_library(packages):
    version = gilspy.run("--version").stdout.split()[1]
    runtime = {os.path.basename(path) for path in contents(packages["libgilspy0"]) if not path.endswith("/")}
    assert runtime == {"libgilspy.so.0 -> libgilspy.so.0.1.0", "libgilspy.so.0.1.0", "copyright", "changelog.gz",
                       "changelog.Debian.gz"}
    dev = {os.path.basename(path) for path in contents(packages["libgilspy-dev"]) if not path.endswith("/")}
    assert dev >= {"libgilspy.so -> libgilspy.so.0", "gilspy.h", "gilspy.pc", "gilspy.3.gz", "holders.c"}
    assert field(packages["libgilspy-dev"], "Depends") == "libgilspy0 (= %s-1)" % version
    assert "libdw1" in field(packages["libgilspy0"], "Depends")


@pytest.mark.parametrize("name", ["gilspy", "libgilspy0", "libgilspy-dev"])
def test_lintian(packages, name):
    package = packages[name]
    if not shutil.which("lintian"):
        pytest.skip("lintian is not installed: script/setup --package does that")
    done = subprocess.run(["lintian", "--allow-root", package], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    lines = [line for line in done.stdout.splitlines() if re.match("[EW]: ", line)]
    # The first is for packages that go into Debian itself; the second is CPack's doing, beside the trigger.
    harmless = ("initial-upload-closes-no-bugs", "maintscript-calls-ldconfig")
    assert [line for line in lines if not any(each in line for each in harmless)] == [] and done.returncode == 0


def install_needs(root, package):
    """Installs what the package depends on and this Debian has not. apt finds it in this machine's sources, once."""
    archives = os.path.join(BASE, "../archives")
    os.makedirs(os.path.join(archives, "partial"), exist_ok=True)
    places = ["-o", "Dir::State::status=%s/var/lib/dpkg/status" % root, "-o", "Dir::Cache::archives=" + archives,
              "-o", "APT::Sandbox::User=root"]
    command = ["apt-get", "-qq", "-y", *places, "--no-install-recommends", "install", package]
    output(*command, "--download-only")
    needs = set(re.findall(r"^Inst (\S+)", output(*command, "--simulate"), re.M)) - {"gilspy"}
    assert needs
    for name in needs:
        newest = max(glob.glob("%s/%s_*.deb" % (archives, name)), key=os.path.getmtime)
        shutil.copy(newest, os.path.join(root, "tmp", name + ".deb"))
    done = roots.run(root, "dpkg", "-i", *["/tmp/%s.deb" % name for name in needs])
    assert done.returncode == 0, done.stderr


def files_of(root):
    return {os.path.relpath(os.path.join(folder, name), root) for top in ("etc", "usr", "var/lib", "opt")
            for folder, _, names in os.walk(os.path.join(root, top)) for name in names
            if not folder.startswith(os.path.join(root, "var/lib/dpkg"))}


def test_life(debian, package):
    """Refused without what it depends on; installed with it, it works; purged, nothing is left."""
    done = roots.run(debian, "dpkg", "-i", "/gilspy.deb")
    assert done.returncode != 0 and "depends on libjansson4" in done.stderr
    assert roots.run(debian, "dpkg", "-P", "gilspy").returncode == 0
    install_needs(debian, package)
    before = files_of(debian)
    done = roots.run(debian, "dpkg", "-i", "/gilspy.deb")
    assert done.returncode == 0, done.stderr
    assert roots.run(debian, "dpkg", "-V", "gilspy").stdout == ""
    assert roots.run(debian, "gilspy", "--version").stdout == gilspy.run("--version").stdout
    look_at_python(debian)
    done = roots.run(debian, "dpkg", "-P", "gilspy")
    assert done.returncode == 0 and "warning" not in done.stderr, done.stderr
    assert files_of(debian) == before


def look_at_python(debian):
    script = debian / "tmp" / "look.py"
    script.write_text("import sys\ndef look():\n    print('{}', flush=True)\n    sys.stdin.read()\nlook()\n")
    command = ["chroot", str(debian), "/usr/bin/python3", "/tmp/look.py"]
    with running(lambda pipes: command, kind=Program) as target:
        target.wait_calling(target.pid, 0)
        done = roots.run(debian, "gilspy", "dump", "-j", "-p", target.pid)
        assert (done.returncode, done.stderr) == (0, "")
        document = json.loads(done.stdout)
        gilspy.check(document)
        thread, = document["threads"]
        assert [(frame["function"], frame["line"]) for frame in thread["frames"]] == [("look", 4), ("<module>", 5)]
