#!/usr/bin/env python3
"""tools/dev as an ordinary user, who may write to the tree or may not.
Run by root, these tests become `nobody`."""

import os
import shutil
import subprocess
import sys
import unittest

import mini

sys.path.insert(0, os.path.join(mini.ROOT, "tools", "check"))
import common  # noqa: E402, pylint: disable=wrong-import-position

BECOME = ["setpriv", f"--reuid={mini.NOBODY}", f"--regid={mini.NOBODY}",
          "--clear-groups"] if os.getuid() == 0 else []


class User(mini.Case):
    def setUp(self):
        super().setUp()
        # Everything as it is on this machine: nothing needs faking.
        for name in mini.FAKES:
            os.unlink(os.path.join(self.fake, "bin", name))

    def give(self, tree):
        if BECOME:
            subprocess.run(["chown", "-R", f"{mini.NOBODY}:{mini.NOBODY}",
                            tree], check=True)

    def take(self, tree):
        if not BECOME:
            subprocess.run(["chmod", "-R", "a-w", tree], check=True)
            self.addCleanup(subprocess.run, ["chmod", "-R", "u+w", tree],
                            check=True)

    def as_user(self, *arguments, **options):
        return self.dev(*arguments, before=BECOME, HOME=self.dir, **options)

    def test_needs_no_privileges_where_the_packages_are(self):
        self.give(self.tree)
        self.assert_works(self.as_user("run"), "doctor on a mini machine")

    def test_a_tree_that_is_read_only(self):
        self.take(self.tree)
        self.assert_one_sentence(self.as_user("run"), 1, "cannot write to")

    def test_a_build_directory_of_somebody_else(self):
        self.assert_works(self.dev("run"))
        if BECOME:
            subprocess.run(["chown", "-R", str(mini.NOBODY),
                            self.path("build/log"), self.path("build/.lock")],
                           check=True)
            os.chmod(self.path("build"), 0o777)
        else:
            self.take(self.path("build/release"))
        self.assert_one_sentence(self.as_user("run"), 1,
                                 "cannot write to build/release")

    def test_this_very_tree_is_built_and_the_doctor_speaks(self):
        tree = os.path.join(self.dir, "millrace")
        for name in common.files(mini.ROOT):
            target = os.path.join(tree, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copy(os.path.join(mini.ROOT, name), target)
        self.give(tree)
        done = self.as_user("run", tree=tree)
        self.assert_works(done, "dev: run millrace doctor\n")
        said = done.stdout.partition("dev: run millrace doctor\n")[2]
        self.assertRegex(said, r"(?i)cpus")


if __name__ == "__main__":
    unittest.main()
