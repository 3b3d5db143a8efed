#!/usr/bin/env python3
"""tools/dev and Debian packages that are missing."""

import os
import unittest

import mini


class Packages(mini.Case):
    def missing(self, *names, **machine):
        self.machine(missing=names, **machine)

    def test_nothing_missing_calls_neither_apt_nor_sudo(self):
        self.machine(uid=1000)
        self.assert_works(self.dev("run"))
        self.assertEqual(self.calls(), [])

    def test_root_installs_what_is_missing_and_nothing_else(self):
        self.missing("ninja-build", "libuv1-dev", "valgrind", uid=0)
        self.assert_works(self.dev("run"), "install ninja-build libuv1-dev")
        self.assertEqual(len(self.calls()), 1, self.calls())
        self.assertTrue(self.calls()[0].endswith(
            "install --no-install-recommends ninja-build libuv1-dev"))
        self.assertEqual(self.read("missing", self.fake), "valgrind\n")

    def test_without_package_lists_they_are_fetched_first(self):
        self.missing("cmake", uid=0, apt="no-lists")
        self.assert_works(self.dev("run"))
        verbs = [next(v for v in ("update", "install") if v in call.split())
                 for call in self.calls()]
        self.assertEqual(verbs, ["install", "update", "install"])

    def test_an_ordinary_user_installs_through_sudo(self):
        self.missing("cmake", uid=1000)
        self.write("sudo-allowed", "", self.fake)
        self.assert_works(self.dev("run"))
        self.assertEqual([c.split()[0] for c in self.calls()],
                         ["sudo", "sudo", "apt-get"])

    def test_without_network_one_sentence_says_what_is_missing(self):
        self.missing("cmake", "gcc", uid=0, apt="no-network")
        done = self.dev("run")
        self.assert_one_sentence(
            done, 1, "network",
            "apt-get install --no-install-recommends cmake gcc")
        self.assertIn("apt: E: Unable to fetch", done.stdout)
        self.assertFalse(os.path.exists(self.path("build")))

    def test_without_root_and_sudo_one_sentence_says_what_is_missing(self):
        self.missing("cmake", "gcc", uid=1000)
        self.take_away("sudo")
        self.assert_one_sentence(
            self.dev("run"), 1, "no sudo",
            "apt-get install --no-install-recommends cmake gcc")
        self.assertEqual(self.calls(), [])

    def test_a_sudo_that_refuses_is_said_to(self):
        self.missing("cmake", uid=1000)
        self.assert_one_sentence(
            self.dev("run"), 1, "sudo does not let this user",
            "apt-get install --no-install-recommends cmake")
        self.assertEqual([c.split()[0] for c in self.calls()], ["sudo"])

    def test_an_apt_that_lies_is_not_believed(self):
        self.missing("cmake", uid=0, apt="lies")
        self.assert_one_sentence(self.dev("run"), 1, "cmake is missing")

    def test_a_stage_asks_only_for_what_it_needs(self):
        everything = ["clang", "valgrind", "qemu-user", "clang-format",
                      "libcriterion-dev", "shellcheck"]
        for arguments, wanted in (
                (["run"], []), (["bench"], []),
                (["test", "gcc"], ["libcriterion-dev"]),
                (["test", "aarch64"], ["qemu-user"]),
                (["check"], ["clang", "clang-format", "shellcheck"]),
                (["test"], everything)):
            self.missing(*everything, uid=1000)
            done = self.dev(*arguments)
            asked = done.stderr.rpartition("recommends ")[2].split()
            if wanted:
                self.assert_one_sentence(done, 1)
            self.assertEqual(sorted(asked) if wanted else [], sorted(wanted))

    def test_one_of_two_alternatives_is_enough(self):
        self.missing("libclang-rt-dev", "pkg-config", uid=1000)
        self.assert_works(self.dev("test", "clang"))
        self.missing("libclang-rt-dev", "libclang-rt-14-dev", uid=1000)
        self.assert_one_sentence(self.dev("test", "clang"), 1,
                                 "recommends libclang-rt-dev")

    def test_elsewhere_than_debian_it_uses_what_is_there(self):
        self.take_away("dpkg-query")
        self.assert_works(self.dev("run"), "not Debian", "mini machine")

    def test_elsewhere_than_debian_it_names_what_to_install(self):
        self.take_away("dpkg-query", "cmake")
        self.assert_one_sentence(self.dev("run"), 1, "not Debian", "ninja")

    def test_installed_but_not_on_the_path_is_said(self):
        self.take_away("ninja")
        self.assert_one_sentence(self.dev("run"), 1, "no ninja on the PATH")


if __name__ == "__main__":
    unittest.main()
