#!/usr/bin/env python3
"""Sizes that keep a room liveable: files are talked about from 400 lines and
split by 600, functions end by 60. Prints the medians and what is near."""

import re
import statistics

import common

WHERE = ("src/", "include/", "tools/", "tests/support/", "tests/model/")
CODE = (".c", ".h", ".S", ".py", ".sh", "tools/dev")
FILE_WARN, FILE_FAIL = 400, 600
FUNCTION_MAX, FUNCTION_MEDIAN = 60, 12

# Before the `{` of a function stands its parameter list, maybe attributes.
NOT_A_FUNCTION = re.compile(
    r"(^|[\s;}])(struct|union|enum)\s*\w*\s*$|=\s*$|\bextern\s*\"\"\s*$")
# The last word before a parenthesis, macros such as TEST(suite, name) too.
NAME = re.compile(r"(\w+)\s*\(([^()]*)")


def without_preprocessor(text):
    """Directives emptied, lines kept. Where a branch of #if leaves braces
    open, the other branches are emptied too, so that braces stay paired."""
    out, opened, skipping, braces = [], [], 0, 0
    for line in re.sub(r"\\\n", "\\\\\0", text).split("\n"):
        directive = re.match(r"\s*#\s*(\w+)", line)
        word = directive.group(1) if directive else ""
        if word in ("if", "ifdef", "ifndef"):
            opened.append(braces)
        elif word in ("else", "elif") and opened and not skipping:
            skipping = len(opened) if braces != opened[-1] else 0
        elif word == "endif" and opened:
            if skipping == len(opened):
                skipping = 0
            opened.pop()
        keep = not word and not skipping
        if keep:
            braces += line.count("{") - line.count("}")
        out.append(line if keep else "")
        out += [""] * line.count("\0")
    return "\n".join(out)


def name_of(head):
    match = NAME.search(re.sub(r"__attribute__\s*\(\(.*?\)\)", "", head))
    if not match:
        return None
    arguments = match.group(2).replace(",", ".").replace(" ", "")
    return f"{match.group(1)}({arguments})" if match.group(1).isupper() \
        else match.group(1)


def functions(text):
    """(name, first line, lines) of each function defined in C text. A brace
    pair that opens extern "C" or a namespace is looked into."""
    code = without_preprocessor(common.strip_c(text))
    depth, head_at, line, current = 0, 0, 1, None
    for at, char in enumerate(code):
        if char == "\n":
            line += 1
        elif char == "{":
            head = code[head_at:at]
            if depth == 0 and re.search(r"\bextern\s*\"\"\s*$", head):
                head_at = at + 1
                continue
            if depth == 0 and "(" in head and not NOT_A_FUNCTION.search(head):
                lead = len(head) - len(head.lstrip())
                first = code.count("\n", 0, head_at + lead) + 1
                current = (name_of(head), first)
            depth += 1
        elif char == "}":
            depth = max(depth - 1, 0)
            if depth == 0 and current:
                yield (*current, line - current[1] + 1)
                current = None
            if depth == 0:
                head_at = at + 1
        elif char == ";" and depth == 0:
            head_at = at + 1


def measure(root):
    sizes, bodies = [], []
    for name in common.files(root, CODE, WHERE):
        text = common.read(root, name)
        sizes.append((text.count("\n"), name))
        if name.endswith((".c", ".h")):
            bodies += [(lines, f"{name}:{first}: {what}")
                       for what, first, lines in functions(text)]
    return sizes, bodies


def check(root):
    sizes, bodies = measure(root)
    found = [f"{name}:1: {lines} lines; split by {FILE_FAIL}"
             for lines, name in sizes if lines > FILE_FAIL]
    found += [f"{where} has {lines} lines; {FUNCTION_MAX} at most"
              for lines, where in bodies if lines > FUNCTION_MAX]
    return found


def report(root):
    sizes, bodies = measure(root)
    for what, rows in (("files", sizes), ("functions", bodies)):
        if rows:
            rows.sort(reverse=True)
            median = statistics.median(lines for lines, _ in rows)
            print(f"{len(rows)} {what}: median {median:g} lines, largest "
                  f"{rows[0][0]} ({rows[0][1]})")
    for lines, name in sizes:
        if FILE_WARN < lines <= FILE_FAIL:
            print(f"warning: {name} has {lines} lines; talk at {FILE_WARN}")
    if bodies and statistics.median(b[0] for b in bodies) > FUNCTION_MEDIAN:
        print(f"warning: the median function is above {FUNCTION_MEDIAN} lines")


SAMPLE = """/* { */
#define M(x) do { \\
    x; } while (0)
struct s { int a; };
static const int t[] = { 1, 2 };
extern "C" {
int one(void) { return '}'; }
}
__attribute__((cold)) static int two(int (*f)(int), const char *s)
{
    if (s) {
        return f("{");
    }
#ifdef A
    while (1) {
#else
    while (0) {
#endif
    }
    return 0;
}
TEST(suite, a_fact)
{
}
enum e { E };
#if A
int three(void) { return 1; }
#elif B
int three(void)
{
    return 2;
}
#endif
"""


def self_test():
    got = list(functions(SAMPLE))
    if got != [("one", 7, 1), ("two", 9, 13), ("TEST(suite.a_fact)", 22, 3),
               ("three", 27, 1), ("three", 29, 4)]:
        raise AssertionError(got)
    body = "int f(void)\n{\n" + "    ;\n" * 57 + "}\n"
    with common.Tree({"src/base/a.c": body, "src/b.h": "\n" * 600,
                      "tests/unit/c.c": "\n" * 999}) as root:
        common.expect(check(root))
    with common.Tree({"src/base/a.c": body.replace("{", "{\n;", 1),
                      "src/b.h": "\n" * 601,
                      "tools/dev": "\n" * 700}) as root:
        common.expect(check(root), "a.c:1: f has 61", "b.h:1: 601",
                      "tools/dev:1: 700")


if __name__ == "__main__":
    common.main(lambda root: report(root) or check(root), self_test)
