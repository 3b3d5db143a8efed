#!/usr/bin/env python3
"""Does the checker's own machinery work? Each check here would fail if the
part it looks at did nothing.

Usage: selftest.py DIRECTORY-WITH-THE-MODEL-PROGRAMS
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = pathlib.Path(sys.argv[1])
failures = []


def run(program, *args):
    done = subprocess.run([BUILD / f"model_{program}", *args],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    return done.returncode, done.stdout


def check(name, condition, shown=""):
    print(f"{'ok  ' if condition else 'FAIL'} {name}")
    if not condition:
        failures.append(name)
        print(shown)


def sites(program, file):
    _, out = run(program, "--sites", "--quiet")
    found = re.findall(r"^(\d+) (\S+):(\d+) (\S+) (\S+) (\d+)$", out, re.M)
    return [(int(i), op, order, int(line), int(n))
            for i, path, line, op, order, n in found if path.endswith(file)]


def lines_of(file, text):
    path = ROOT / "tests/model" / file
    return [n for n, line in enumerate(path.read_text().splitlines(), 1)
            if text in line]


def index_of(program, file, text, op):
    lines = lines_of(file, text)
    return ",".join(str(i) for i, o, _, line, _ in sites(program, file)
                    if line in lines and o == op)


# All ways to search agree with the outcome lists, so with each other.
code, out = run("litmus", "--bound", "1000")
check("litmus at a high bound reaches the same outcomes", code == 0, out)
code, out = run("litmus", "--bound", "1000", "--full")
check("litmus without any reduction reaches the same outcomes", code == 0, out)

code, out = run("litmus", "--random", "20000", "--quiet")
check("random priorities find every planted fault", code == 0, out)

# An outcome too many, and one too few, are both red.
fences = index_of("litmus", "litmus/fence.c",
                  "SIDES(total, relaxed, relaxed, mri_fence_seq_cst())",
                  "fence")
code, out = run("litmus", "--only", "sb_fences", "--weaken",
                fences + ":acq_rel", "--quiet")
check("a forbidden outcome is red", code == 1 and
      "outcome 00 was reached and is forbidden" in out, out)

code, out = run("litmus", "--only", "sb_fences", "--weaken",
                fences + ":acq_rel", "--quiet", "--random", "2000")
check("a forbidden outcome is red in a sample too", code == 1 and
      "outcome 00 was reached and is forbidden" in out, out)

loads = index_of("litmus", "litmus/message.c",
                 "s->r[0] = mri_load_relaxed(&s->y);", "load")
code, out = run("litmus", "--only", "mp_release_relaxed", "--weaken",
                loads + ":acquire", "--quiet")
check("an allowed outcome that is never reached is red", code == 1 and
      "outcome 10 is allowed and was never reached" in out, out)

big, big_out = run("event_count", "--only", "2_and_2", "--seconds", "0.05",
                   "--quiet")
check("a search cut short is red", big == 1 and "not exhausted" in big_out,
      big_out)

# A failing execution can be seen again, and is the same one.
fence = index_of("event_count", "textbook/event_count.c",
                 "mri_fence_seq_cst();", "fence")
weak = ["--only", "event_count_1_and_1", "--weaken", fence + ":acq_rel"]
code, out = run("event_count", *weak)
replay = re.search(r"--replay (\S+)", out)
check("a failure prints a trace and a replay string", code == 1 and replay and
      "sleep  on epoch" in out, out)
if replay:
    trace = re.findall(r"^ +\d+ thread .*$", out, re.M)
    code, again = run("event_count", *weak, "--replay", replay.group(1))
    check("the replay string brings the same execution back", code == 1 and
          re.findall(r"^ +\d+ thread .*$", again, re.M) == trace, again)
    code, fine = run("event_count", *weak[:2], "--replay", replay.group(1))
    check("and without the mutant it does not exist",
          "lost wake-up" not in fine and "thread 0" in fine, fine)

code, out = run("litmus", "--no-such-option")
check("an unknown option is a usage error", code == 2, out)
for wrong in (["--bound", "x"], ["--random", "0"], ["--random", "abc"]):
    code, out = run("litmus", *wrong)
    check(f"{' '.join(wrong)} is a usage error", code == 2, out)
code, out = run("litmus", "--only", "no_such_model")
check("no model at all is red", code == 1 and "0 passed" in out, out)

# The shadow headers offer exactly what the real ones do.


def vocabulary(path):
    text = (ROOT / path).read_text()
    return set(re.findall(r"\b(mri_(?!atomic|container)\w+)\(", "\n".join(
        re.findall(r"^#define (mri_\w+\()", text, re.M) +
        re.findall(r"^(?:MRI_INLINE )?void (mri_\w+\()", text, re.M))))


for header in ("base/atomic.h", "os/barrier.h"):
    real = vocabulary(f"src/{header}")
    shadow = vocabulary(f"tests/model/shadow/{header}")
    check(f"the shadow of {header} has the same words", real == shadow and real,
          f"only one of the two: {sorted(real ^ shadow)}")

print(f"{'FAILED' if failures else 'all'}: {len(failures)} failed")
sys.exit(1 if failures else 0)
