"""What `gilspy record` costs and how true it is, beside other samplers: the parts record.* of script/bench."""
import ast
import json
import math
import os
import pathlib
import re
import signal
import statistics
import subprocess
import tempfile
import time

import peers

BENCH = pathlib.Path(__file__).resolve().parent
TWO, FEW, ALL = "2 threads", "3 threads", "201 threads"
RATES = (("pair", FEW, 3), ("deep", "depth 500", 2), ("blocked", ALL, 201))  # what runs, called so, with so many threads


class Target:
    """One of our own, on a processor of its own; inside the chroot of whoever samples it, if that is in one."""

    def __init__(self, python, script, *args, chroot=None, settle_s=0.5, pinned=True):
        command = [python, str(BENCH / script), *args]
        if chroot:
            command = ["chroot", str(chroot), "/usr/bin/python3.15", "/tmp/gilspy-bench/" + script, *args]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=peers.pin(peers.TARGET_CPU) if pinned else None)
        assert self.process.stdout.readline() == "ready\n"
        time.sleep(settle_s)  # lets it settle; nothing depends on it
        self.pid = self.process.pid

    def ask(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def spread(values, form="{:.0f}"):
    middle, *ends = (form.format(value) for value in (statistics.median(values), min(values), max(values)))
    return f"{middle} ({'-'.join(ends)})"


class Bench:
    def __init__(self, python, program, peer_folder, quick):
        self.python, self.quick, self.peer_folder = python, quick, peer_folder
        self.program = program
        self.gilspy = peers.Gilspy(program)
        self.found = None

    def peers(self):
        if self.found is None:
            self.found = peers.find(self.peer_folder, BENCH)
        return self.found

    def in_turn(self, samplers, kind, rate, seconds, threads, count):
        """All samplers in turn, so that what else the machine does hits all alike."""
        runs = {sampler.name: [] for sampler in samplers}
        homes = {sampler.chroot for sampler in samplers}
        targets = {home: Target(self.python, "target.py", kind, chroot=home, settle_s=1) for home in homes}
        for target in targets.values():
            target.process.send_signal(signal.SIGSTOP)
        for _ in range(count):
            for sampler in samplers:
                target = targets[sampler.chroot]
                target.process.send_signal(signal.SIGCONT)
                try:
                    runs[sampler.name].append(sampler.run(target.pid, rate, seconds, threads))
                except (RuntimeError, ValueError) as error:
                    print(f"  {sampler.name}: not measured: {str(error).strip()[-200:]!r}")
                target.process.send_signal(signal.SIGSTOP)
        for target in targets.values():
            target.__exit__()
        return {name: these for name, these in runs.items() if these}

    def rate(self):
        """complete samples of all threads at the highest rate: per second, per second of CPU time (the most); CPU time
        of the others on this machine, in % of a core"""
        for kind, text, threads in RATES:
            rows = self.in_turn([self.gilspy] + self.peers(), kind, "max", 2 if self.quick else 8, threads,
                                2 if self.quick else 5)
            for name, runs in rows.items():
                rates = [(run.samples - run.failed) / run.seconds for run in runs]
                most = max((run.samples - run.failed) / run.cpu_s for run in runs)
                print(f"  {text:12} {name:22} {spread(rates):28} {most:9.0f} a CPU second   others "
                      f"{spread([100 * run.others for run in runs])} %")

    def cpu(self):
        """CPU of the sampler in % of a core, everything included; samples per second that it got"""
        kinds = (("spin", "2 threads", 2), ("blocked", "200, one runs", 201), ("contended", "200 contend", 200),
                 ("waking", "200 keep waking", 201))
        for kind, text, threads in kinds:
            for rate in (1000, 100):
                samplers = [self.gilspy] + (self.peers() if kind == "spin" else [])
                rows = self.in_turn(samplers, kind, rate, 3 if self.quick else 10, threads, 1 if self.quick else 3)
                for name, runs in rows.items():
                    shares = [100 * run.cpu_s / run.seconds for run in runs]
                    got = statistics.median(run.samples / run.seconds for run in runs)
                    print(f"  {text:16} {rate:5} Hz {name:22} {spread(shares, '{:.2f}'):22} got {got:6.0f}   others "
                          f"{spread([100 * run.others for run in runs])} %")

    def table(self):
        """One table, in Markdown: what each sampler does at the highest rate, and what it costs at two others."""
        samplers = [self.gilspy] + self.peers()
        lines = [f"| | {' | '.join(sampler.name for sampler in samplers)} |", "| --- |" + " --- |" * len(samplers)]
        count, seconds = (2, 2) if self.quick else (5, 8)

        def row(title, runs, value, form):
            cells = (spread([value(run) for run in runs[sampler.name]], form) if sampler.name in runs else "-"
                     for sampler in samplers)
            lines.append(f"| {title} | {' | '.join(cells)} |")

        for kind, text, threads in RATES:
            runs = self.in_turn(samplers, kind, "max", seconds, threads, count)
            row(f"samples a second, {text}", runs, lambda run: (run.samples - run.failed) / run.seconds, "{:.0f}")
            row("for a second of CPU", runs, lambda run: (run.samples - run.failed) / run.cpu_s, "{:.0f}")
        for rate in (1000, 100):
            for kind, text, threads in RATES:
                runs = self.in_turn(samplers, kind, rate, seconds, threads, count)
                row(f"{rate} Hz, {text}: % of a core", runs, lambda run: 100 * run.cpu_s / run.seconds, "{:.2f}")
                row("samples a second", runs, lambda run: run.samples / run.seconds, "{:.0f}")
        print("\n".join(lines))

    # ---- slowdown ----

    def pace_of(self, target, seconds):
        """Work per second of the life of the thread that works, but for the time that it waited for a processor."""
        files = pathlib.Path(f"/proc/{target.pid}/task").glob("*/schedstat")
        worker = max(files, key=lambda file: int(file.read_text().split()[0]))
        waited, done, began = int(worker.read_text().split()[1]), target.ask()["units"], time.monotonic()
        time.sleep(seconds)
        waited = (int(worker.read_text().split()[1]) - waited) / 1e9
        return (target.ask()["units"] - done) / (time.monotonic() - began - waited)

    def one_pair(self, target, command, seconds):
        off = self.pace_of(target, seconds)
        sampler = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   preexec_fn=peers.pin(peers.SAMPLER_CPU))
        time.sleep(0.3)  # its start is not what is measured
        on = self.pace_of(target, seconds)
        sampler.send_signal(signal.SIGINT)
        sampler.wait()
        return math.log(off / on)

    def slowdown(self):
        """slowdown of the target in %, by pairs of spans with and without: mean and 95 % interval"""
        rows = [("calm", 100, 0.3), ("calm", 1000, 1.0), ("calls", 1000, 5.0)]
        py_spy = self.peer_folder / "bin" / "py-spy"
        for kind, rate, goal in rows:
            commands = {"gilspy": [self.program, "record", "-q", "-r", rate, "-d", 60]}
            if py_spy.exists() and rate == 1000:
                commands["py-spy"] = [py_spy, "record", "-f", "raw", "-r", rate, "-d", 60]
            for name, command in commands.items():
                with Target(self.python, "clocked.py", kind) as target, tempfile.TemporaryDirectory() as folder:
                    line = [str(part) for part in [*command, "-o", f"{folder}/out.{'gilspy' if name == 'gilspy' else 'raw'}",
                                                   "-p", target.pid]]
                    logs = []
                    while len(logs) < (6 if self.quick else 40):
                        logs.append(self.one_pair(target, line, 0.5 if self.quick else 1))
                        half = 2 * statistics.stdev(logs) / math.sqrt(len(logs)) * 100 if len(logs) > 3 else math.inf
                        if 2 * half < goal:
                            break
                verdict = "" if 2 * half < goal else "   not resolved"
                print(f"  {kind:6} {rate:5} Hz {name:10} {100 * statistics.mean(logs):6.2f} +- {half:.2f}   goal {goal}, "
                      f"{len(logs)} pairs{verdict}")

    # ---- truth ----

    def folded(self, sampler, target, rate, seconds, options):
        """The run, and weights of its stacks: lists of (function, line), outermost first."""
        with tempfile.TemporaryDirectory() as folder:
            name = f"{folder}/out.folded"
            run = sampler.run(target.pid, rate, seconds, 2, output=name, options=options)
            stacks = []
            for line in pathlib.Path(name).read_text().splitlines():
                text, weight = line.rsplit(" ", 1)
                frames = [re.fullmatch(r"(.*?)(?: \(.*?:?(\d*)\))?", frame) for frame in text.split(";")]
                # py-spy's names are qualified from 3.11 on
                stacks.append(([(frame[1] if frame[1].startswith("[") else frame[1].rsplit(".", 1)[-1], int(frame[2] or 0))
                                for frame in frames], int(weight)))
        return run, stacks

    def samplers_that_fold(self):
        py_spies = [peer for peer in self.peers() if isinstance(peer, peers.PySpy)]
        return [self.gilspy, peers.Gilspy(self.program, "--nonblocking")] + py_spies

    def wrong(self):
        """wrong stacks per 100,000 (by weight), of short functions whose legal calls are known; share not whole,
        of the time but for that in which the sampler was late"""
        for kind in ("fixed", "mean"):
            legal = legal_calls(BENCH / "oracle_fixed.py")
            for sampler in self.samplers_that_fold():
                options = ("-m", "wall", "--thread", "driver") if isinstance(sampler, peers.Gilspy) else ("-i",)
                with Target(self.python, "oracle_fixed.py", kind) as target:
                    run, stacks = self.folded(sampler, target, 1000, 10 if self.quick else 100, options)
                of_driver = [(stack, weight) for stack, weight in stacks if stack[-1][0] != "<module>"]
                late = sum(weight for stack, weight in of_driver if is_gap(stack, "[gap: sampler late"))
                total = sum(weight for _, weight in of_driver) - late or 1
                gaps = sum(weight for stack, weight in of_driver if is_gap(stack, "[gap")) - late
                wrong = sum(weight for stack, weight in of_driver if is_wrong(stack, kind, legal))
                first = next((stack[-3:] for stack, _ in of_driver if is_wrong(stack, kind, legal)), "")
                print(f"  {kind:6} {label(sampler):24} {1e5 * wrong / total:8.1f}   not whole {100 * gaps / total:5.2f} %, "
                      f"failed {100 * run.failed / max(run.samples, 1):5.2f} %   {run.samples:.0f} samples   {first}")

    def bias(self):
        """share of CPU time of call-heavy code: measured, true, and the difference in points"""
        for rate in (1000, 100):
            for sampler in self.samplers_that_fold():
                options = ("-m", "cpu", "-F") if isinstance(sampler, peers.Gilspy) else ("-F",)
                found = []
                with Target(self.python, "clocked.py", "split") as target:
                    for _ in range(1 if self.quick else 3):
                        before = target.ask()
                        _, stacks = self.folded(sampler, target, rate, 5 if self.quick else 20, options)
                        after = target.ask()
                        spent = {name: after[name] - before[name] for name in ("calls", "straight")}
                        truth = 100 * spent["calls"] / sum(spent.values())
                        seen = {name: sum(weight for stack, weight in stacks if any(name == of for of, _ in stack))
                                for name in ("call_heavy", "straight")}
                        found.append((100 * seen["call_heavy"] / (sum(seen.values()) or 1), truth))
                off = [measured - truth for measured, truth in found]
                print(f"  {rate:5} Hz {label(sampler):24} {spread([m for m, _ in found], '{:.1f}'):22} true "
                      f"{spread([t for _, t in found], '{:.1f}'):22} off {spread(off, '{:+.1f}')}")

    # ---- size ----

    def memory(self):
        """resident memory while it records a mixed program at 1 kHz, KiB; bytes of the recording per thread-sample"""
        seconds = 10 if self.quick else 60
        with Target(self.python, "clocked.py", "mixed", pinned=False) as target, tempfile.TemporaryDirectory() as folder:
            name = f"{folder}/run.gilspy"
            sampler = subprocess.Popen([str(self.program), "record", "-p", str(target.pid), "-r", "1000", "-d", str(seconds),
                                        "-j", "-o", name], stdout=subprocess.PIPE, text=True)
            sizes = []
            for _ in range(seconds - 1):
                time.sleep(1)
                status = pathlib.Path(f"/proc/{sampler.pid}/status").read_text()
                sizes.append(int(re.search(r"VmRSS:\s+(\d+)", status)[1]))
            summary = json.loads(sampler.communicate()[0])
            size = os.path.getsize(name)
        print(f"  {seconds} s: first {sizes[0]}, at the middle {sizes[len(sizes) // 2]}, last {sizes[-1]}, most {max(sizes)} KiB")
        print(f"  {size} bytes for {summary['thread_samples']} thread-samples of {summary['samples']} samples: "
              f"{size / summary['thread_samples']:.2f} each")


def label(sampler):
    return " ".join([sampler.name, *getattr(sampler, "options", ())]) if isinstance(sampler, peers.Gilspy) else sampler.name


def legal_calls(script):
    """(caller, line, callee) of all calls between the functions of a script."""
    functions = [node for node in ast.walk(ast.parse(script.read_text())) if isinstance(node, ast.FunctionDef)]
    names = {function.name for function in functions}
    return {(function.name, node.lineno, node.func.id) for function in functions for node in ast.walk(function)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names}


def is_gap(stack, beginning):
    return any(name.startswith(beginning) for name, _ in stack)


def is_wrong(stack, root, legal):
    names = [name for name, _ in stack]
    if is_gap(stack, "[gap"):
        return False
    if root not in names or "_bootstrap" not in names[0]:
        return True
    below = stack[names.index(root):]
    return any((name, line, callee) not in legal for (name, line), (callee, _) in zip(below, below[1:]))


PARTS = ("rate", "cpu", "slowdown", "wrong", "bias", "memory")


def measure(bench, wanted):
    for part in PARTS:
        if wanted("record." + part):
            function = getattr(bench, part)
            print(f"record.{part}: {' '.join(function.__doc__.split())}")
            function()
