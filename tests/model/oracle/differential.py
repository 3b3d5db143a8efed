#!/usr/bin/env python3
"""Random programs through the checker and through the oracle: the two sets of
outcomes must be the same, in both of the checker's exhaustive ways.

Usage: differential.py DIRECTORY-WITH-model_oracle
           [--programs N] [--seed S] [--most M] [--no-self-test]

Exit status: 0 no disagreement; 1 one (it is printed); 2 usage, or the checker
did not answer.
"""
import argparse
import collections
import functools
import multiprocessing
import pathlib
import re
import subprocess
import sys
import time

import oracle
from generate import Generator

WAYS = {"sleep sets": ["--unbounded"], "no reduction": ["--bound", "1000"]}
SECONDS = "20"  # the checker's patience with one program

Answer = collections.namedtuple("Answer", "outcomes executions failure")


def ask_checker(binary, programs, *options):
    """An Answer for each program."""
    done = subprocess.run(
        [binary, "--outcomes", "--quiet", "--seconds", SECONDS, *options],
        input="".join(p + "\n" for p in programs), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    found = re.findall(
        r"^(ok|FAIL) +program +(\d+) executions .*/s  (.*)\noutcomes(.*)$",
        done.stdout, re.M)
    if len(found) != len(programs):
        sys.exit(f"the checker answered {len(found)} of {len(programs)} "
                 f"programs:\n{done.stdout[-2000:]}")
    return [Answer(set(texts.split()), int(n), why if ok == "FAIL" else None)
            for ok, n, why, texts in found]


def show(program, expected, reached, way):
    print(f"DISAGREEMENT ({way}):")
    for t, thread in enumerate(program.split("|")):
        print(f"  thread {t}:")
        for op in thread.split(";"):
            print(f"    {op.strip()}")
    print("  outcomes: what was read, in the order of the text / last x,y,z")
    for text in sorted(expected - reached):
        print(f"  {text}  allowed by the oracle, missed by the checker")
    for text in sorted(reached - expected):
        print(f"  {text}  forbidden by the oracle, reached by the checker")
    print(f"  as text: {program}", flush=True)


class Comparison:
    def __init__(self, binary, jobs=1, axioms=oracle.AXIOMS, options=()):
        self.binary, self.axioms = binary, axioms
        self.options, self.jobs = options, jobs
        self.programs = self.outcomes = self.skipped = 0
        self.executions = collections.Counter()
        self.disagreements = []

    def expected(self, programs):
        work = functools.partial(oracle.outcomes, axioms=self.axioms)
        if self.jobs == 1:
            return [work(p) for p in programs]
        with multiprocessing.Pool(self.jobs) as pool:
            return pool.map(work, programs, chunksize=4)

    def run(self, programs):
        """False at the first disagreement."""
        answers = {way: ask_checker(self.binary, programs, *flags,
                                    *self.options)
                   for way, flags in WAYS.items()}
        for i, expected in enumerate(self.expected(programs)):
            self.programs += 1
            self.outcomes += len(expected)
            for way in WAYS:
                self.judge(programs[i], expected, answers[way][i], way)
        return not self.disagreements

    def judge(self, program, expected, answer, way):
        self.executions[way] += answer.executions
        if answer.failure == "not exhausted" and answer.outcomes <= expected:
            self.skipped += 1
        elif answer.failure or answer.outcomes != expected:
            self.disagreements.append((program, expected, answer, way))

    def show(self, most=1):
        for program, expected, answer, way in self.disagreements[:most]:
            if answer.failure:
                print(f"the checker failed: {answer.failure}")
            show(program, expected, answer.outcomes, way)

    def summary(self):
        runs = ", ".join(f"{self.executions[w]} executions with {w}"
                         for w in WAYS)
        return (f"{self.programs} programs, {self.outcomes} outcomes, {runs}, "
                f"{self.skipped} searches cut short, "
                f"{len(self.disagreements)} disagreements")


def compare(args):
    generator = Generator(args.seed, args.most)
    total = Comparison(args.binary, args.jobs)
    start = time.monotonic()
    left = args.programs
    while left > 0 and (args.all or not total.disagreements):
        batch = [generator.program() for _ in range(min(left, 200))]
        left -= len(batch)
        total.run(batch)
    total.show(most=args.all or 1)
    print(f"{total.summary()}, {time.monotonic() - start:.0f} s")
    # A search that is cut short has been compared in one direction only.
    return not total.disagreements and total.skipped * 50 <= total.programs


# ---- Would it notice? -------------------------------------------------------

def sites(binary):
    """Which operations the checker could be told to weaken: index, op, order."""
    done = subprocess.run([binary, "--sites", "--quiet"], input="", text=True,
                          stdout=subprocess.PIPE)
    return re.findall(r"^(\d+) \S+interpreter\.c:\d+ (\S+) (\S+) \d+$",
                      done.stdout, re.M)


# One program for each axiom; without the axiom the sets must differ.
PROBES = {
    "coherence": "W.rlx x 1; R.rlx x | W.rlx x 2; R.rlx x",
    "atomicity": "A.rlx x 1 | A.rlx x 1",
    "sc": "W.rlx x 1; F.sc; R.rlx y | W.rlx y 1; F.sc; R.rlx x",
    "fence-sync": "W.rlx x 1; F.rel; W.rlx y 1 | R.rlx y; F.acq; R.rlx x",
}

WEAKER = {"acquire": "relaxed", "release": "relaxed", "acq_rel": "relaxed",
          "seq_cst": "acq_rel"}


def self_test(args):
    """Break the oracle by an axiom, and the checker by an operation."""
    fine = True
    for axiom, probe in PROBES.items():
        whole = Comparison(args.binary).run([probe])
        broken = Comparison(args.binary, axioms=oracle.AXIOMS - {axiom})
        noticed = not broken.run([probe])
        fine &= whole and noticed
        print(f"{'ok  ' if whole and noticed else 'FAIL'} an oracle without "
              f"{axiom} is noticed")
    programs = [Generator(1, 6).program() for _ in range(0)]
    generator = Generator(1, 6)
    programs = [generator.program() for _ in range(args.probes)]
    for index, op, order in sites(args.binary):
        # The two halves of F.acq_rel stand at sites of their own.
        weaker = "none" if op == "fence" and order != "seq_cst" \
            else WEAKER.get(order)
        if weaker is None:
            continue
        broken = Comparison(args.binary,
                            options=["--weaken", f"{index}:{weaker}"])
        noticed = not broken.run(programs)
        fine &= noticed
        print(f"{'ok  ' if noticed else 'FAIL'} a checker that takes {op} "
              f"{order} (place {index}) for {weaker} is noticed")
    return fine


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--programs", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--most", type=int, default=7,
                        help="memory operations in a program")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--all", type=int, default=0, metavar="N",
                        help="go on after a disagreement, and show N")
    parser.add_argument("--probes", type=int, default=80)
    parser.add_argument("--self-test", action="store_true")
    args = parser.parse_args()
    args.binary = args.build / "model_oracle"
    fine = compare(args)
    if args.self_test:
        fine &= self_test(args)
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
