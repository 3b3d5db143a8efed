#!/usr/bin/env python3
"""tools/dev and build directories in every state they are found in."""

import fcntl
import os
import re
import shutil
import signal
import time
import unittest

import mini

CACHE = "build/release/CMakeCache.txt"


class Builds(mini.Case):
    def run_once(self):
        self.assert_works(self.dev("run"))
        self.write("build/release/marker", "")

    def assert_recovers(self, why):
        """It runs, says why it starts afresh, and has wiped."""
        done = self.dev("run")
        self.assert_works(done, f"dev: build/release {why}",
                          "starting it afresh", "doctor on a mini machine")
        self.assertFalse(os.path.exists(self.path("build/release/marker")))

    def edit_cache(self, entry, value):
        text = self.read(CACHE)
        changed = re.sub(rf"(?m)^({entry}:\w+)=.*", rf"\1={value}", text)
        self.assertNotEqual(changed, text)
        self.write(CACHE, changed)

    def test_a_second_run_keeps_what_is_built(self):
        self.run_once()
        done = self.dev("run")
        self.assert_works(done)
        self.assertNotIn("afresh", done.stdout)
        self.assertTrue(os.path.exists(self.path("build/release/marker")))
        self.assertEqual(self.read("build/log/build-release.log").count("["),
                         0, "something was compiled again")

    def test_interrupted_before_the_cache_was_written(self):
        self.write("build/release/CMakeFiles/x", "")
        self.write("build/release/marker", "")
        self.assert_recovers("was left half configured")

    def test_interrupted_before_the_build_file_was_written(self):
        self.run_once()
        os.unlink(self.path("build/release/build.ninja"))
        self.assert_recovers("was left half configured")

    def test_a_cache_cut_short(self):
        self.run_once()
        self.write(CACHE, self.read(CACHE)[:300])
        self.assert_recovers("was made for an unknown generator")

    def test_made_by_another_generator(self):
        self.run_once()
        self.edit_cache("CMAKE_GENERATOR", "Unix Makefiles")
        self.assert_recovers("was made for Unix Makefiles")

    def test_made_for_another_tree(self):
        self.run_once()
        self.edit_cache("CMAKE_HOME_DIRECTORY", "/usr")
        self.assert_recovers("belongs to /usr")

    def test_moved_with_the_whole_tree(self):
        self.run_once()
        moved = os.path.join(self.dir, "moved")
        os.rename(self.tree, moved)
        self.tree = moved
        self.assert_recovers("belongs to ")

    def test_made_with_another_compiler(self):
        self.run_once()
        self.edit_cache("CMAKE_C_COMPILER", "/usr/bin/clang")
        self.assert_recovers("was made with /usr/bin/clang, not with gcc")

    def test_a_build_file_cut_short(self):
        self.run_once()
        text = self.read("build/release/build.ninja")
        self.write("build/release/build.ninja", text[:len(text) // 2] + "x")
        self.assert_works(self.dev("run"), "doctor on a mini machine")

    def test_an_object_cut_short(self):
        self.run_once()
        # As after a power cut: ninja itself rebuilds what is newer than it
        # remembers.
        name = "build/release/CMakeFiles/millrace.dir/main.c.o"
        before = os.stat(self.path(name)).st_mtime_ns
        self.write(name, "\x7fELF")
        os.utime(self.path(name), ns=(before, before))
        os.unlink(self.path("build/release/tools/millrace"))
        self.assert_recovers("is damaged")

    def damage(self, how):
        """The command, without its time telling of it."""
        name = self.path("build/release/tools/millrace")
        before = os.stat(name)
        how(name)
        os.utime(name, ns=(before.st_atime_ns, before.st_mtime_ns))

    def test_a_program_without_a_byte(self):
        self.run_once()
        self.damage(lambda name: os.truncate(name, 0))
        self.assert_recovers("has a damaged program, tools/millrace")

    def test_a_program_without_its_end(self):
        self.run_once()
        self.damage(lambda name: os.truncate(name, 4096))
        self.assert_recovers("has a damaged program, tools/millrace")

    def test_a_program_of_zeros(self):
        self.run_once()

        def fill(name):
            size = os.path.getsize(name)
            os.truncate(name, 0)
            os.truncate(name, size)
        self.damage(fill)
        self.assert_recovers("has a damaged program, tools/millrace")

    def test_a_program_that_a_shell_would_run(self):
        self.run_once()
        self.damage(lambda name: self.write(name, "exit 0\n"))
        self.assert_recovers("has a damaged program, tools/millrace")

    def test_a_program_that_is_never_one_is_said_once(self):
        self.write("tests.cmake", "add_custom_command(TARGET millrace "
                   "POST_BUILD COMMAND truncate -s 0 $<TARGET_FILE:millrace>)")
        done = self.dev("run")
        self.assert_one_sentence(done, 1, "built afresh, build/release still "
                                 "has a damaged program, tools/millrace")
        self.assertEqual(done.stdout.count("afresh"), 1)

    def test_tests_without_a_byte_are_built_again_and_run(self):
        self.write("tests.cmake", "add_executable(t main.c)\n"
                   "add_test(NAME t COMMAND t)\n")
        self.assert_works(self.dev("test", "gcc"))
        os.truncate(self.path("build/dev/t"), 0)
        done = self.dev("test", "gcc")
        self.assert_works(done, "build/dev has a damaged program, t;")
        self.assertGreater(os.path.getsize(self.path("build/dev/t")), 0)

    def test_a_configuration_that_cannot_be_repeated(self):
        self.run_once()
        self.write("CMakeLists.txt", mini.CMAKE.replace(
            "enable_testing()", "if(EXISTS ${CMAKE_BINARY_DIR}/marker)\n"
            "message(FATAL_ERROR no)\nendif()\nenable_testing()"))
        self.assert_recovers("could not be configured again")

    def test_killed_while_configuring(self):
        self.write("CMakeLists.txt", mini.CMAKE.replace(
            "enable_testing()", "if(NOT EXISTS ${CMAKE_SOURCE_DIR}/quick)\n"
            "file(TOUCH ${CMAKE_BINARY_DIR}/reached)\n"
            "execute_process(COMMAND sleep 600)\nendif()\n"
            "enable_testing()"))
        with self.start("run") as running:
            while not os.path.exists(self.path("build/release/reached")) \
                    and running.poll() is None:
                time.sleep(0.05)
            os.killpg(running.pid, signal.SIGKILL)
        self.write("quick", "")
        self.write("build/release/marker", "")
        self.assert_recovers("was left half configured")

    def test_source_that_does_not_compile_is_shown_and_not_wiped(self):
        self.run_once()
        self.write("main.c", mini.MAIN.replace("return", "retrun"))
        done = self.dev("run")
        self.assert_one_sentence(done, 1, "build/release does not build",
                                 "build/log/build-release.log")
        self.assertIn("retrun", done.stdout)
        self.assertTrue(os.path.exists(self.path("build/release/marker")))

    def test_a_broken_cmake_file_is_shown(self):
        self.write("CMakeLists.txt", mini.CMAKE + "nonsense()\n")
        done = self.dev("run")
        self.assert_one_sentence(done, 1, "build/release cannot be configured",
                                 "build/log/configure-release.log")
        self.assertIn('Unknown CMake command "nonsense"', done.stdout)

    def test_a_file_in_the_place_of_a_directory(self):
        self.write("build/release", "precious")
        self.assert_one_sentence(self.dev("run"), 1, "not a directory")
        self.assertEqual(self.read("build/release"), "precious")
        shutil.rmtree(self.path("build"))
        self.write("build", "precious")
        self.assert_one_sentence(self.dev("run"), 1, "cannot write to")

    def test_two_at_once_take_turns(self):
        self.run_once()
        with open(self.path("build/.lock"), "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with self.start("run") as running:
                first = running.stdout.readline()
                self.assertIn("another tools/dev is at work", first)
                self.assertIsNone(running.poll())
                fcntl.flock(lock, fcntl.LOCK_UN)
                rest, complaints = running.communicate()
        self.assertEqual(running.returncode, 0, complaints)
        self.assertIn("doctor on a mini machine", rest)


if __name__ == "__main__":
    unittest.main()
