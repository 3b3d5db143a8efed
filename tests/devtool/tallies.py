#!/usr/bin/env python3
"""What tools/dev counts, and that no failure gets lost."""

import json
import os
import time
import unittest

import mini

FAILING = """add_test(NAME fails COMMAND sh -c "echo the reason; exit 3")
"""
SKIPPING = """add_test(NAME skips COMMAND sh -c "exit 77")
set_tests_properties(skips PROPERTIES SKIP_RETURN_CODE 77)
"""


def labelled(name, label):
    return (f"add_test(NAME {name} COMMAND millrace)\n"
            f"set_tests_properties({name} PROPERTIES LABELS {label})\n")


class Tallies(mini.Case):
    def stages(self, *stages):
        done = self.dev("test", *stages)
        self.assertEqual(done.returncode, 1 if self.closing(done)[1] else 0)
        return done

    def test_all_stages_are_added_up(self):
        self.write("tests.cmake", mini.PASSING + labelled("two", "stress"))
        done = self.stages("gcc", "asan", "tsan")
        self.assertEqual(self.closing(done), (6, 0))
        for stage in ("gcc", "asan", "tsan"):
            self.assertRegex(done.stdout, rf"(?m)^{stage} +2 +0 +0 +\d+$")

    def test_a_failure_is_shown_counted_and_stops_nothing(self):
        self.write("tests.cmake", mini.PASSING + FAILING)
        done = self.stages("gcc", "asan")
        self.assertEqual(self.closing(done), (2, 2))
        self.assertIn("the reason", done.stdout)
        self.assertIn("build/log/gcc-tests-dev.log", done.stdout)

    def test_the_reasons_of_all_failures_come_again_at_the_end(self):
        long = FAILING.replace("fails", "long").replace(
            "echo the reason", "seq 1000")
        self.write("tests.cmake", mini.PASSING + FAILING + SKIPPING + long)
        done = self.stages("gcc", "asan")
        end = done.stdout[done.stdout.index("stage "):].partition("\nstage ")[2]
        self.assertEqual(end.count("the reason"), 2)
        self.assertEqual(end.count("[...]"), 2)
        self.assertEqual(end.count("\n20\n"), 2)
        self.assertNotIn("\n50\n", end)
        self.assertNotIn("skips", end)
        self.write("tests.cmake", mini.PASSING)
        self.assertNotIn("failed in", self.stages("gcc").stdout)

    def test_a_skipped_test_is_neither(self):
        self.write("tests.cmake", mini.PASSING + SKIPPING)
        done = self.stages("gcc")
        self.assertEqual(self.closing(done), (1, 0))
        self.assertRegex(done.stdout, r"(?m)^gcc +1 +0 +1 ")

    def test_single_skips_are_told_with_reason_and_stages(self):
        self.write("tests.cmake", mini.PASSING + r"""
add_test(NAME some COMMAND printf [=[skip a/b: $no "luck"\nskip this\n%s\n]=]
    "skip a/${CMAKE_C_COMPILER_ID}: why")
""")
        done = self.stages("gcc", "clang")
        self.assertEqual(self.closing(done), (4, 0))
        self.assertEqual([line for line in done.stdout.splitlines()
                          if line.startswith("skip ")],
                         ["skip a/GNU: why (gcc)",
                          'skip a/b: $no "luck" (gcc clang)',
                          "skip a/Clang: why (clang)"])
        self.write("tests.cmake", mini.PASSING)
        self.assertNotIn("\nskip ", self.stages("gcc").stdout)

    def test_a_stage_without_a_test_has_failed(self):
        self.write("tests.cmake", "")
        done = self.stages("gcc")
        self.assertEqual(self.closing(done), (0, 1))

    def test_a_stage_that_only_skips_has_failed(self):
        self.write("tests.cmake", SKIPPING)
        done = self.stages("gcc")
        self.assertEqual(self.closing(done), (0, 1))
        self.assertIn("ran no test", done.stdout)

    def test_a_test_that_was_not_built_has_failed(self):
        self.write("tests.cmake", mini.PASSING +
                   "add_test(NAME gone COMMAND ${CMAKE_BINARY_DIR}/gone)\n")
        self.assertEqual(self.closing(self.stages("gcc")), (1, 1))

    def test_what_does_not_compile_counts_and_the_next_stage_runs(self):
        self.write("main.c", mini.MAIN.replace(
            "{", "{\n#ifndef __clang__\n    retrun;\n#endif", 1))
        done = self.stages("gcc", "clang")
        self.assertEqual(self.closing(done), (1, 1))
        self.assertIn("build/dev does not build", done.stderr)

    def test_a_warning_is_an_error(self):
        self.write("CMakeLists.txt",
                   mini.CMAKE + "add_compile_options(-Wall)\n"
                   "add_library(other STATIC other.c)\n")
        self.write("other.c", "static int unused;\n")
        done = self.stages("gcc")
        self.assertEqual(self.closing(done), (0, 1))
        self.assertIn("unused", done.stdout)

    def test_stages_take_their_labels(self):
        self.write("tests.cmake", mini.PASSING + "".join(
            labelled(n, n) for n in ("install", "devtool", "valgrind", "check",
                                     "deep", "stress")))
        done = self.stages("gcc", "install", "devtool", "valgrind")
        for stage, count in (("gcc", 2), ("install", 1), ("devtool", 1),
                             ("valgrind", 1)):
            self.assertRegex(done.stdout, rf"(?m)^{stage} +{count} +0 ")

    def test_check_runs_each_checker_and_its_proof(self):
        os.makedirs(self.path("tools/check"))
        self.write("tools/check/common.py", "raise SystemExit('not me')\n")
        self.write("tools/check/good.py", "print('fine')\n")
        self.write("tools/check/bad.py", "import sys\nif not sys.argv[1:]:\n"
                   "    sys.exit('file.c:1: wrong')\n")
        done = self.dev("check")
        self.assertEqual(self.closing(done), (3, 1))
        self.assertEqual(done.returncode, 1)
        self.assertIn("file.c:1: wrong", done.stdout)

    def test_mutants_killed_pass_and_survivors_fail(self):
        self.assertEqual(self.closing(self.stages("mutants")), (0, 1))
        script = "import sys\nprint(sys.argv[1:])\n"
        self.write("tests/model/mutate.py",
                   script + "print('9 mutants: 7 killed, "
                   "2 argued equivalent, 0 survived')\n")
        done = self.stages("mutants")
        self.assertEqual(self.closing(done), (7, 0))
        self.assertRegex(done.stdout, r"(?m)^mutants +7 +0 +2 ")
        self.assertIn("['--sample', '20', '--jobs', '2']",
                      self.read("build/log/mutants.log"))
        self.write("tests/model/mutate.py", script +
                   "print('6 killed, 1 survived')\nsys.exit(1)\n")
        self.assertEqual(self.closing(self.stages("mutants")), (6, 1))
        self.write("tests/model/mutate.py", "raise OSError\n")
        self.assertEqual(self.closing(self.stages("mutants")), (0, 1))

    def test_soak_ends_in_time_and_at_the_first_failure(self):
        self.write("tests.cmake", mini.PASSING +
                   labelled("one", "stress") + labelled("all", "soak"))
        started = time.monotonic()
        done = self.dev("soak", SOAK_SECONDS="4")
        self.assertGreater(time.monotonic() - started, 3)
        rounds = done.stdout.count("dev: soak: round ")
        self.assertEqual(self.closing(done), (1 + 3 * rounds, 0))
        self.write("tests.cmake", mini.PASSING)
        self.assertEqual(self.closing(self.dev("soak", SOAK_SECONDS="9")),
                         (0, 4))

    def test_prove_is_deep_models_all_mutants_and_a_soak(self):
        self.write("tests.cmake", labelled("a", "deep") +
                   labelled("b", "stress") + labelled("c", "soak"))
        self.write("tests/model/mutate.py", "import sys\n"
                   "print('1 killed')\n"
                   "sys.exit(sys.argv[1:] != ['--all', '--jobs', '2'])\n")
        done = self.dev("prove", SOAK_SECONDS="1")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"(?m)^deep-models +1 +0 ")
        self.assertRegex(done.stdout, r"(?m)^all-mutants +1 +0 ")
        self.assertRegex(done.stdout, r"(?m)^soak +\d+ +0 ")


class Bench(mini.Case):
    PROGRAM = """#include <stdio.h>
#include <string.h>
int main(int argc, char **argv)
{
    return argc != 2 || strcmp(argv[1], "--json") || puts(SAYS) < 0;
}
"""

    def bench(self, says):
        self.write("b.c", self.PROGRAM.replace("SAYS", says))
        self.write("tests.cmake", """add_executable(bench_b b.c)
set_target_properties(bench_b PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench)
""")
        return self.dev("bench")

    def test_results_are_kept(self):
        self.assert_works(self.bench(r'"{\"ns\": 2.5}"'), "1 benchmarks ran")
        result = json.loads(self.read("build/bench/bench_b.json"))
        self.assertEqual(result, {"ns": 2.5})

    def test_what_is_not_json_is_refused(self):
        self.assert_one_sentence(self.bench('"2.5 ns"'), 1, "bench_b",
                                 "not JSON")

    def test_no_benchmark_is_a_failure(self):
        self.assert_one_sentence(self.dev("bench"), 1, "no benchmark")

    def test_sum_is_compared_with_the_command_that_was_built(self):
        for status in (0, 1):
            self.write("bench/sum/run.py", "import sys\n"
                       "print('driven:', *sys.argv[1:])\n"
                       f"sys.exit({status})\n")
            done = self.dev("bench", "sum")
            self.assertEqual(done.returncode, status,
                             done.stdout + done.stderr)
            self.assertRegex(done.stdout, "driven: --command .*/tools/millrace "
                             "--json .*/sum.json")
        self.assertIn("sum failed", done.stderr)

    def test_files_are_read_by_the_program_that_was_built(self):
        self.write("b.c", self.PROGRAM.replace("SAYS", '"{}"'))
        self.write("tests.cmake", """add_executable(bench_files b.c)
set_target_properties(bench_files PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bench/files)
add_custom_target(bench_files_peers DEPENDS bench_files)
""")
        self.assert_works(self.dev("bench", "files"), "bench_files.json")
        self.assertEqual(json.loads(self.read("build/bench/bench_files.json")),
                         {})

    def compared(self, suite, target, status, builds):
        """With one peer that cannot be installed, and a driver that says
        what it was given."""
        self.machine(missing=["librust-tokio-dev"], uid=0, apt="no-network")
        self.write("tests.cmake", f"add_custom_target({target} COMMAND "
                   f"{builds})\n")
        self.write(f"bench/{suite}/run.py", "import sys\n"
                   "print('driven:', *sys.argv[1:])\n"
                   f"sys.exit({status})\n")
        return self.dev("bench", suite)

    SUITES = (("forkjoin", "bench_peers"), ("http", "bench_http_peers"))

    def test_suites_go_on_without_a_peer(self):
        for suite, target in self.SUITES:
            for builds in ("true", "false"):
                self.assert_works(self.compared(suite, target, 0, builds),
                                  "going on without librust-tokio-dev",
                                  "driven: --programs ", f"{suite}.json")

    def test_suites_fail_when_their_driver_does(self):
        for suite, target in self.SUITES:
            done = self.compared(suite, target, 1, "true")
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertIn(f"{suite} failed", done.stderr)


if __name__ == "__main__":
    unittest.main()
