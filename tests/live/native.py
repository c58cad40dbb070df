"""C functions whose chains are known: a library that is compiled for the tests, and what is to be seen of it.

    python3 native.py FOLDER COMPILER...    compiles what a machine without a compiler finds in $GILSPY_TEST_LIBRARIES
"""
import os
import shutil
import subprocess
import sys
import tempfile

from target import SCRIPTS

READY = os.environ.get("GILSPY_TEST_LIBRARIES")

# Each variant: how a compiler may make frames.
FLAGS = {"plain": ["-fomit-frame-pointer"], "pointer": ["-fno-omit-frame-pointer", "-mno-omit-leaf-frame-pointer"],
         "alloca": ["-fomit-frame-pointer", "-DWITH_ALLOCA"]}
COMMON = ["-O2", "-fPIC", "-fno-stack-protector", "-nostdlib"]
HERE = ["cc", "-fcf-protection=none"]


def compile_chain(folder, compiler):
    """The path of libchain.so."""
    objects = []
    for variant, flags in FLAGS.items():
        objects.append(os.path.join(folder, variant + ".o"))
        subprocess.run([*compiler, *COMMON, *flags, "-DVARIANT=_" + variant, "-c", os.path.join(SCRIPTS, "chain.c"), "-o",
                        objects[-1]], check=True)
    objects.append(os.path.join(folder, "cpp.o"))
    subprocess.run([*compiler, *COMMON, "-fno-exceptions", "-fno-rtti", "-c", os.path.join(SCRIPTS, "chain.cpp"), "-o",
                    objects[-1]], check=True)
    path = os.path.join(folder, "libchain.so")
    subprocess.run([*compiler, "-shared", "-nostdlib", *objects, "-o", path], check=True)
    return path


def compile_altstack(folder, compiler=("cc",)):
    """The path of libaltstack.so, whose signal handlers have a stack of their own."""
    if READY:
        return os.path.join(READY, "libaltstack.so")
    path = os.path.join(folder, "libaltstack.so")
    subprocess.run([*compiler, "-O2", "-fPIC", "-shared", os.path.join(SCRIPTS, "altstack.c"), "-o", path], check=True)
    return path


class Library:
    """libchain.so, and copies of it below the roots of other distributions."""
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="gilspy-test-")
        os.chmod(self.folder, 0o755)
        self.path = os.path.join(READY, "libchain.so") if READY else compile_chain(self.folder, HERE)
        self.copies = []

    def of(self, python, folders):
        """Where this Python finds it."""
        if not python.root:
            return self.path
        copy = os.path.join(folders.of(python), "libchain.so")
        if copy not in self.copies:
            shutil.copy(self.path, copy)
            self.copies.append(copy)
        return python.inside(copy)

    def stripped(self):
        """A copy without the symbols that the dynamic linker does not need."""
        copy = os.path.join(self.folder, "libbare.so")
        subprocess.run(["strip", "-o", copy, self.path], check=True)
        return copy

    def remove(self):
        shutil.rmtree(self.folder)


def chain_of(variant, times):
    """The functions of a chain that sleeps, innermost first; those of C with the kind."""
    c = ["box::Holder<int>::open(int (*)(int), int)", "outer_cpp"] if variant == "cpp" else \
        [name + "_" + variant for name in ("call", "inner", "middle", "outer")]
    rows = [("python", "asleep"), ("python", "descend")]
    for _ in range(times):
        rows += [("python", "called")] + [("native", name) for name in c] + [("python", "descend")]
    return rows


def seen(thread, known):
    """What a dump shows of them."""
    return [(frame["kind"], frame["function"]) for frame in thread["frames"]
            if (frame["kind"], frame["function"]) in known]


def gaps(thread):
    return [frame["function"] for frame in thread["frames"] if frame["kind"] == "gap"]


def build_id_of(path):
    text = subprocess.run(["readelf", "-n", path], check=True, stdout=subprocess.PIPE, text=True).stdout
    return text.split("Build ID: ")[1].split()[0]


class Split:
    """A library as distributions ship it: stripped, with its debug information in a file of its own."""
    def __init__(self, folder, name="libsplit.so"):
        self.path, self.whole, self.debug = (os.path.join(folder, name + end) for end in ("", ".whole", ".debuginfo"))
        subprocess.run(["cc", *COMMON, "-g", "-fomit-frame-pointer", "-DVARIANT=_plain", "-shared", "-Wl,--build-id",
                        os.path.join(SCRIPTS, "chain.c"), "-o", self.whole], check=True)
        subprocess.run(["objcopy", "--only-keep-debug", self.whole, self.debug], check=True)
        subprocess.run(["strip", "-o", self.path, self.whole], check=True)
        self.build_id = build_id_of(self.path)

    def pack_symbols(self):
        """Puts the symbols that stripping removed into .gnu_debugdata, as Fedora does."""
        mini = self.path + ".mini"
        subprocess.run(["objcopy", "-S", "--keep-symbol=call_plain", "--keep-symbol=turn_plain", "--keep-symbol=nap_plain",
                        "--remove-section=.comment", self.debug, mini], check=True)
        subprocess.run(["xz", "-f", mini], check=True)
        subprocess.run(["objcopy", "--add-section", ".gnu_debugdata=" + mini + ".xz", self.path], check=True)


if __name__ == "__main__":
    compile_chain(sys.argv[1], sys.argv[2:])
    compile_altstack(sys.argv[1], sys.argv[2:])
