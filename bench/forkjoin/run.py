#!/usr/bin/env python3
"""Runs the fork-join suite and compares the peers.

    bench/forkjoin/run.py [--programs DIR] [--rounds N] [--workers 1,2]
        [--workload NAME]... [--peer NAME]... [--size quick|usual|large]
        [--no-ceiling] [--json FILE]

Round after round, all peers in each, each round starting with the next peer:
a change of the machine's speed meets all alike. Per peer and number of
workers: nanoseconds per task (minimum, median, maximum of the rounds), the
ratio of the minimum to that of the best peer, CPU time per task over all
threads, the largest peak resident memory, and

    of ceiling   throughput over that of as many independent processes with
                 one worker each, run at the same time: what the machine gives

Slow peers are given less to do (SIZES), marked with *; time per task is what
compares. A peer that was not built is named; one whose result is wrong, that
fails or takes too long is named too, and the exit status is 1.
"""

import argparse
import glob
import json
import os
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

from compare import machine, numbers, progress, write_json  # noqa: E402

PROGRAMS = os.path.join(HERE, "..", "..", "build", "release", "bench",
                        "forkjoin")

# Of each workload; "large" is what the peers are best told apart with.
SIZES = {
    "fib": {"quick": 27, "usual": 35, "large": 39},
    "skynet": {"quick": 10**5, "usual": 10**7, "large": 10**8},
    "nqueens": {"quick": 9, "usual": 12, "large": 14},
    "matmul": {"quick": 512, "usual": 1024, "large": 2048},
    "uts": {"quick": 1, "usual": 3, "large": 13},
    "cilksort": {"quick": 10**6, "usual": 10**7, "large": 10**7},
    "submit": {"quick": 10**5, "usual": 10**6, "large": 10**6},
    "resubmit": {"quick": 10**5, "usual": 10**6, "large": 10**6},
}
TREES = {1: "T1", 3: "T3", 11: "T1L", 13: "T3L"}

# At most this for peers that would take minutes, or all memory.
MOST = {
    "go": {"fib": 30, "skynet": 10**6, "nqueens": 12, "uts": 3},
    "gomp": {"fib": 33, "skynet": 10**7, "nqueens": 13, "uts": 3},
    "lomp": {"fib": 33, "skynet": 10**7, "nqueens": 13, "uts": 3},
    "tbb": {"fib": 36},
}

# What each is built from, in the order of the table.
PEERS = {
    "millrace": "millrace_WORKLOAD.c",
    "millrace_generic": "millrace_generic_WORKLOAD.c",
    "rayon": "cargo, librust-rayon-dev",
    "tbb": "g++, libtbb-dev",
    "gomp": "gcc",
    "lomp": "clang, libomp-dev",
    "go": "golang-go",
    "tokio": "cargo, librust-tokio-dev",
    "seq": "gcc",
}
ONLY_DETACHED = {"tokio"}
NOT_DETACHED = {"seq", "gomp", "lomp"}
DETACHED = {"submit", "resubmit"}


class Failed(Exception):
    """A program did not do what it should; says what."""


def size_of(workload, peer, scale):
    """The size to run, and whether it is the one asked for."""
    wanted = SIZES[workload][scale]
    most = MOST.get(peer, {}).get(workload)
    if most is None or wanted <= most:
        return wanted, True
    return most, False


def find(programs):
    """{workload: {peer: path}} of the programs that were built."""
    found = {}
    for path in glob.glob(os.path.join(programs, "fj_*_*")):
        peer, _, workload = os.path.basename(path)[3:].rpartition("_")
        if workload in SIZES and os.access(path, os.X_OK):
            found.setdefault(workload, {})[peer] = path
    return found


def missing(programs, workloads):
    """(peer, what it is built from) of those without a program although they
    could have one."""
    out = []
    for peer, source in PEERS.items():
        possible = [w for w in workloads
                    if (peer not in ONLY_DETACHED or w in DETACHED)
                    and (peer not in NOT_DETACHED or w not in DETACHED)]
        gone = [w for w in possible if peer not in programs.get(w, {})]
        if gone:
            which = "all" if gone == possible else ", ".join(gone)
            out.append((peer, which, source))
    return out


def start(path, workers, size):
    return subprocess.Popen(
        [path, "--workers", str(workers), "--size", str(size)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True)


def finish(process, seconds):
    """What the program printed, or Failed."""
    name = os.path.basename(process.args[0])
    try:
        out, err = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise Failed(f"{name} took longer than {seconds} s") from None
    complaint = err.strip().splitlines()[-1:] or ["it said nothing"]
    if process.returncode != 0:
        raise Failed(f"{name} ended with {process.returncode}: "
                     f"{complaint[0]}")
    try:
        said = json.loads(out)
    except ValueError:
        raise Failed(f"{name} printed no JSON: {out[:80]!r}") from None
    if said.get("result_ok") is not True or not said.get("seconds", 0) > 0:
        raise Failed(f"{name} came out wrong: {out.strip()}")
    return said


def run_one(path, workers, size, seconds):
    return finish(start(path, workers, size), seconds)


def run_ceiling(path, processes, size, seconds):
    """Tasks per second of so many processes with one worker, together."""
    running = [start(path, 1, size) for _ in range(processes)]
    rate, failure = 0, None
    for process in running:
        try:
            said = finish(process, seconds)
            rate += said["tasks"] / said["seconds"]
        except Failed as failed:
            failure = failed
    if failure:
        raise failure
    return rate


def measure(options, workload, peers):
    """The results of all rounds: {(peer, workers): {...}}, and failures."""
    results, failures = {}, []
    order = [p for p in PEERS if p in peers]
    order += sorted(set(peers) - set(order))
    for turn in range(options.rounds):
        shift = turn % len(order)
        for peer in order[shift:] + order[:shift]:
            size, whole = size_of(workload, peer, options.size)
            for workers in options.workers:
                if peer == "seq" and workers > 1:
                    continue
                key = (peer, workers)
                row = results.setdefault(key, {
                    "peer": peer, "workers": workers, "size": size,
                    "whole": whole, "runs": [], "ceilings": []})
                if row.get("failed"):
                    continue
                try:
                    row["runs"].append(run_one(
                        peers[peer], workers, size, options.timeout))
                    if workers > 1 and options.ceiling:
                        row["ceilings"].append(run_ceiling(
                            peers[peer], workers, size, options.timeout))
                except (Failed, OSError) as failed:
                    row["failed"] = str(failed)
                    failures.append(str(failed))
        progress(f"{workload}: round {turn + 1} of {options.rounds}")
    return results, failures


def summarize(row):
    """Adds what the table shows."""
    runs = row["runs"]
    ns = [1e9 * r["seconds"] / r["tasks"] for r in runs]
    row["ns"] = {"min": min(ns), "median": statistics.median(ns),
                 "max": max(ns)}
    row["cpu_ns"] = min(1e9 * r["cpu_seconds"] / r["tasks"] for r in runs)
    row["peak_rss_kib"] = max(r["peak_rss_kib"] for r in runs)
    row["label"] = runs[0]["peer"]
    row["unit"] = runs[0]["unit"]
    if row["ceilings"]:
        ceiling = statistics.median(row["ceilings"])
        row["ceiling"] = ceiling
        row["of_ceiling"] = 1e9 / row["ns"]["median"] / ceiling


def shown_size(workload, row):
    size = TREES.get(row["size"], row["size"]) if workload == "uts" \
        else row["size"]
    return f"{size}{'' if row['whole'] else '*'}"


def table(workload, workers, rows):
    """The lines for one number of workers, best first."""
    unit = rows[0]["unit"]
    rows = sorted(rows, key=lambda r: r["ns"]["min"])
    # Without tasks there is nothing to share: no peer, but what it costs.
    peers = [r for r in rows if r["peer"] != "seq"]
    best = peers[0]["ns"]["min"] if peers else rows[0]["ns"]["min"]
    lines = [
        f"{workload}, {workers} worker{'s' if workers > 1 else ''}",
        f"  {'peer':<18}{'size':>11}{'ns/' + unit:>12}{'median':>10}"
        f"{'max':>10}{'ratio':>8}{'of ceiling':>12}{'CPU ns':>10}"
        f"{'peak KiB':>10}"]
    for row in rows:
        ns = row["ns"]
        of = f"{row['of_ceiling']:.2f}" if "of_ceiling" in row else "-"
        lines.append(
            f"  {row['label']:<18}{shown_size(workload, row):>11}"
            f"{ns['min']:>12.2f}{ns['median']:>10.2f}{ns['max']:>10.2f}"
            f"{ns['min'] / best:>8.2f}{of:>12}{row['cpu_ns']:>10.2f}"
            f"{row['peak_rss_kib']:>10}")
    return lines


def arguments():
    parser = argparse.ArgumentParser(description="The fork-join suite.")
    parser.add_argument("--programs", default=PROGRAMS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=numbers, default=None)
    parser.add_argument("--workload", action="append", choices=SIZES)
    parser.add_argument("--peer", action="append")
    parser.add_argument("--size", default="usual",
                        choices=("quick", "usual", "large"))
    parser.add_argument("--timeout", type=int, default=300)
    parser.add_argument("--no-ceiling", dest="ceiling", action="store_false")
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be above 0")
    if options.workers is None:
        cpus = len(os.sched_getaffinity(0))
        options.workers = sorted({1, cpus})
    options.workload = options.workload or list(SIZES)
    return options


def main():
    options = arguments()
    programs = find(options.programs)
    report = {"title": "forkjoin", "rounds": options.rounds,
              "machine": machine(), "workloads": {}, "missing": [],
              "failed": []}
    m = report["machine"]
    print(f"{m['processor']}, {m['cpus']} CPUs, Linux {m['kernel']}, load "
          f"{m['load']:.2f} at the start, {options.rounds} rounds")
    if m["load"] > 0.5:
        print("The machine is busy: of these figures only CPU time and memory "
              "mean something.")
    for workload in options.workload:
        peers = {p: path for p, path in programs.get(workload, {}).items()
                 if not options.peer or p in options.peer}
        if not peers:
            continue
        results, failures = measure(options, workload, peers)
        rows = [r for r in results.values() if r["runs"]]
        for row in rows:
            summarize(row)
        for workers in options.workers:
            some = [r for r in rows if r["workers"] == workers]
            if some:
                print("\n" + "\n".join(table(workload, workers, some)))
        sys.stdout.flush()
        report["workloads"][workload] = rows
        report["failed"] += failures
    report["machine"]["load_after"] = os.getloadavg()[0]
    print(f"\nload {os.getloadavg()[0]:.2f} at the end; * less to do, as it "
          "takes so long")
    for peer, which, source in missing(programs, options.workload):
        if not options.peer or peer in options.peer:
            print(f"missing: {peer} ({which}), built from {source}")
            report["missing"].append(peer)
    for failure in report["failed"]:
        print(f"FAILED: {failure}")
    write_json(options.json, report)
    if report["failed"] or not report["workloads"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
