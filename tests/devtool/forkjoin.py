#!/usr/bin/env python3
"""bench/forkjoin/run.py, with programs that only say what they are told."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))))
RUN = os.path.join(ROOT, "bench", "forkjoin", "run.py")

class ForkJoin(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.TemporaryDirectory()
        self.addCleanup(self.dir.cleanup)

    # Two workers take 0.6 of the time of one.
    def program(self, peer, seconds=1.0, ok=True, status=0, workload="fib",
                said=None):
        line = {"peer": peer.upper(), "workload": workload, "tasks": 10**9,
                "unit": "spawn", "result_ok": ok, "cpu_seconds": 1.0,
                "peak_rss_kib": 1000}
        path = os.path.join(self.dir.name, f"fj_{peer}_{workload}")
        with open(path, "w", encoding="utf-8") as f:
            f.write(f"""#!{sys.executable}
import json, sys
line = {line!r}
workers, line["size"] = int(sys.argv[2]), int(sys.argv[4])
line["seconds"] = {seconds} * (1 if workers == 1 else 0.6)
print({said!r} or json.dumps(line))
sys.exit({status})
""")
        os.chmod(path, 0o755)

    def run_suite(self, *arguments):
        out = os.path.join(self.dir.name, "out.json")
        done = subprocess.run(
            [sys.executable, RUN, "--programs", self.dir.name, "--rounds", "2",
             "--workers", "1,2", "--workload", "fib", "--json", out,
             *arguments], capture_output=True, text=True, check=False)
        report = None
        if os.path.exists(out):
            with open(out, encoding="utf-8") as f:
                report = json.load(f)
        return done, report

    def row(self, report, peer, workers):
        return next(r for r in report["workloads"]["fib"]
                    if (r["peer"], r["workers"]) == (peer, workers))

    def test_peers_are_compared_and_held_against_their_ceiling(self):
        self.program("rayon", 2.0)
        self.program("go", 4.0)
        done, report = self.run_suite()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.row(report, "rayon", 1)["ns"],
                         {"min": 2.0, "median": 2.0, "max": 2.0})
        self.assertAlmostEqual(self.row(report, "go", 2)["of_ceiling"],
                               1 / 1.2)
        self.assertRegex(done.stdout, r"GO +30\* +4\.00 .* 2\.00 ")

    def test_what_is_missing_is_named_and_no_error(self):
        self.program("rayon")
        done, report = self.run_suite()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertIn("missing: tbb (all), built from", done.stdout)
        self.assertIn("go", report["missing"])
        self.assertNotIn("rayon", report["missing"])

    def test_without_any_program_it_fails(self):
        done, _ = self.run_suite()
        self.assertEqual(done.returncode, 1)

    def test_who_is_wrong_is_named_and_the_others_go_on(self):
        for wrong in ({"ok": False}, {"status": 1}, {"said": "nonsense"}):
            self.program("rayon")
            self.program("go", **wrong)
            done, report = self.run_suite()
            self.assertEqual(done.returncode, 1)
            self.assertIn("FAILED: fj_go_fib", done.stdout)
            self.assertEqual(self.row(report, "rayon", 1)["ns"]["min"], 1)


if __name__ == "__main__":
    unittest.main()
