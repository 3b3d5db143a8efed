#!/usr/bin/env python3
"""Runs the HTTP responders and compares the peers.

    bench/http/run.py [--programs DIR] [--rounds N] [--seconds S]
        [--workers 1,2] [--workload NAME]... [--peer NAME]... [--quick]
        [--wrk] [--json FILE]

Round after round, all peers in each, each round starting with the next peer:
a change of the machine's speed meets all alike. A server is started for each
run and driven by http_load, which checks every byte. Medians of the rounds:

    req/s       requests a second, and its ratio to the best peer's; generator
                and server share the machine, so where they share a CPU this
                is not the server's alone
    CPU us      the server's CPU time per request: the robust figure; with its
                ratio to the best peer's, and to that of raw epoll with as many
                threads in the same rounds
    p50, p99    latency in us; in an open loop from the time a request was due,
                light and heavy requests apart
    late        how late the generator itself was, at the 99th percentile
    KiB         resident memory per idle connection: accepted, and answered
                once

--wrk drives the closed loops by wrk. A peer that was not built is named; one
that answers wrongly, drops a connection, fails or takes too long is named too,
and the exit status is 1.
"""

import argparse
import json
import os
import re
import resource
import select
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "support"))

from compare import machine, numbers, progress, write_json  # noqa: E402

PROGRAMS = os.path.join(HERE, "..", "..", "build", "release", "bench", "http")

# key: what it is called, its program and arguments, what it is built from.
# `most`: workers it can have; `only`: kinds of workloads it is for.
PEERS = {
    "millrace": {"label": "Millrace", "program": "http_millrace",
                 "source": "millrace.c"},
    "epoll": {"label": "raw epoll", "program": "http_epoll",
              "source": "epoll.c"},
    "uv": {"label": "libuv", "program": "http_uv", "most": 1,
           "source": "libuv1-dev"},
    "uv_told": {"label": "libuv, uv_queue_work", "program": "http_uv",
                "most": 1, "only": {"open"}, "arguments": ["--told"],
                "source": "libuv1-dev"},
    "asio": {"label": "Asio", "program": "http_asio",
             "source": "g++, libasio-dev or libboost-dev"},
    "go": {"label": "Go", "program": "http_go", "source": "golang-go"},
    "tokio": {"label": "Tokio", "program": "http_tokio",
              "source": "cargo, librust-tokio-dev"},
    "tokio_told": {"label": "Tokio, spawn_blocking", "program": "http_tokio",
                   "only": {"open"}, "arguments": ["--told"],
                   "source": "cargo, librust-tokio-dev"},
    "nginx": {"label": "nginx", "program": "nginx",
              "only": {"hello", "idle", "active"}, "source": "nginx-light"},
}

# `all`: with as many workers as there are CPUs only; `times`: so much longer.
WORKLOADS = {
    "hello64": {"kind": "hello", "connections": 64},
    "hello512": {"kind": "hello", "connections": 512},
    "cpu": {"kind": "cpu", "connections": 64, "path": "/work"},
    "heavy1000": {"kind": "open", "connections": 256, "rate": 1000,
                  "heavy": 0.01, "all": True, "times": 3},
    "heavy2500": {"kind": "open", "connections": 256, "rate": 2500,
                  "heavy": 0.01, "all": True, "times": 3},
    "idle": {"kind": "idle", "connections": 64, "idle": 10000, "all": True},
    "active": {"kind": "active", "connections": 10000, "all": True},
}
SAID = {
    "hello": "hello, {connections} connections",
    "cpu": "100 us of CPU per request, {connections} connections",
    "open": "1% at 20 ms of CPU, open loop at {rate}/s",
    "idle": "{idle} idle connections beside {connections}",
    "active": "hello, {connections} connections",
}

NGINX = """
worker_processes {workers};
worker_rlimit_nofile {files};
error_log stderr error;
pid {dir}/pid;
events {{ worker_connections {files}; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 1h;
    client_body_temp_path {dir};
    proxy_temp_path {dir};
    fastcgi_temp_path {dir};
    uwsgi_temp_path {dir};
    scgi_temp_path {dir};
    server {{
        listen 127.0.0.1:{port} reuseport backlog=4096;
        default_type text/plain;
        location / {{ return 200 "Hello, world\\n"; }}
    }}
}}
"""


class Failed(Exception):
    """A program did not do what it should; says what."""


# ---- Servers ----------------------------------------------------------------

def path_of(options, peer):
    """The peer's program, or None."""
    name = PEERS[peer]["program"]
    if peer == "nginx":
        return shutil.which(name, path=os.pathsep.join(
            os.get_exec_path() + ["/usr/sbin"]))
    path = os.path.join(options.programs, name)
    return path if os.access(path, os.X_OK) else None


def processor_seconds(pids):
    """Of all threads, also those that have ended: clock_getcpuclockid(3)."""
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


class Server:
    """A peer that listens, from `with` to its end."""

    def __init__(self, options, peer, workers):
        self.peer, self.label = peer, PEERS[peer]["label"]
        self.workers = workers
        self.dir = None
        self.process = None
        path = path_of(options, peer)
        if peer == "nginx":
            self.dir = tempfile.TemporaryDirectory(prefix="http-nginx-")
            self.port = free_port()
            self.command = self.nginx(path, workers)
        else:
            self.port = None
            self.command = [path, "--workers", str(workers), "--spin",
                            str(options.spin),
                            *PEERS[peer].get("arguments", [])]

    def nginx(self, path, workers):
        conf = os.path.join(self.dir.name, "nginx.conf")
        with open(conf, "w", encoding="utf-8") as f:
            f.write(NGINX.format(workers=workers, files=descriptors(),
                                 port=self.port, dir=self.dir.name))
        return [path, "-p", self.dir.name, "-c", conf, "-g", "daemon off;"]

    def __enter__(self):
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=None, text=True)
        try:
            self.wait_until_it_listens()
        except Failed:
            self.stop()
            raise
        return self

    def wait_until_it_listens(self):
        if self.port is None:
            if not select.select([self.process.stdout], [], [], 10)[0]:
                raise Failed(f"{self.label} did not listen within 10 s")
            line = self.process.stdout.readline()
            if not re.fullmatch(r"port \d+\n", line):
                raise Failed(f"{self.label} said {line!r}, not its port")
            self.port = int(line.split()[1])
            return
        # nginx listens before it has all those who answer.
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                if len(self.pids()) == self.workers:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise Failed(f"{self.label} did not listen within 5 s")

    def pids(self):
        pid = self.process.pid
        if self.dir is None:
            return [pid]
        with open(f"/proc/{pid}/task/{pid}/children", encoding="utf-8") as f:
            return [int(child) for child in f.read().split()]

    def __exit__(self, kind, *_):
        ended = self.stop()
        if ended is not None and kind is None:
            raise Failed(f"{self.label} ended by itself, with {ended}")

    def stop(self):
        """With what it had ended already, or None."""
        ended = self.process.poll()
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        if self.dir is not None:
            self.dir.cleanup()
        return ended


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def descriptors():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


# ---- Load -------------------------------------------------------------------

def run(command, seconds):
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, check=False,
                              timeout=seconds)
    except subprocess.TimeoutExpired:
        raise Failed(f"{os.path.basename(command[0])} took longer than "
                     f"{seconds} s") from None


def drive(options, server, work, turn):
    """What http_load has measured."""
    command = [os.path.join(options.programs, "http_load"),
               "--port", str(server.port),
               "--seconds", str(options.seconds * work.get("times", 1)),
               "--warmup", str(options.warmup),
               "--connections", str(work["connections"]),
               "--path", work.get("path", "/"),
               "--idle", str(work.get("idle", 0)), "--seed", str(turn)]
    for pid in server.pids():
        command += ["--server", str(pid)]
    if "rate" in work:
        command += ["--rate", str(work["rate"]), "--heavy", str(work["heavy"])]
    if server.peer == "nginx":
        command += ["--learn"]
    done = run(command, options.timeout)
    try:
        said = json.loads(done.stdout)
    except ValueError:
        said = {}
    if done.returncode != 0:
        bad = {k: said[k] for k in ("wrong", "dropped", "unanswered",
                                    "idle_lost") if said.get(k)}
        complaint = done.stderr.strip() or bad or "nothing was answered"
        raise Failed(f"{server.label}: {complaint}")
    return said


WRK = (("rate", r"Requests/sec:\s+([\d.]+)()"),
       ("p50_us", r"\s50%\s+([\d.]+)(us|ms|s)\b"),
       ("p99_us", r"\s99%\s+([\d.]+)(us|ms|s)\b"),
       ("requests", r"(\d+) requests in()"))


def drive_wrk(options, server, work):
    """The same by wrk, its warm-up counted."""
    before = processor_seconds(server.pids())
    done = run(["wrk", "-t", "1", "-c", str(work["connections"]), "-d",
                f"{max(1, round(options.seconds))}s", "--latency",
                f"http://127.0.0.1:{server.port}{work.get('path', '/')}"],
               options.timeout)
    used = processor_seconds(server.pids()) - before
    said = {}
    for name, pattern in WRK:
        found = re.search(pattern, done.stdout)
        if not found:
            raise Failed(f"wrk said no {name}: {done.stderr.strip()}")
        said[name] = float(found.group(1)) * {"ms": 1e3, "s": 1e6}.get(
            found.group(2), 1)
    if re.search(r"Socket errors|Non-2xx", done.stdout):
        raise Failed(f"{server.label}: wrk met errors")
    return {"rate": said["rate"],
            "server_cpu_us": 1e6 * used / said["requests"],
            "light": {"p50_us": said["p50_us"], "p99_us": said["p99_us"]}}


# ---- Rounds -----------------------------------------------------------------

def columns(options, work):
    """Which numbers of workers to measure this with."""
    return options.workers[-1:] if work.get("all") else options.workers


def takes_part(peer, work, workers, least):
    """With more workers than it can have, a peer is measured only where it was
    not already."""
    kinds = PEERS[peer].get("only")
    if kinds is not None and work["kind"] not in kinds:
        return False
    return workers <= PEERS[peer].get("most", workers) or workers == least


def measure(options, name, work, peers):
    """The results of all rounds: {(peer, workers): {...}}, and failures."""
    results, failures = {}, []
    all_workers = columns(options, work)
    for turn in range(options.rounds):
        shift = turn % len(peers)
        for peer in peers[shift:] + peers[:shift]:
            for workers in all_workers:
                if not takes_part(peer, work, workers, all_workers[0]):
                    continue
                row = results.setdefault((peer, workers), {
                    "peer": peer, "label": PEERS[peer]["label"],
                    "workers": workers, "runs": []})
                if row.get("failed"):
                    continue
                try:
                    with Server(options, peer, workers) as server:
                        row["runs"].append(
                            drive_wrk(options, server, work) if options.wrk
                            else drive(options, server, work, turn))
                except (Failed, OSError) as failed:
                    row["failed"] = f"{name}, {workers} workers: {failed}"
                    failures.append(row["failed"])
        progress(f"{name}: round {turn + 1} of {options.rounds}")
    return results, failures


def median(row, *keys):
    values = []
    for value in row["runs"]:
        for key in keys:
            value = value[key]
        values.append(value)
    return statistics.median(values)


def summarize(rows):
    """Adds what the table shows, to all rows of one table."""
    for row in rows:
        row["rate"] = median(row, "rate")
        row["cpu_us"] = median(row, "server_cpu_us")
        row["cpu_us_min"] = min(r["server_cpu_us"] for r in row["runs"])
        row["p50_us"] = median(row, "light", "p50_us")
        row["p99_us"] = median(row, "light", "p99_us")
        if row["runs"][0].get("heavy", {}).get("count"):
            row["heavy_p50_us"] = median(row, "heavy", "p50_us")
            row["heavy_p99_us"] = median(row, "heavy", "p99_us")
            row["late_p99_us"] = median(row, "late", "p99_us")
        if "idle_kib" in row["runs"][0]:
            row["idle_kib"] = median(row, "idle_kib")
            row["served_kib"] = median(row, "served_kib")
    best_rate = max(r["rate"] for r in rows)
    best_cpu = min(r["cpu_us"] for r in rows)
    epoll = next((r for r in rows if r["peer"] == "epoll"), None)
    for row in rows:
        row["rate_of_best"] = row["rate"] / best_rate
        row["cpu_of_best"] = row["cpu_us"] / best_cpu
        if epoll:
            row["cpu_of_epoll"] = statistics.median(
                a["server_cpu_us"] / b["server_cpu_us"]
                for a, b in zip(row["runs"], epoll["runs"]))


# ---- Tables -----------------------------------------------------------------

RATE = [("req/s", "rate", "10.0f"), ("of best", "rate_of_best", "9.2f")]
CPU = [("CPU us", "cpu_us", "9.2f"), ("min", "cpu_us_min", "8.2f"),
       ("of best", "cpu_of_best", "9.2f"),
       ("of epoll", "cpu_of_epoll", "10.2f")]
LIGHT = [("p50", "p50_us", "9.0f"), ("p99", "p99_us", "9.0f")]
HEAVY = [("heavy p50", "heavy_p50_us", "11.0f"),
         ("p99", "heavy_p99_us", "9.0f"), ("late", "late_p99_us", "8.0f")]
IDLE = [("KiB idle", "idle_kib", "10.2f"), ("served", "served_kib", "8.2f")]

# What a table shows, and by what it is sorted, least first.
TABLES = {
    "hello": (RATE + CPU + LIGHT, "cpu_us"),
    "cpu": (RATE + CPU + LIGHT, "cpu_us"),
    "open": (LIGHT + HEAVY + CPU, "p99_us"),
    "idle": (IDLE + RATE + CPU, "idle_kib"),
    "active": (RATE + CPU + LIGHT, "cpu_us"),
}


def cell(row, key, form):
    width = re.match(r"\d+", form).group()
    return f"{row[key]:{form}}" if key in row else f"{'-':>{width}}"


def table(work, workers, rows):
    shown, order = TABLES[work["kind"]]
    head = "".join(f"{title:>{re.match(r'[0-9]+', form).group()}}"
                   for title, _, form in shown)
    title = SAID[work["kind"]].format(**work)
    lines = [f"{title}, {workers} worker{'s' if workers > 1 else ''}",
             f"  {'peer':<23}{head}"]
    for row in sorted(rows, key=lambda r: r.get(order, 0)):
        lines.append(f"  {row['label']:<23}" + "".join(
            cell(row, key, form) for _, key, form in shown))
    return lines


# ---- Arguments --------------------------------------------------------------

def arguments():
    parser = argparse.ArgumentParser(description="HTTP responders.")
    parser.add_argument("--programs", default=PROGRAMS)
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--workers", type=numbers, default=None)
    parser.add_argument("--workload", action="append", choices=WORKLOADS)
    parser.add_argument("--peer", action="append", choices=PEERS)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--wrk", action="store_true")
    parser.add_argument("--timeout", type=int, default=120)
    parser.add_argument("--json", metavar="FILE")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 5)
    options.seconds = options.seconds or (0.3 if options.quick else 2.0)
    options.warmup = options.seconds / 4
    if options.rounds < 1 or options.seconds < 0.05:
        parser.error("--rounds must be above 0 and --seconds above 0.05")
    if options.wrk and not shutil.which("wrk"):
        parser.error("there is no wrk")
    if options.workers is None:
        options.workers = sorted({1, len(os.sched_getaffinity(0))})
    options.workload = options.workload or list(WORKLOADS)
    return options


def sized(options, work):
    """The workload as this run and this machine allow."""
    most = min(descriptors() - 200, 500 if options.quick else 10**6)
    return {key: min(value, most) if key in ("idle", "connections") else value
            for key, value in work.items()}


def compare(options, name, report):
    """Measures a workload and prints its tables."""
    work = sized(options, WORKLOADS[name])
    if options.wrk and work["kind"] not in ("hello", "cpu", "active"):
        return
    peers = [p for p in PEERS if path_of(options, p)
             and (not options.peer or p in options.peer)]
    if not peers:
        return
    results, failures = measure(options, name, work, peers)
    rows = [r for r in results.values() if r["runs"]]
    for workers in columns(options, work):
        some = [r for r in rows if r["workers"] == workers]
        if some:
            summarize(some)
            print("\n" + "\n".join(table(work, workers, some)))
    sys.stdout.flush()
    report["workloads"][name] = rows
    report["failed"] += failures


def calibrate(options):
    """Steps of a microsecond, for all servers alike."""
    load = os.path.join(options.programs, "http_load")
    if not os.access(load, os.X_OK):
        sys.exit(f"{load} was not built")
    done = run([load, "--calibrate"], 30)
    if done.returncode != 0:
        sys.exit("http_load --calibrate failed")
    return int(done.stdout)


def finish(options, report):
    report["machine"]["load_after"] = os.getloadavg()[0]
    print(f"\nload {os.getloadavg()[0]:.2f} at the end")
    for peer, about in PEERS.items():
        if path_of(options, peer) or (options.peer and
                                      peer not in options.peer):
            continue
        print(f"missing: {about['label']}, built from {about['source']}")
        report["missing"].append(peer)
    for failure in report["failed"]:
        print(f"FAILED: {failure}")
    write_json(options.json, report)


def main():
    options = arguments()
    options.spin = calibrate(options)
    report = {"title": "http", "rounds": options.rounds,
              "seconds": options.seconds, "spin": options.spin,
              "machine": machine(), "workloads": {}, "missing": [],
              "failed": []}
    m = report["machine"]
    print(f"{m['processor']}, {m['cpus']} CPUs, Linux {m['kernel']}, load "
          f"{m['load']:.2f} at the start, {options.rounds} rounds of "
          f"{options.seconds:g} s, {options.spin} steps a us"
          f"{', driven by wrk' if options.wrk else ''}")
    if m["load"] > 0.5:
        print("The machine is busy: of these figures only CPU time and memory "
              "mean something.")
    for name in options.workload:
        compare(options, name, report)
    finish(options, report)
    if report["failed"] or not any(report["workloads"].values()):
        sys.exit(1)


if __name__ == "__main__":
    main()
