#!/usr/bin/env python3
"""tools/dev called in a way it does not know: one sentence, status 2, and
nothing done."""

import os
import unittest

import mini


class Calls(mini.Case):
    def misused(self, arguments, *parts, **environment):
        done = self.dev(*arguments, **environment)
        self.assert_one_sentence(done, 2, *parts)
        self.assertEqual(done.stdout, "")
        self.assertFalse(os.path.exists(self.path("build")))

    def test_unknown_verb_is_named_and_the_known_ones_listed(self):
        self.misused(["frobnicate"], "frobnicate", "run test bench check")

    def test_no_verb_is_asked_for(self):
        self.misused([], "run test bench check")

    def test_empty_verb_is_unknown(self):
        self.misused([""], "run test bench check")

    def test_two_verbs_in_one_word_are_unknown(self):
        self.misused(["run test"], "'run test'")

    def test_junk_after_any_verb_is_named(self):
        for verb in ("run", "bench", "check", "prove", "soak", "help",
                     "coverage"):
            self.misused([verb, "--fast"], f"'{verb}'", "'--fast'")

    def test_unknown_stage_is_named_and_the_known_ones_listed(self):
        self.misused(["test", "asan", "warp"], "'warp'", "tsan")

    def test_numbers_must_be_numbers(self):
        self.misused(["soak"], "SOAK_SECONDS", "'soon'", SOAK_SECONDS="soon")
        self.misused(["run"], "JOBS", "'0'", JOBS="0")
        self.misused(["test"], "MUTANTS", "'-3'", MUTANTS="-3")
        self.misused(["run"], "JOBS", "''", JOBS="")

    def test_help_lists_every_verb(self):
        done = self.dev("help")
        self.assert_works(done)
        for verb in ("run", "test", "bench", "check", "prove", "soak"):
            self.assertRegex(done.stdout, rf"(?m)^  {verb}\b")

    def test_help_is_given_wherever_it_is_asked_for(self):
        said = self.dev("help").stdout
        for call in (["--help"], ["-h"], ["run", "-h"], ["test", "--help"],
                     ["test", "gcc", "--help"]):
            done = self.dev(*call)
            self.assert_works(done)
            self.assertEqual(done.stdout, said)
            self.assertFalse(os.path.exists(self.path("build")))

    def shell(self, redirected):
        """tools/dev called by a shell that closes or redirects."""
        return self.dev(before=["sh", "-c", f'exec "$0" {redirected}'])

    def test_nothing_is_done_where_nobody_can_hear(self):
        for verb in ("run", "help", "test"):
            self.assert_one_sentence(self.shell(f"{verb} >&-"), 1,
                                     "the standard output is closed")
            self.assertEqual(self.shell(f"{verb} >&- 2>&-").returncode, 1)
        self.assertFalse(os.path.exists(self.path("build")))

    def test_a_full_standard_output_ends_it(self):
        self.assert_one_sentence(self.shell("run >/dev/full"), 1,
                                 "the standard output cannot be written")

    def test_a_closed_standard_error_changes_no_status(self):
        self.assertEqual(self.shell("frob 2>&-").returncode, 2)
        self.assertEqual(self.shell("soak --fast 2>&-").returncode, 2)
        self.assert_works(self.shell("run 2>&-"), "doctor on a mini machine")
        self.assert_works(self.shell("run <&-"), "doctor on a mini machine")

    def test_works_from_any_directory_and_in_a_path_with_a_space(self):
        self.assert_works(self.dev("run"), "doctor on a mini machine")


if __name__ == "__main__":
    unittest.main()
