"""What C stacks cost, beside py-spy --native: the parts native.* of script/bench."""
import json
import pathlib
import re
import shutil
import statistics
import subprocess
import tempfile

import peers
from record import Target, spread


class Bench:
    def __init__(self, record, build):
        """record: a Bench of record.py; build: the folder with gilspy and the benches."""
        self.record, self.build = record, build
        self.quick, self.python, self.program = record.quick, record.python, record.program
        self.py_spy = record.peer_folder / "bin" / "py-spy"

    def dump(self):
        """dump of 8 threads that sleep, exec to end, ms: median (least-most), CPU ms, ptrace calls; ratio of medians"""
        commands = {"gilspy": [self.program, "dump"], "gilspy -n": [self.program, "dump", "-n"]}
        if self.py_spy.exists():
            commands["py-spy --native"] = [self.py_spy, "dump", "--native"]
        with Target(self.python, "target.py", "idle") as target:
            runs = {name: [] for name in commands}
            for _ in range(10 if self.quick else 40):
                for name, command in commands.items():
                    runs[name].append(peers.Run([*command, "-p", target.pid], target.pid))
            base = statistics.median(run.wall_s for run in runs[list(commands)[-1]])
            for name, these in runs.items():
                middle = statistics.median(run.wall_s for run in these)
                print(f"  {name:16} {spread([1000 * run.wall_s for run in these], '{:.1f}'):22} CPU "
                      f"{spread([1000 * run.cpu_s for run in these], '{:.1f}'):18} ptrace "
                      f"{self.ptrace_calls(commands[name], target):4}   {middle / base:.2f}")

    def ptrace_calls(self, command, target):
        if not shutil.which("strace"):
            return "?"
        with tempfile.NamedTemporaryFile() as log:
            subprocess.run(["strace", "-f", "-o", log.name, "-e", "trace=ptrace", *map(str, command), "-p",
                            str(target.pid)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            return len(re.findall(r" ptrace\(", pathlib.Path(log.name).read_text()))

    def stop(self):
        """how long a thread that computes stands still for both of its stacks, us: median, 99 of 100, most"""
        for kind in "spin", "deep":
            with Target(self.python, "target.py", kind) as target:
                result = json.loads(subprocess.run(
                    [str(self.build / "tests" / "bench_native"), str(target.pid), "300" if self.quick else "3000"],
                    check=True, stdout=subprocess.PIPE, preexec_fn=peers.pin(peers.SAMPLER_CPU)).stdout)
            print(f"  {kind:6} {result['stop_p50_us']:6} {result['stop_p99_us']:6} {result['stop_most_us']:6}   "
                  f"{result['stops']} stops")

    def unwind(self):
        """following a copied stack, warm: us for a stack, frames, us for a frame"""
        for kind in "idle", "deep":
            with Target(self.python, "target.py", kind) as target:
                result = json.loads(subprocess.run([str(self.build / "tests" / "bench_native"), str(target.pid), "30"],
                                                   check=True, stdout=subprocess.PIPE).stdout)
            print(f"  {kind:6} {result['unwind_us']:8.2f} {result['frames']:8.1f} "
                  f"{result['unwind_us'] / max(result['frames'], 1):8.3f}")

    def cpu(self):
        """record at 100 Hz: CPU of the sampler in % of a core, everything included; samples per second that it got"""
        samplers = [peers.Gilspy(self.program), peers.Gilspy(self.program, "-n")]
        if self.py_spy.exists():
            samplers.append(peers.PySpy(self.py_spy, "--native"))
        for kind, text, threads in (("spin", "2 threads", 2), ("idle", "8 sleep", 8)):
            with Target(self.python, "target.py", kind) as target:
                for sampler in samplers:
                    runs = [sampler.run(target.pid, 100, 3 if self.quick else 10, threads)
                            for _ in range(1 if self.quick else 3)]
                    name = " ".join([sampler.name, *(sampler.options if sampler.name == "gilspy" else ())])
                    print(f"  {text:10} {name:16} {spread([100 * run.cpu_s / run.seconds for run in runs], '{:.2f}'):22} "
                          f"got {statistics.median(run.samples / run.seconds for run in runs):.0f}")

    def slowdown(self):
        """slowdown of the target in %, by pairs of spans with and without, record at 100 Hz: mean, 95 % interval"""
        commands = {"gilspy -n": [self.program, "record", "-n", "-q", "-r", 100, "-d", 60]}
        if self.py_spy.exists():
            commands["py-spy --native"] = [self.py_spy, "record", "--native", "-f", "raw", "-r", 100, "-d", 60]
        for kind in "calm", "calls":
            for name, command in commands.items():
                with Target(self.python, "clocked.py", kind) as target, tempfile.TemporaryDirectory() as folder:
                    out = f"{folder}/out.{'gilspy' if name.startswith('gilspy') else 'raw'}"
                    line = [str(part) for part in [*command, "-o", out, "-p", target.pid]]
                    logs = [self.record.one_pair(target, line, 0.5 if self.quick else 1)
                            for _ in range(6 if self.quick else 30)]
                half = 2 * statistics.stdev(logs) / len(logs) ** 0.5 * 100
                print(f"  {kind:6} {name:16} {100 * statistics.mean(logs):6.2f} +- {half:.2f}")


PARTS = ("dump", "stop", "unwind", "cpu", "slowdown")


def measure(bench, wanted):
    for part in PARTS:
        if wanted("native." + part):
            function = getattr(bench, part)
            print(f"native.{part}: {' '.join(function.__doc__.split())}")
            function()
