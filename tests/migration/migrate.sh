#!/usr/bin/env bash
# The migration test in one build with the library's sources:
#   migrate.sh COMPILER pic|lto SOURCE_DIR WORK_DIR LIBRARY_SOURCES...
# pic: a shared library and a program, both -O2 -fPIC. lto: everything seen by
# the optimizer at once. Skipped (77) where there is no such compiler.
set -euo pipefail

compiler=$1 kind=$2 source=$3 work=$4
shift 4
tests=("$source/tests/migration/migration.c"
    "$source/tests/support/runner.c")

if ! command -v "$compiler" >/dev/null; then
    echo "skip migration/$compiler: it is not installed"
    exit 77
fi
build=("$compiler" -std=gnu11 -O2 -g -fPIC -pthread -DMR_TEST_PLAIN
    -DMRI_ASSERT_LEVEL=0 -I"$source/include" -I"$source/src"
    -I"$source/tests/support")
# What the library itself needs.
read -ra libs <<<"${MIGRATION_LIBS:-}"
mkdir -p "$work"
case $kind in
pic)
    # The clock of stress.h is internal: hence default visibility.
    "${build[@]}" -shared -o "$work/libmigration.so" "$@" "${libs[@]}"
    "${build[@]}" -fPIE -pie -o "$work/migration" "${tests[@]}" \
        "$work/libmigration.so" -Wl,-rpath,"$work"
    ;;
lto)
    build+=(-flto)
    if "$compiler" --version | grep -q clang; then
        build+=(-fuse-ld=lld)
    else
        build+=(-flto=2)
    fi
    "${build[@]}" -o "$work/migration" "${tests[@]}" "$@" "${libs[@]}"
    ;;
esac

# And what a run may not show: no function that switches strands asks by itself
# where the thread's variables are, errno's included; it could ask once.
objdump -d --no-show-raw-insn "$work"/*migration* | awk '
    /^[0-9a-f]+ <.*>:$/ { name = $2; switches[name] = asks[name] = 0 }
    /(call|bl)[ \t].*<mri_(fiber_swap|strand_switch)[@>]/ { switches[name]++; all++ }
    /(call|bl)[ \t].*<(__errno_location|__tls_get_addr)[@>]/ { asks[name]++ }
    END {
        for (name in switches)
            if (switches[name] && asks[name]) {
                print name, "switches, and asks for a variable of the thread"
                bad++
            }
        if (!all)
            print "no function switches: the names have changed"
        exit bad || !all
    }'
"$work/migration"
