#!/usr/bin/env python3
"""Break the code under test on purpose, one small way at a time, and see
whether its models notice.

Two kinds of mutants:
  order   every operation of a source with its order weakened by one step. The
          checker does this at run time (--weaken), so nothing is compiled.
  logic   listed in tests/model/mutants/PROGRAM.toml: a text replaced by
          another, compiled into a copy of the program.

A mutant is killed when a model fails, for a reason other than running out of
time or into a limit of the checker. Operations of the same kind and order on
one line are weakened together. One that survives must stand in tests/model/EQUIVALENT.md, under a
heading «FILE, FUNCTION: `the line`: OP ORDER -> WEAKER» or «FILE: logic: NAME»,
with the argument why it changes nothing. An entry there that matches no
survivor is an error too, and so is an operation that no model executes.

Exit status: 0 all killed or argued away; 1 not; 2 usage or a build that fails.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import random
import re
import shlex
import subprocess
import sys
import tempfile
import time
import tomllib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

# One step down, per operation. An acq_rel one can lose either half.
WEAKER = {
    "acquire": ["relaxed"],
    "release": ["relaxed"],
    "acq_rel": ["acquire", "release"],
}
FENCE_WEAKER = {
    "acquire": ["none"],
    "release": ["none"],
    "seq_cst": ["acq_rel"],
}

Mutant = collections.namedtuple("Mutant", "program kind file text change spec")
Result = collections.namedtuple("Result", "mutant verdict by seconds")


class Broken(Exception):
    """What keeps the driver from doing its work, in one sentence."""


def run(argv, **kw):
    return subprocess.run(argv, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **kw)


def source_line(path, number):
    lines = path.read_text().splitlines()
    return " ".join(lines[number - 1].split()) if number <= len(lines) else ""


def function_at(path, number):
    """The function that a line is in: the last name before a parenthesis
    that starts in the first column."""
    for line in reversed(path.read_text().splitlines()[:number]):
        found = re.match(r"[a-zA-Z_].*?(\w+)\(", line)
        if found:
            return found.group(1)
    return "?"


def weaker_orders(op, order):
    if op in ("fence",):
        return FENCE_WEAKER.get(order, [])
    if op == "light":
        return ["none"]
    if op == "heavy":
        return ["acq_rel"]
    steps = list(WEAKER.get(order, []))
    if op.startswith("cas") and order in ("acquire", "acq_rel"):
        steps.append("fail")  # only the failure order loses its acquire
    return steps


class Program:
    """One program of models, and the sources whose mutants it must kill."""

    def __init__(self, spec_path, build):
        spec = tomllib.loads(spec_path.read_text())
        self.name = spec["program"]
        self.sources = [ROOT / s for s in spec["sources"]]
        self.logic = spec.get("logic", [])
        self.build = build
        self.binary = build / "tests/model" / f"model_{self.name}"
        if not self.binary.exists():
            raise Broken(f"{self.binary} is not built")

    def sites(self):
        done = run([self.binary, "--sites", "--quiet"])
        out = done.stdout
        if done.returncode != 0 and not re.search(r"^FAIL", out, re.M):
            raise Broken(f"{self.name} does not run: {out.strip()[-200:]}")
        if done.returncode != 0:
            raise Broken(f"{self.name} fails without any mutant:\n" +
                         "\n".join(re.findall(r"^FAIL.*$", out, re.M)))
        groups = collections.OrderedDict()
        for m in re.finditer(r"^(\d+) (\S+):(\d+) (\S+) (\S+) (\d+)$", out,
                             re.M):
            index, file, line, op, order, executed = m.groups()
            path = pathlib.Path(file).resolve()
            if path not in self.sources:
                continue
            key = (path, int(line), op, order)
            found = groups.setdefault(key, {"indices": [], "executed": 0})
            found["indices"].append(index)
            found["executed"] += int(executed)
        return groups

    def order_mutants(self):
        unexecuted = []
        if not self.sources:  # logic alone
            return
        sites = self.sites()
        if self.sources and not sites:
            raise Broken(f"{self.name} has no operation in its sources")
        for (path, line, op, order), site in sites.items():
            text = source_line(path, line)
            if site["executed"] == 0:
                unexecuted.append(f"{path.name}:{line}: {text}")
            for weaker in weaker_orders(op, order):
                where = f"{path.name}, {function_at(path, line)}"
                yield Mutant(self.name, "order", where, text,
                             f"{op} {order} -> {weaker}",
                             ",".join(site["indices"]) + ":" + weaker)
        if unexecuted:
            raise Broken(f"no model of {self.name} executes: " +
                         "; ".join(unexecuted))

    def logic_mutants(self):
        for entry in self.logic:
            yield Mutant(self.name, "logic", pathlib.Path(entry["file"]).name,
                         "logic", entry["name"], entry)

    # ---- Building a logic mutant -----------------------------------------

    def compile_commands(self):
        entries = json.loads((self.build / "compile_commands.json").read_text())
        mark = f"CMakeFiles/model_{self.name}.dir/"
        return [e for e in entries if mark in e["command"]]

    def link_command(self):
        out = run(["ninja", "-C", self.build, "-t", "commands",
                   f"tests/model/model_{self.name}"]).stdout
        return [l for l in out.splitlines() if l.strip()][-1]

    def build_mutant(self, entry, where):
        original = ROOT / entry["file"]
        text = original.read_text()
        old, new = entry["from"].strip("\n"), entry["to"].strip("\n")
        if text.count(old) != 1:
            raise Broken(f"{entry['file']} has the text of «{entry['name']}» "
                         f"{text.count(old)} times, not once")
        for base in (ROOT / "src", HERE):
            if original.is_relative_to(base):
                overlay = where / original.relative_to(base)
        overlay.parent.mkdir(parents=True, exist_ok=True)
        overlay.write_text(text.replace(old, new))
        link = self.link_command()
        for number, command in enumerate(self.compile_commands()):
            argv = shlex.split(command["command"])
            out = argv[argv.index("-o") + 1]
            mutated = where / f"{number}.o"
            argv[argv.index("-o") + 1] = str(mutated)
            source = pathlib.Path(command["file"])
            if source == original:
                argv[-1] = str(overlay)
            argv[1:1] = ["-I", str(where), "-w"]
            done = run(argv, cwd=command["directory"])
            if done.returncode != 0:
                raise Broken(f"«{entry['name']}» does not compile:\n"
                             + done.stdout)
            link = link.replace(out, str(mutated))
        program = where / "mutant"
        link = re.sub(r"-o \S*model_" + self.name + r"\b", f"-o {program}", link)
        done = run(["sh", "-c", link], cwd=self.build)
        if done.returncode != 0 or not program.exists():
            raise Broken(f"«{entry['name']}» does not link:\n{done.stdout}")
        return program

    # ---- Judging ---------------------------------------------------------

    def judge(self, mutant, options):
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as where:
            argv = [self.binary]
            if mutant.kind == "logic":
                argv = [self.build_mutant(mutant.spec, pathlib.Path(where))]
            else:
                argv += ["--weaken", mutant.spec]
            argv += ["--quiet", "--fail-fast", "--seconds",
                     str(options.seconds)]
            if options.deep:
                argv.append("--deep")
            out = run(argv).stdout
        verdict, by = self.verdict(out)
        return Result(mutant, verdict, by, time.monotonic() - start)

    @staticmethod
    def verdict(out):
        fail = re.search(r"^FAIL (\S+) .*?/s  (.*)$", out, re.M)
        if fail:
            name, why = fail.groups()
            if why == "not exhausted":
                return "out of time", name
            if "limit of the checker" in why:
                return "at a limit", f"{name}: {why}"
            return "killed", f"{name}: {why}"
        if re.search(r"^\d+ passed, 0 failed$", out, re.M):
            return "survived", ""
        raise Broken("a program of models does not run: " +
                     out.strip()[-200:])


def equivalents():
    """Heading -> whether it was needed."""
    path = HERE / "EQUIVALENT.md"
    if not path.exists():
        return {}
    return {h.strip(): False
            for h in re.findall(r"^## (.+)$", path.read_text(), re.M)}


def heading(mutant):
    if mutant.kind == "logic":
        return f"{mutant.file}: logic: {mutant.change}"
    return f"{mutant.file}: `{mutant.text}`: {mutant.change}"


def report(results, argued, options):
    bad = []
    for r in sorted(results, key=lambda r: r.mutant[:3]):
        verdict = r.verdict
        if verdict == "survived" and heading(r.mutant) in argued:
            argued[heading(r.mutant)] = True
            verdict = "equivalent"
        elif verdict != "killed":
            bad.append(r)
        print(f"{verdict:<11} {r.seconds:7.2f} s  {heading(r.mutant)}")
        if options.verbose and r.by:
            print(f"{'':23}{r.by}")
        if verdict in ("out of time", "at a limit"):
            print(f"{'':23}{r.by}")
    killed = sum(r.verdict == "killed" for r in results)
    stale = [h for h, used in argued.items() if not used]
    print(f"{len(results)} mutants: {killed} killed, "
          f"{len(results) - killed - len(bad)} argued equivalent, "
          f"{len(bad)} survived")
    if options.all and not options.program:
        for h in stale:
            print(f"EQUIVALENT.md argues for a mutant that is not there or is "
                  f"killed: {h}")
            bad.append(h)
    return 1 if bad else 0


def select(mutants, options):
    if options.all:
        return mutants
    random.Random(options.seed).shuffle(mutants)
    return mutants[:options.sample]


def parse():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    which = p.add_mutually_exclusive_group()
    which.add_argument("--all", action="store_true", help="every mutant")
    which.add_argument("--sample", type=int, default=20, metavar="N")
    p.add_argument("--seed", default="", help="of the sample; default: HEAD")
    p.add_argument("--deep", action="store_true", help="deep bounds")
    p.add_argument("--seconds", type=float, default=120, help="per model")
    p.add_argument("--jobs", type=int, default=os.cpu_count())
    p.add_argument("--build", type=pathlib.Path, default=ROOT / "build/model")
    p.add_argument("--verbose", action="store_true", help="say what killed it")
    p.add_argument("program", nargs="*", help="only these")
    options = p.parse_args()
    if not options.seed:
        options.seed = run(["git", "-C", ROOT, "rev-parse", "HEAD"]).stdout
    options.build = options.build.resolve()
    return options


def main():
    options = parse()
    programs = {}
    for path in sorted((HERE / "mutants").glob("*.toml")):
        if not options.program or path.stem in options.program:
            p = Program(path, options.build)
            programs[p.name] = p
    if not programs:
        raise Broken("no such program: " + " ".join(options.program))
    mutants = [m for p in programs.values()
               for m in [*p.order_mutants(), *p.logic_mutants()]]
    mutants = select(mutants, options)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(
            lambda m: programs[m.program].judge(m, options), mutants))
    return report(results, equivalents(), options)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Broken as broken:
        print(f"mutate: {broken}", file=sys.stderr)
        sys.exit(2)
