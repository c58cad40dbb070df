"""dump -c on files that are no cores, and on command lines that make no sense: each is told what is wrong."""
import os
import struct

import pytest

import gilspy



def header(kind, machine, bits=2, order=1):
    """The beginning of an ELF file."""
    ident = b"\x7fELF" + bytes([bits, order, 1]) + bytes(9)
    return ident + struct.pack("<HHIQQQIHHHHHH", kind, machine, 1, 0, 64, 0, 0, 64, 56, 0, 64, 0, 0)


NO_CORES = [
    (b"", "it is empty"),
    (b"x" * 5000, "it is not a core file"),
    (b"\x7fELF", "it is not a core file, or its beginning is all that there is of it"),
    (b"\x28\xb5\x2f\xfd" + bytes(500), "it is compressed with zstd. Unpack it with zstd -d, or take it from systemd "
                                       "with coredumpctl dump -o FILE"),
    (b"\x04\x22\x4d\x18" + bytes(500), "it is compressed with lz4. Unpack it with lz4 -d, or take it from systemd "
                                       "with coredumpctl dump -o FILE"),
    (b"\xfd7zXZ\x00" + bytes(500), "it is compressed with xz. Unpack it with xz -dk, or take it from systemd "
                                   "with coredumpctl dump -o FILE"),
    (b"\x1f\x8b\x08", "it is compressed with gzip. Unpack it with gzip -dk, or take it from systemd "
                      "with coredumpctl dump -o FILE"),
    (header(4, 3, bits=1), "it is the core of a 32-bit process on i386; this gilspy reads those of 64-bit processes "
                           "on x86-64"),
    (header(4, 183), "it is the core of a 64-bit process on aarch64; this gilspy reads those of 64-bit processes "
                     "on x86-64"),
    (header(4, 62), "it says nothing of any thread"),
    (header(3, 62), "it is a program or a library, not a core file"),
    (header(4, 62, order=2), "it comes from a big-endian machine; this gilspy reads cores of x86-64"),
]


@pytest.mark.parametrize("contents, why", NO_CORES, ids=range(len(NO_CORES)))
def test_no_core(tmp_path, contents, why):
    path = tmp_path / "core"
    path.write_bytes(contents)
    done = gilspy.run("dump", "-c", path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "gilspy: cannot read the core %s: %s\n" % (path, why)


def test_no_regular_file(tmp_path):
    os.mkfifo(tmp_path / "fifo")  # nobody writes into it: it must not be waited for
    for path, why in ((tmp_path, "it is a directory"),
                      (tmp_path / "fifo", "it is a pipe, and is not read from front to back. Write it to a file first"),
                      ("/dev/zero", "it is no regular file"), (tmp_path / "none", "No such file or directory")):
        done = gilspy.run("dump", "--json", "-c", path)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr == "gilspy: cannot read the core %s: %s\n" % (path, why)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_not_readable(tmp_path):
    path = tmp_path / "core"
    path.write_bytes(header(4, 62))
    path.chmod(0)
    done = gilspy.run("dump", "-c", path)
    assert (done.returncode, done.stderr) == (1, "gilspy: cannot read the core %s: Permission denied\n" % path)


@pytest.mark.parametrize("words, what", [
    (["-c", "core", "-p", "1"], "cannot dump: --core is instead of --pid, not beside it"),
    (["-c", "core", "-s"], "cannot dump: --core is instead of --subprocesses, not beside it"),
    (["--exe", "python", "-p", "1"], "cannot dump: --exe is for a core file, and none is named. Name one with -c FILE"),
    (["-c", ""], "cannot read the options: --core cannot be ''. A core file has a name"),
    (["-c"], "cannot read the options: --core needs FILE. A core file has a name"),
])
def test_usage(words, what):
    done = gilspy.run("dump", *words)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "gilspy: %s\n" % what)


def test_others_take_no_core():
    done = gilspy.run("ps", "-c", "core")
    assert (done.returncode, done.stderr) == \
        (2, "gilspy: cannot read the options: ps does not take --core. See gilspy help ps\n")


def test_control_characters(tmp_path):
    path = tmp_path / "core\x1b[31m"
    path.write_bytes(b"")
    assert "\x1b" not in gilspy.run("dump", "-c", path).stderr
