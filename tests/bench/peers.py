"""The samplers that are measured side by side, each behind the same call: what it took in a time, and what that cost."""
import atexit
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

PEERS = {"py-spy": "py-spy==0.4.3", "austin": "austin-dist==4.0.0"}
CHROOTS = pathlib.Path(os.environ.get("GILSPY_PYTHONS", "/var/cache/gilspy/pythons"))
SAMPLER_CPU, TARGET_CPU = 0, (os.cpu_count() or 1) - 1
PATIENCE_S = 150  # one that does not end is ended


def pin(cpu):
    return lambda: os.sched_setaffinity(0, {cpu})


def busy_s():
    """CPU seconds of everybody on this machine."""
    user, nice, system, _, _, irq, softirq, steal = map(int, open("/proc/stat").readline().split()[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def used_s(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Run:
    """A command run to its end: what it printed, its CPU time and memory, and the CPU time of whoever else ran."""

    def __init__(self, command, target, end_s=None):
        before, target_before, began = busy_s(), used_s(target), time.monotonic()
        with tempfile.TemporaryFile() as out:
            process = subprocess.Popen([str(part) for part in command], stdout=out, stderr=subprocess.STDOUT,
                                       preexec_fn=pin(SAMPLER_CPU))
            if end_s:
                time.sleep(end_s)
                process.send_signal(signal.SIGINT)
            late = threading.Timer(PATIENCE_S, process.kill)
            late.start()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = os.waitstatus_to_exitcode(status)
            late.cancel()
            out.seek(0)
            self.text = re.sub("\x1b\\[[0-9;]*m", "", out.read().decode(errors="replace"))
        self.code = process.returncode
        self.wall_s = time.monotonic() - began
        self.cpu_s = usage.ru_utime + usage.ru_stime
        self.others = (busy_s() - before - self.cpu_s - used_s(target) + target_before) / self.wall_s
        self.samples = self.failed = 0
        self.seconds = self.wall_s

    def number(self, pattern):
        found = re.search(pattern, self.text)
        if not found:
            raise RuntimeError("not understood: " + self.text[-500:])
        return float(found[1].replace(",", ""))


class Gilspy:
    name = "gilspy"
    chroot = None

    def __init__(self, program, *options):
        self.program, self.options = program, options

    def run(self, target, rate, seconds, threads, output=None, options=()):
        with tempfile.TemporaryDirectory() as folder:
            run = Run([self.program, "record", "-p", target, "-r", rate, "-d", seconds, "-j", *self.options, *options,
                       "-o", output or f"{folder}/run.gilspy"], target)
        run.summary = json.loads(run.text[run.text.index("{"):])
        run.samples, run.seconds = run.summary["samples"], run.summary["seconds"]
        run.failed = run.summary["quality"]["torn"]
        return run


class PySpy:
    chroot = None

    def __init__(self, program, *options):
        self.program, self.options = program, options
        self.name = " ".join(["py-spy", *options])

    def run(self, target, rate, seconds, threads, output=None, options=("-t", "-i")):
        with tempfile.TemporaryDirectory() as folder:
            # Told a duration, it may never end at the highest rate.
            run = Run([self.program, "record", *self.options, *options, "-r", 1000000 if rate == "max" else rate, "-f",
                       "raw", "-o", output or f"{folder}/raw", "-p", target], target, end_s=seconds)
        run.seconds = seconds
        each = threads if "-i" in options else 1  # it counts those of each thread
        run.samples, run.failed = run.number(r"Samples: (\d+)") / each, run.number(r"Errors: (\d+)") / each
        return run


class Austin:
    name = "austin"
    chroot = None

    def __init__(self, command):
        self.command = command

    def run(self, target, rate, seconds, threads):
        with tempfile.TemporaryDirectory() as folder:
            interval = 1 if rate == "max" else int(1e6 / rate)
            run = Run([*self.command, "-i", f"{interval}us", "-x", int(seconds), "-o", f"{folder}/mojo", "-p", target], target)
        run.samples = run.number(r"Error rate[ .]*\d+/(\d+)") / threads  # it counts those of each thread
        run.failed = run.number(r"Error rate[ .]*(\d+)/") / threads
        run.seconds = run.number(r"Total duration[ .]*([\d.]+)s")
        return run


class Tachyon:
    name = "tachyon"

    def __init__(self, chroot):
        self.chroot = chroot

    def run(self, target, rate, seconds, threads):
        hz = 1000000 if rate == "max" else rate
        run = Run(["chroot", self.chroot, "/usr/bin/python3.15", "-m", "profiling.sampling", "attach", "-a", "-r", hz, "-d",
                   int(seconds), "--binary", "-o", "/tmp/gilspy-bench/run.bin", target], target)
        run.samples, run.seconds = run.number(r"Captured ([\d,]+) samples"), run.number(r"in ([\d.]+) seconds")
        return run


def install(folder):
    """A virtual environment with what PyPI has of them."""
    for name, package in PEERS.items():
        if (folder / "bin" / name).exists():
            continue
        if not (folder / "bin" / "pip").exists():
            subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        if subprocess.run([str(folder / "bin" / "pip"), "install", "--quiet", package]).returncode:
            print(f"{name}: not measured, {package} cannot be installed")


def find_austin(folder):
    """It wants a newer C library than Debian 12's: that of a chroot, if there is one."""
    program = folder / "bin" / "austin"
    chroot = CHROOTS / "sid"
    loader = [chroot / "usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", "--library-path",
              chroot / "usr/lib/x86_64-linux-gnu", program]
    for command in ([program], loader):
        if pathlib.Path(command[0]).exists() and not subprocess.run([*map(str, command), "--version"],
                                                                    capture_output=True).returncode:
            return [Austin(command)]
    print("austin: not measured, it does not start here (its C library is newer, and no chroot has one)")
    return []


def find_tachyon(bench):
    chroot = CHROOTS / "sid"
    if os.geteuid() != 0 or not (chroot / "usr/bin/python3.15").exists():
        print("tachyon: not measured, there is no Python 3.15 (script/setup --pythons makes a chroot with it), or no root")
        return []
    if not (chroot / "proc/self").exists():
        subprocess.run(["mount", "-t", "proc", "proc", str(chroot / "proc")], check=True)
    shutil.copytree(bench, chroot / "tmp/gilspy-bench", dirs_exist_ok=True)
    atexit.register(shutil.rmtree, chroot / "tmp/gilspy-bench", ignore_errors=True)
    return [Tachyon(chroot)]


def find(folder, bench):
    install(folder)
    py_spy = folder / "bin" / "py-spy"
    found = [PySpy(py_spy), PySpy(py_spy, "--nonblocking")] if py_spy.exists() else []
    return found + find_austin(folder) + find_tachyon(bench)

