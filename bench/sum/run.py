#!/usr/bin/env python3
"""`millrace sum` beside what else digests a tree on all cores.

    bench/sum/run.py [--command FILE] [--rounds N] [--workers N]
        [--tree NAME]... [--algorithm NAME] [--cold] [--json FILE]

Round after round, all contenders in each, each round starting with the next
one: a change of the machine's speed meets all alike. Contenders:

    sum 1       millrace sum -w 1
    sum N       millrace sum -w N
    apart       N of `millrace sum -w 1` at once, a share of the tree each: the
                ceiling, what the machine gives to processes that share nothing
    sha256sum   find | xargs -P N sha256sum
    openssl     find | xargs -P N openssl dgst

Trees, made anew below a temporary directory: `small` is a copy of
/usr/include; `huge` is that and one file with four times as many bytes;
`large` is 16 files of 32 MiB. The copies lie in N directories with an equal
share of the bytes each. With --cold the kernel is told to forget what the files
hold, before each run; not their names.

Per contender: seconds, the minimum, median and maximum of the rounds, and the
CPU time of its median; the ratio to `sum N` is the median of the ratios within
each round.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

from compare import machine, write_json  # noqa: E402

ROOT = os.path.dirname(os.path.dirname(HERE))
TREES = ("small", "huge", "large")
TOOLS = {"sha256": "sha256sum", "sha1": "sha1sum", "md5": "md5sum",
         "sha512": "sha512sum", "blake2b512": "b2sum"}


def files_below(folder):
    for at, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(at, name)
            if os.path.isfile(path) and not os.path.islink(path):
                yield path


def random_file(path, size):
    block = os.urandom(1 << 20)
    with open(path, "wb") as f:
        for _ in range(size >> 20):
            f.write(block)


def make_tree(kind, folder, shares):
    """Files below folder/0 to folder/N-1; the huge one lies in the last and is
    found last."""
    places = [os.path.join(folder, str(i)) for i in range(shares)]
    held = [0] * shares
    if kind == "large":
        for i in range(16):
            where = os.path.join(places[i % shares], "large")
            os.makedirs(where, exist_ok=True)
            random_file(os.path.join(where, str(i)), 32 << 20)
        return places
    found = sorted(((os.path.getsize(p), p)
                    for p in files_below("/usr/include")), reverse=True)
    if kind == "huge":
        random = sum(size for size, _ in found) * 4 >> 20 << 20
        os.makedirs(places[-1])
        random_file(os.path.join(places[-1], "zzz-huge"), random)
        # No share is equal then: the huge one is one, the others the rest.
        held[-1] = sum(size for size, _ in found) + 1
    for size, path in found:
        i = held.index(min(held))
        held[i] += size
        to = places[i] + path
        os.makedirs(os.path.dirname(to), exist_ok=True)
        shutil.copyfile(path, to)
    return places


def forget(places):
    for place in places:
        for path in files_below(place):
            fd = os.open(path, os.O_RDONLY)
            os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(fd)


def commands(command, places, algorithm, workers):
    """Contender -> shell commands that run at the same time."""
    find = "find " + " ".join(places) + " -type f -print0 | sort -z | "
    many = f"xargs -0 -n 64 -P {workers} "
    own = f"{command} sum -a {algorithm}"
    return {
        "sum 1": [f"exec {own} -w 1 {' '.join(places)}"],
        f"sum {workers}": [f"exec {own} -w {workers} {' '.join(places)}"],
        "apart": [f"exec {own} -w 1 {place}" for place in places],
        TOOLS[algorithm]: [find + many + TOOLS[algorithm]],
        "openssl": [find + many + f"openssl dgst -{algorithm}"],
    }


def cpu_time():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(lines):
    """(seconds, CPU seconds) of these commands, at the same time."""
    before, start = cpu_time(), time.monotonic()
    running = [subprocess.Popen(["sh", "-c", line], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL) for line in lines]
    for line, one in zip(lines, running):
        if one.wait() != 0:
            sys.exit(f"failed: {line}")
    return time.monotonic() - start, cpu_time() - before


def agree(command, places, algorithm):
    """What we say, coreutils find true."""
    digests = subprocess.run([command, "sum", "-a", algorithm, *places],
                             stdout=subprocess.PIPE, check=True).stdout
    subprocess.run([TOOLS[algorithm], "--check", "--quiet"], input=digests,
                   check=True)
    return digests.count(b"\n")


def measure(kind, arguments):
    """Contender -> [(seconds, CPU seconds)] of each round."""
    with tempfile.TemporaryDirectory(prefix="millrace-bench-sum-") as folder:
        places = make_tree(kind, folder, arguments.workers)
        size = sum(os.path.getsize(path) for place in places
                   for path in files_below(place))
        count = agree(arguments.command, places, arguments.algorithm)
        print(f"{kind}: {count} files, {size / 1e6:.0f} MB, "
              f"{arguments.algorithm}, {arguments.workers} workers"
              f"{', cold' if arguments.cold else ''}", flush=True)
        what = commands(arguments.command, places, arguments.algorithm,
                        arguments.workers)
        took = {name: [] for name in what}
        names = list(what)
        for i in range(arguments.rounds):
            for k in range(len(names)):
                name = names[(i + k) % len(names)]
                if arguments.cold:
                    forget(places)
                took[name].append(run(what[name]))
        return took


def report(took, reference):
    print(f"{'':12}{'min':>9}{'median':>9}{'max':>9}{'CPU':>9}"
          f"{'of ' + reference:>14}")
    rows = {}
    for name, runs in took.items():
        wall = [w for w, _ in runs]
        ratio = statistics.median(
            w / mine for (w, _), (mine, _) in zip(runs, took[reference]))
        cpu = statistics.median(c for _, c in runs)
        rows[name] = {"min_s": min(wall), "median_s": statistics.median(wall),
                      "max_s": max(wall), "cpu_s": cpu, "ratio": ratio}
        print(f"{name:12}{min(wall):8.3f}s{statistics.median(wall):8.3f}s"
              f"{max(wall):8.3f}s{cpu:8.3f}s{ratio:14.3f}", flush=True)
    print()
    return rows


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--command", default=os.path.join(
        ROOT, "build", "release", "tools", "millrace"))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--tree", action="append", choices=TREES)
    parser.add_argument("--algorithm", default="sha256", choices=TOOLS)
    parser.add_argument("--cold", action="store_true")
    parser.add_argument("--json")
    arguments = parser.parse_args()
    results = {"title": "sum", "rounds": arguments.rounds,
               "workers": arguments.workers, "machine": machine(), "trees": {}}
    for kind in arguments.tree or TREES:
        results["trees"][kind] = report(measure(kind, arguments),
                                        f"sum {arguments.workers}")
    write_json(arguments.json, results)


if __name__ == "__main__":
    main()
