"""What is built here for aarch64: the package, the wheel and the static program, run by qemu-user. $GILSPY_TEST_WHEELS has the
wheel, from script/wheel --arm; the rest is that of the presets aarch64 and aarch64-static."""
import glob
import json
import os
import shutil
import subprocess

import pytest

import gilspy
import pythons

ROOT = os.path.join(pythons.CHROOTS, "arm", "root")
WHEELS = os.environ.get("GILSPY_TEST_WHEELS", "")
RUN = ["qemu-aarch64-static", "-L", ROOT]


def build(name):
    path = os.path.join(gilspy.SOURCE, name)
    if not os.path.exists(path + "/gilspy"):
        pytest.skip("there is no %s/gilspy" % name)
    return path


def output(*words, **options):
    return subprocess.run([str(word) for word in words], check=True, stdout=subprocess.PIPE, text=True, timeout=300,
                          **options).stdout


def version():
    return gilspy.run("--version").stdout


def make_package(folder, built):
    output("cpack", "-G", "DEB", "-B", folder, "--config", built + "/CPackConfig.cmake", cwd=built)
    path, = glob.glob(str(folder / "gilspy_*.deb"))
    return path


def test_deb(tmp_path):
    """Depends on what the package of this processor depends on."""
    package = make_package(tmp_path / "arm64", build("build-aarch64"))
    output("dpkg-deb", "-x", package, tmp_path / "root")
    assert output(*RUN, tmp_path / "root/usr/bin/gilspy", "--version") == version()
    assert output("dpkg-deb", "-f", package, "Architecture").strip() == "arm64"
    here = make_package(tmp_path / "amd64", os.path.dirname(gilspy.PROGRAM))
    assert output("dpkg-deb", "-f", package, "Depends") == output("dpkg-deb", "-f", here, "Depends")


def test_wheel(tmp_path):
    """pip of Debian's Python takes it, and neither takes that of the other processor."""
    pip = glob.glob("/usr/share/python-wheels/pip-*.whl")
    if not WHEELS or not pip:
        pytest.skip("takes script/wheel --arm, GILSPY_TEST_WHEELS and python3-pip-whl")
    python = [*RUN, ROOT + "/usr/bin/python3.11"]
    output(*python, "-m", "pip", "install", "-q", "--no-index", "--find-links", WHEELS, "--target", tmp_path, "gilspy",
           env={"PYTHONPATH": pip[0], "PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    assert output(*RUN, tmp_path / "bin/gilspy", "--version") == version()
    assert output(*python, "-c", "import gilspy; print(gilspy.__name__)", env={"PYTHONPATH": str(tmp_path)}) == "gilspy\n"


def test_image(tmp_path):
    """A manifest for both processors."""
    if not shutil.which("buildah"):
        pytest.skip("buildah is not installed")
    other = build("build-aarch64-static")
    name = "localhost/gilspy-test-%d:1" % os.getpid()
    config = tmp_path / "storage.conf"
    config.write_text('[storage]\ndriver = "vfs"\ngraphroot = "%s/images"\nrunroot = "%s/run"\n' % (tmp_path, tmp_path))
    store = {**os.environ, "CONTAINERS_STORAGE_CONF": str(config)}
    output(gilspy.SOURCE + "/packaging/oci/build", gilspy.PROGRAM, name, other + "/gilspy", env=store)
    manifests = json.loads(output("buildah", "manifest", "inspect", name, env=store))["manifests"]
    assert [each["platform"]["architecture"] for each in manifests] == ["amd64", "arm64"]
    output("buildah", "manifest", "push", "--all", "--format", "oci", name, "oci:%s/layout" % tmp_path, env=store)
    index = json.loads((tmp_path / "layout/index.json").read_text())
    assert index["manifests"][0]["mediaType"] == "application/vnd.oci.image.index.v1+json"
