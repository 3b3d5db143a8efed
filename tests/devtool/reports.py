#!/usr/bin/env python3
"""tests/support/reports.sh: what a test program must say to have passed."""

import os
import shutil
import subprocess
import tempfile
import unittest

import mini

SUPPORT = os.path.join(mini.ROOT, "tests", "support")
PASSES = "TEST(a, passes) { EXPECT(true); }\n"
SKIPS = 'TEST(a, skips) { SKIP("no luck here"); }\n'
FAILS = "TEST(a, fails) { EXPECT(false); }\n"
CRASHES = "TEST(a, crashes) { abort(); }\n"
LEAVES = "TEST(a, leaves) { exit(0); }\n"


class Reports(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="reports-")
        self.addCleanup(shutil.rmtree, self.dir, True)
        self.program = os.path.join(self.dir, "program")

    def run_it(self):
        done = subprocess.run([os.path.join(SUPPORT, "reports.sh"),
                               self.program], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        return done.returncode, done.stdout

    def script(self, text):
        with open(self.program, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(self.program, 0o755)
        return self.run_it()

    def both(self, tests):
        """What becomes of these tests with Criterion and with runner.c."""
        source = os.path.join(self.dir, "tests.c")
        with open(source, "w", encoding="utf-8") as f:
            f.write('#include "test.h"\n' + tests)
        for how in (["-lcriterion"],
                    ["-DMR_TEST_PLAIN", os.path.join(SUPPORT, "runner.c")]):
            subprocess.run(["gcc", f"-I{SUPPORT}", "-o", self.program, source,
                            *how], check=True)
            yield self.run_it()

    def test_a_program_with_a_test_that_passes(self):
        for tests in (PASSES, PASSES + SKIPS):
            for status, _ in self.both(tests):
                self.assertEqual(status, 0)

    def test_a_program_that_skips_all(self):
        for status, said in self.both(SKIPS):
            self.assertEqual(status, 77)
            self.assertEqual(said.count("skip a/skips: no luck here\n"), 1)

    def test_a_program_without_tests(self):
        for status, _ in self.both(""):
            self.assertEqual(status, 1)

    def test_a_failure_beside_what_passes_and_skips(self):
        for status, _ in self.both(PASSES + SKIPS + FAILS):
            self.assertEqual(status, 1)

    def test_a_failure_beside_nothing_but_skips(self):
        for status, _ in self.both(SKIPS + FAILS):
            self.assertEqual(status, 1)

    def test_a_crash(self):
        for status, _ in self.both(SKIPS + CRASHES):
            self.assertNotIn(status, (0, 77))

    def test_a_test_that_leaves_with_success(self):
        # Criterion lets it pass: with it, such a test ends only itself.
        _, (status, _) = self.both(SKIPS + PASSES + LEAVES)
        self.assertEqual(status, 1)

    def test_an_empty_program(self):
        status, said = self.script("")
        self.assertEqual(status, 1)
        self.assertIn("ran no test", said)

    def test_a_program_that_cannot_be_run(self):
        self.assertNotIn(self.run_it()[0], (0, 77))

    def test_statuses_are_passed_on_but_the_one_for_skips(self):
        good = "echo 3 passed, 0 failed, 0 skipped\n"
        self.assertEqual(self.script(good)[0], 0)
        self.assertEqual(self.script(good + "exit 9")[0], 9)
        self.assertEqual(self.script("exit 77")[0], 1)
        status, said = self.script(good + "kill -SEGV $$")
        self.assertEqual(status, 139)
        self.assertIn("ended by signal 11", said)

    def test_what_is_said_is_passed_on_at_once_and_to_the_end(self):
        with subprocess.Popen([os.path.join(SUPPORT, "reports.sh"), "sh", "-c",
                               "echo first; read wait; printf 'last  \\\\x'"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as running:
            self.assertEqual(running.stdout.readline(), "first\n")
            rest, _ = running.communicate("go on\n")
        self.assertTrue(rest.startswith("last  \\x"), rest)


if __name__ == "__main__":
    unittest.main()
