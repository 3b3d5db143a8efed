#!/usr/bin/env python3
"""coverage.py ROOT BUILD: which lines of src/ and tools/ the tests ran, by
file, from the counters that a build of the preset "coverage" left."""

import collections
import glob
import json
import os
import subprocess
import sys


def counted(build):
    """(source file, line, times) of every line in every object."""
    for counters in glob.glob(build + "/**/*.gcda", recursive=True):
        done = subprocess.run(
            ["gcov", "--json-format", "--stdout", counters], cwd=build,
            capture_output=True, check=True)
        for text in done.stdout.splitlines():
            for file in json.loads(text)["files"]:
                for line in file["lines"]:
                    yield file["file"], line["line_number"], line["count"]


def main(root, build):
    ran = collections.defaultdict(dict)
    for name, line, times in counted(build):
        path = os.path.relpath(os.path.join(build, name), root)
        if path.startswith(("src/", "tools/")):
            ran[path][line] = ran[path].get(line, 0) + times
    if not ran:
        sys.exit("there are no counters: did any test run?")
    total = {"all": 0, "run": 0}
    for path in sorted(ran):
        lines = len(ran[path])
        run = sum(1 for times in ran[path].values() if times)
        total["all"] += lines
        total["run"] += run
        missed = [str(n) for n in sorted(ran[path]) if not ran[path][n]]
        print(f"{100 * run // lines:3}% of {lines:4}  {path}"
              + (f"  not: {' '.join(missed[:12])}" if missed else "")
              + (" ..." if len(missed) > 12 else ""))
    print(f"{100 * total['run'] // total['all']:3}% of {total['all']:4}  all")


if __name__ == "__main__":
    main(*map(os.path.abspath, sys.argv[1:]))
