#!/usr/bin/env python3
"""Random programs through the checker and through the oracle: the two sets of
outcomes must be the same, in all of the checker's exhaustive ways; and at low
preemption bounds the checker's own, with its reduction and without.

Usage: differential.py DIRECTORY-WITH-model_oracle
           [--programs N] [--seed S] [--most M] [--jobs J] [--self-test]

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

WAYS = {"sleep sets": ["--unbounded"],
        "no reduction": ["--bound", "1000", "--full"]}
LOW_BOUNDS = (0, 1, 2)
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


def expected_of(programs, jobs=1, axioms=oracle.AXIOMS):
    """The oracle's sets."""
    work = functools.partial(oracle.outcomes, axioms=axioms)
    if jobs == 1:
        return [work(p) for p in programs]
    with multiprocessing.Pool(jobs) as pool:
        return pool.map(work, programs, chunksize=4)


class Comparison:
    def __init__(self, binary, options=()):
        self.binary, self.options = binary, options
        self.programs = self.outcomes = self.skipped = 0
        self.executions = collections.Counter()
        self.disagreements = []

    def run(self, programs, expected):
        """Whether all agree."""
        self.programs += len(programs)
        self.outcomes += sum(map(len, expected))
        for way, flags in WAYS.items():
            answers = ask_checker(self.binary, programs, *flags, *self.options)
            for one in zip(programs, expected, answers):
                self.judge(*one, way)
        return not self.disagreements

    def run_low_bounds(self, programs):
        """The reduction of a bounded search drops no outcome."""
        for bound in LOW_BOUNDS:
            flags = ["--bound", str(bound), *self.options]
            full = ask_checker(self.binary, programs, *flags, "--full")
            reduced = ask_checker(self.binary, programs, *flags)
            for program, all_of_it, answer in zip(programs, full, reduced):
                self.judge(program, all_of_it.outcomes, answer,
                           f"bound {bound}")

    def judge(self, program, expected, answer, way):
        self.executions[way] += answer.executions
        if answer.failure == "not exhausted" and answer.outcomes <= expected:
            self.skipped += 1
        elif answer.failure or answer.outcomes != expected:
            self.disagreements.append((program, expected, answer, way))

    def show(self, most):
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
    total = Comparison(args.binary)
    start = time.monotonic()
    left = args.programs
    while left > 0 and (args.all or not total.disagreements):
        batch = [generator.program() for _ in range(min(left, 200))]
        left -= len(batch)
        total.run(batch, expected_of(batch, args.jobs))
        total.run_low_bounds(batch)
        print(f"{total.summary()}, {time.monotonic() - start:.0f} s",
              flush=True)
    total.show(args.all or 1)
    # A search that is cut short has been compared in one direction only.
    return not total.disagreements and total.skipped * 50 <= total.programs


# ---- Would it notice? -------------------------------------------------------

# One program for each axiom; without the axiom the sets must differ.
AXIOM_PROBES = {
    "coherence": "W.rlx x 1; R.rlx x | W.rlx x 2; R.rlx x",
    "atomicity": "A.rlx x 1 | A.rlx x 1",
    "sc": "W.rlx x 1; F.sc; R.rlx y | W.rlx y 1; F.sc; R.rlx x",
    "fence-sync": "W.rlx x 1; F.rel; W.rlx y 1 | R.rlx y; F.acq; R.rlx x",
}

# Message passing in all words, and what takes a seq_cst fence or its like.
SENDERS = ["W.rel y 1", "F.rel; W.rlx y 1", "F.acq_rel; W.rlx y 1",
           "A.rel y 1", "A.acq_rel y 1", "C.rel y 0 1", "C.acq_rel y 0 1"]
RECEIVERS = ["R.acq y", "R.rlx y; F.acq", "R.rlx y; F.acq_rel", "A.acq y 1",
             "A.acq_rel y 1", "C.acq y 1 2", "C.acq_rel y 1 2",
             "C.acq y 0 2", "C.acq_rel y 0 2"]
WORD_PROBES = [f"W.rlx x 1; {a} | {b}; R.rlx x"
               for a in SENDERS for b in RECEIVERS] + [
    f"W.rlx x 1; {a}; R.rlx y | W.rlx y 1; {b}; R.rlx x"
    for a, b in [("F.sc", "F.sc"), ("L", "H")]]

# Once the two disagreed on these: the checker took seq_cst fences to be ordered
# as they execute, and a light fence took from another what a heavy one saw.
FOUND = [
    "W.rlx z 1; F.sc; W.rlx x 1 | R.rlx x; W.rlx y 1 | R.rlx y; F.sc; R.rlx z",
    "W.rel x 3; F.sc; A.acq_rel y 1; F.sc; A.acq y 3 | C.rel y 2 2; W.rlx z 3"
    " | R.rlx z; F.sc; R.rlx x",
    "W.rel x 2; L; R.acq y | W.rlx y 2; H; R.acq z | W.rlx z 3; L; R.acq x",
    "R.acq z; W.rlx x 3; L; W.rel y 1 | W.rlx y 3; L; W.rlx z 1"
    " | R.rlx z; H; R.rlx x",
]

WEAKER = {
    ("load", "acquire"): ["relaxed"], ("store", "release"): ["relaxed"],
    ("add", "acquire"): ["relaxed"], ("add", "release"): ["relaxed"],
    ("add", "acq_rel"): ["acquire", "release"],
    ("cas", "acquire"): ["relaxed", "fail"], ("cas", "release"): ["relaxed"],
    ("cas", "acq_rel"): ["acquire", "release", "fail"],
    ("fence", "acquire"): ["none"], ("fence", "release"): ["none"],
    ("fence", "seq_cst"): ["acq_rel"], ("light", "seq_cst"): ["none"],
    ("heavy", "seq_cst"): ["acq_rel"],
}


def mutants(binary):
    """Every operation of the interpreter weakened, as an option and words."""
    done = subprocess.run([binary, "--sites", "--quiet"], input="", text=True,
                          stdout=subprocess.PIPE)
    for index, op, order in re.findall(
            r"^(\d+) \S*interpreter\.c:\d+ (\S+) (\S+) \d+$", done.stdout,
            re.M):
        for weaker in WEAKER.get((op, order), []):
            yield f"{index}:{weaker}", f"{op} {order} for {weaker}"


def check(fine, what):
    print(f"{'ok  ' if fine else 'FAIL'} {what}", flush=True)
    return fine


def self_test(args):
    """Break the oracle by an axiom, and the checker by an operation."""
    fine = True
    for axiom, probe in AXIOM_PROBES.items():
        broken = expected_of([probe], axioms=oracle.AXIOMS - {axiom})
        fine &= check(not Comparison(args.binary).run([probe], broken),
                      f"an oracle without {axiom} is noticed")
    expected = expected_of(WORD_PROBES)
    fine &= check(Comparison(args.binary).run(WORD_PROBES, expected),
                  "the probes agree")
    fine &= check(Comparison(args.binary).run(FOUND, expected_of(FOUND)),
                  "what once disagreed agrees")
    known = 0
    for option, what in mutants(args.binary):
        known += 1
        broken = Comparison(args.binary, ["--weaken", option])
        fine &= check(not broken.run(WORD_PROBES, expected),
                      f"a checker that takes {what} is noticed")
    return fine & check(known >= len(WEAKER), "every operation was weakened")


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
    parser.add_argument("--self-test", action="store_true")
    args = parser.parse_args()
    args.binary = args.build / "model_oracle"
    fine = compare(args)
    if args.self_test:
        fine &= self_test(args)
    sys.exit(0 if fine else 1)


if __name__ == "__main__":
    main()
