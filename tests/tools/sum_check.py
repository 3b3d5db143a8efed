#!/usr/bin/env python3
"""`millrace sum --check` beside `sha256sum --check`."""

import json
import re
import unittest

from sum_case import OddCase, ODD, Case, sha256

FLAGS = [[], ["--quiet"], ["--status"], ["--strict"], ["--warn"],
         ["--ignore-missing"], ["--ignore-missing", "--quiet"],
         ["--strict", "--warn", "--ignore-missing"]]


def same_words(text):
    """What either says on stderr, without the program's name; theirs quote a
    name as a shell would have it, ours as a list."""
    return re.sub(rb"^(sha256sum|millrace sum): |['\\\\]", b"", text,
                  flags=re.MULTILINE)


class Check(Case):
    def setUp(self):
        super().setUp()
        for name in ("good", "bad", "also good", "bare"):
            self.write(name, name)
        good, bad = sha256(b"good"), sha256(b"other")
        bare, also = sha256(b"bare"), sha256(b"also good")
        self.lists = {
            "good": f"{good}  good\n",
            "binary": f"{good} *good\n",
            "upper": f"{good.upper()}  good\n",
            "no newline": f"{good}  good",
            "return": f"{good}  good\r\n",
            "blanks": f" \t{good}  good\n",
            "comments": f"# a\n\n{good}  good\n\n#b\n",
            "bad": f"{bad}  bad\n",
            "two bad": f"{bad}  bad\n{bad}  good\n{good}  good\n",
            "missing": f"{good}  gone\n",
            "two missing": f"{good}  gone\n{good}  good\n{good}  away\n",
            "directory": f"{good}  .\n",
            "all": f"{bad}  bad\nx\n{good}  gone\n{good}  good\ny\n",
            "empty": "",
            "only comments": "# nothing\n",
            "garbage": "garbage\n",
            "short": f"{good[:-1]}  good\n",
            "long": f"{good}0  good\n",
            "no hex": f"{'g' * 64}  good\n",
            "no name": f"{good}  \n{good}\n{good} \n",
            "tag": f"SHA256 (good) = {good}\nSHA256 (also good) = {also}\n",
            "bad tag": f"SHA256 (good) = {bad}\n",
            "openssl": f"SHA256(good)= {good}\n",
            "tag without digest": "SHA256 (good) =\nSHA256 (good)\nSHA256 (\n",
            "short tag": f"SHA256 (good) = {good[:-2]}\n",
            "other tag": f"SHA777 (good) = {good}\n",
            "reversed": f"{good} good\n{bare} bare\n",
            "mixed": f"{good} good\n{good}  good\n",
            "mixed too": f"{good}  good\n{good} good\n",
            "escaped": f"\\{good}  go\\\\od\n\\{good}  go\\xod\n",
            "nul": f"{good}  good\0x\n",
        }
        for name, text in self.lists.items():
            self.write(f"lists/{name}", text)

    def both(self, *arguments, data=b""):
        theirs = self.coreutils("sha256sum", "--check", *arguments, data=data)
        ours = self.sum("--check", *arguments, data=data)
        return ours, theirs

    def test_status_and_words_are_those_of_coreutils(self):
        for name in self.lists:
            for flags in FLAGS:
                with self.subTest(name=name, flags=flags):
                    ours, theirs = self.both(*flags, f"lists/{name}")
                    self.assertEqual(ours.stdout, theirs.stdout)
                    self.assertEqual(same_words(ours.stderr),
                                     same_words(theirs.stderr))
                    self.assertEqual(ours.returncode, theirs.returncode)

    def test_a_list_comes_from_standard_input_too(self):
        for name, text in self.lists.items():
            for arguments in ([], ["-"]):
                ours, theirs = self.both(*arguments, data=text.encode())
                self.assertEqual(ours.stdout, theirs.stdout, name)
                self.assertEqual(same_words(ours.stderr),
                                 same_words(theirs.stderr), name)
                self.assertEqual(ours.returncode, theirs.returncode, name)

    def test_a_dash_in_a_list_is_standard_input(self):
        self.write("list", f"{sha256(b'text')}  -\n")
        ours, theirs = self.both("list", data=b"text")
        self.expect(ours, 0, theirs.stdout, b"")

    def test_many_lists_have_each_its_warnings(self):
        for names in (["good", "bad", "missing"], ["bad", "gone", "garbage"],
                      ["good", "good"]):
            ours, theirs = self.both(*[f"lists/{name}" for name in names])
            self.assertEqual(ours.stdout, theirs.stdout)
            self.assertEqual(same_words(ours.stderr),
                             same_words(theirs.stderr))
            self.assertEqual(ours.returncode, theirs.returncode)

    def test_a_directory_is_no_list(self):
        self.expect(self.sum("-c", "."), 1, b"",
                    b"millrace sum: .: read error\n")

    def test_a_tag_says_which_algorithm_unless_one_is_given(self):
        text = b""
        for tool in ("md5sum", "sha1sum", "sha512sum", "b2sum", "sha256sum"):
            text += self.coreutils(tool, "--tag", "good").stdout
        for name in ("sha3-256", "blake2s256", "sha256", "sm3"):
            text += self.coreutils("openssl", "dgst", f"-{name}", "good").stdout
        self.assertEqual(text.count(b"\n"), 9)
        self.expect(self.sum("-c", "--strict", data=text), 0, b"good: OK\n" * 9)
        done = self.sum("-c", "-a", "sha512", data=text)
        self.expect(done, 0, b"good: OK\n",
                    b"millrace sum: WARNING: 8 lines are improperly "
                    b"formatted\n")

    def test_the_results_are_told_as_json(self):
        done = self.sum("-c", "--json", "lists/all")
        self.expect(done, 1)
        report = json.loads(done.stdout)
        self.assertEqual([f["result"] for f in report["files"]],
                         ["FAILED", "FAILED open or read", "OK"])
        self.assertEqual(report["summary"]["mismatched"], 1)
        self.assertEqual(report["summary"]["misformatted"], 2)


class RoundTrip(OddCase):
    def test_what_coreutils_wrote_is_read_whatever_it_is_called(self):
        for flags in ([], ["--tag"], ["-b"]):
            names = [b"tree/" + name for name in ODD]
            written = self.coreutils("sha256sum", *flags, "--", *names).stdout
            self.write("list", written)
            ours = self.sum("-c", "--strict", "list")
            self.expect(ours, 0,
                        self.coreutils("sha256sum", "-c", "list").stdout, b"")

    def test_what_we_wrote_is_read_by_us(self):
        for flags in (["-a", "md5"], ["--tag"], ["-a", "blake2b512"],
                      ["--tag", "-a", "sha3-512"]):
            self.write("list", self.sum(*flags, "tree").stdout)
            given = [f for f in flags if f != "--tag"]
            done = self.sum("-c", "--strict", "--quiet", *given, "list")
            self.expect(done, 0, b"", b"")


if __name__ == "__main__":
    unittest.main()
