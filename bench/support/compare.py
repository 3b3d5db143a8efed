"""What the run.py of every comparison shares."""

import argparse
import json
import os
import sys


def machine():
    """What a report says of where it was made."""
    model = "unknown processor"
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    return {"processor": model, "cpus": len(os.sched_getaffinity(0)),
            "kernel": os.uname().release, "load": os.getloadavg()[0]}


def progress(text):
    """To stderr, by the name of the comparison, run.py's folder."""
    name = os.path.basename(os.path.dirname(os.path.abspath(sys.argv[0])))
    print(f"{name}: {text}", file=sys.stderr, flush=True)


def numbers(text):
    """An argument: "1,2", each above 0; in order, none twice."""
    try:
        values = sorted({int(t) for t in text.split(",")})
    except ValueError:
        values = [0]
    if min(values) < 1:
        raise argparse.ArgumentTypeError(f"no numbers above 0: '{text}'")
    return values


def write_json(path, report):
    """Nothing without a path."""
    if path:
        with open(path, "w", encoding="utf-8") as f:
            json.dump(report, f, indent=1)
            f.write("\n")
