#!/usr/bin/env python3
"""What the shared library exports, what src/millrace.map lists and what the
public headers declare are the same names; everything else is hidden, also in
the objects of the static library, so that nothing of ours shows through a
plug-in that has it inside. The newest node is that of this release."""

import glob
import os
import re
import subprocess
import sys
import tempfile

import common

DECLARED = re.compile(r"\bMR_API\b[^;{]*?(\w+)\s*\(")
NODE = re.compile(r"([\w.]+)\s*\{(.*?)\}\s*([\w.]*)\s*;", re.DOTALL)


def declared(root):
    names = set()
    for header in common.files(root, (".h",), ("include/",)):
        text = re.sub(r"^\s*#(\\\n|.)*", "", common.strip_c(
            common.read(root, header)), flags=re.MULTILINE)
        names |= set(DECLARED.findall(text))
    return names


def parse_map(text):
    """[(node, its predecessor, {names}, hides the rest)] in order."""
    nodes = []
    for node, body, after in NODE.findall(re.sub(r"#.*|/\*.*?\*/", "", text)):
        globals_, _, locals_ = body.partition("local:")
        names = set(re.findall(r"([\w*?]+)\s*;", globals_))
        nodes.append((node, after, names, "*" in locals_))
    return nodes


def run(command):
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def exported(library):
    """{name: node} of what a shared library defines for others."""
    names = {}
    for line in run(["nm", "-D", "--defined-only", "--with-symbol-versions",
                     library]).splitlines():
        _, kind, symbol = line.split()
        if kind != "A":
            name, _, node = symbol.partition("@")
            names[name] = node.lstrip("@")
    return names


def visible(objects):
    """Names that objects define with default visibility."""
    names = set()
    for line in run(["readelf", "-sW"] + objects).splitlines():
        field = line.split()
        if len(field) == 8 and field[4] in ("GLOBAL", "WEAK") and \
                field[5] == "DEFAULT" and field[6] != "UND":
            names.add(field[7])
    return names


def compare(nodes, in_headers, in_library, in_objects, release):
    found, node_of = [], {}
    for node, _, names, _ in nodes:
        for name in names:
            if name in node_of:
                found.append(f"{name} is in two nodes of the map")
            if "*" in name or "?" in name:
                found.append(f"{node} lists a pattern: {name}")
            node_of[name] = node
    for (node, _, _, _), (later, after, _, _) in zip(nodes, nodes[1:]):
        if after != node:
            found.append(f"{later} does not follow {node}")
    if not nodes or not nodes[0][3]:
        found.append("the first node does not hide the rest (local: *)")
    if nodes and nodes[-1][0] != f"MILLRACE_{release}":
        found.append(f"the newest node is {nodes[-1][0]}, not that of "
                     f"release {release}")
    found += [f"{n} is declared, not in the map" for n in
              sorted(in_headers - set(node_of))]
    found += [f"{n} is in the map, not declared" for n in
              sorted(set(node_of) - in_headers)]
    found += [f"{n} is in the map, not exported by the library" for n in
              sorted(set(node_of) - set(in_library))]
    found += [f"{n} is exported, not in the map" for n in
              sorted(set(in_library) - set(node_of))]
    found += [f"{n} is exported as of {in_library[n]}, listed in {node_of[n]}"
              for n in sorted(set(in_library) & set(node_of))
              if in_library[n] != node_of[n]]
    found += [f"{n} is not hidden in the static library" for n in
              sorted(in_objects - set(node_of))]
    return found


def build(root):
    """The shared library, built for this only."""
    where = os.path.join(root, "build", "check-symbols")
    run(["cmake", "-G", "Ninja", "-S", root, "-B", where,
         "-DBUILD_SHARED_LIBS=ON", "-DMILLRACE_BUILD_TESTS=OFF",
         "-DMILLRACE_BUILD_TOOLS=OFF", "-DMILLRACE_BUILD_BENCH=OFF"])
    run(["cmake", "--build", where])
    objects = glob.glob(where + "/src/CMakeFiles/millrace_objects.dir/**/*.o",
                        recursive=True)
    return os.path.join(where, "src", "libmillrace.so"), objects


def check(root):
    library, objects = build(root)
    version = common.read(root, "include/millrace/version.h")
    release = re.search(r'MR_VERSION_STRING "(\d+\.\d+)\.', version).group(1)
    project = re.search(r"VERSION (\d+\.\d+\.\d+)",
                        common.read(root, "CMakeLists.txt")).group(1)
    found = []
    if f'"{project}"' not in version:
        found.append(f"CMakeLists.txt says {project}, version.h does not")
    return found + compare(
        parse_map(common.read(root, "src/millrace.map")), declared(root),
        exported(library), visible(objects), release)


MAP = """# comment { }
M_0.1 { global: a; b;
  local: *; };
M_0.2 { global: c; } M_0.1;
"""


def self_test():
    nodes = parse_map(MAP)
    assert nodes == [("M_0.1", "", {"a", "b"}, True),
                     ("M_0.2", "M_0.1", {"c"}, False)], nodes
    self_test_compare()
    with tempfile.TemporaryDirectory() as where:
        source, library, object_ = (os.path.join(where, n) for n in
                                    ("a.c", "liba.so", "a.o"))
        with open(source, "w", encoding="utf-8") as f:
            f.write('int seen(void) { return 1; }\n'
                    '__attribute__((visibility("hidden"))) int no = 1;\n'
                    'static int mine = 2; int *get(void) { return &mine; }\n')
        with open(where + "/a.map", "w", encoding="utf-8") as f:
            f.write("V_1 { global: seen; local: *; };\n")
        run(["gcc", "-fPIC", "-c", "-o", object_, source])
        run(["gcc", "-shared", "-o", library, object_,
             f"-Wl,--version-script={where}/a.map"])
        assert exported(library) == {"seen": "V_1"}, exported(library)
        assert visible([object_]) == {"seen", "get"}, visible([object_])
    with common.Tree({"include/m.h":
                      "#define MR_API x\n/* MR_API int no(void); */\n"
                      "MR_API const char *\nyes(int (*f)(void));\n"}) as root:
        assert declared(root) == {"yes"}, declared(root)


def self_test_compare():
    one = ("MILLRACE_0.1", "", {"a", "b"}, True)
    two = ("MILLRACE_0.2", "MILLRACE_0.1", {"c"}, False)
    names, library = {"a", "b", "c"}, {"a": one[0], "b": one[0], "c": two[0]}
    common.expect(compare([one, two], names, library, names, "0.2"))
    cases = [
        ([one, two], names, library, names, "0.3", "newest node"),
        ([one, two], names | {"d"}, library, names, "0.2", "d is declared"),
        ([one, two], {"a", "c"}, library, names, "0.2", "b is in the map, not d"),
        ([one, two], names, {**library, "d": ""}, names, "0.2", "d is exported"),
        ([one, two], names, {**library, "c": one[0]}, names, "0.2", "as of"),
        ([one, two], names, library, names | {"x"}, "0.2", "x is not hidden"),
        ([one, (*two[:1], "", *two[2:])], names, library, names, "0.2",
         "does not follow"),
        ([(*one[:3], False), two], names, library, names, "0.2", "hide"),
    ]
    for *arguments, wanted in cases:
        common.expect(compare(*arguments), wanted)
    short = {"a": one[0], "b": one[0]}
    common.expect(compare([one, two], names, short, names, "0.2"),
                  "c is in the map, not exported")
    star = ("MILLRACE_0.2", "MILLRACE_0.1", {"mr_*"}, False)
    common.expect(compare([one, star], {"a", "b", "mr_*"},
                          {**short, "mr_*": star[0]}, set(), "0.2"), "pattern")


if __name__ == "__main__":
    common.main(check, self_test)
