#!/usr/bin/env bash
# One step of using the installed library from outside the tree:
#   consume.sh STEP static|shared SOURCE_DIR WORK_DIR
# CC and CXX say with what.
set -euo pipefail

step=$1 kind=$2 source=$3 work=$4/$2
here=$source/tests/install/consumer
prefix="$work/moved prefix"
version=$(sed -n 's/^#define MR_VERSION_STRING "\(.*\)"$/\1/p' \
    "$source/include/millrace/version.h")
expected="millrace $version: MR_ENOMEM, usable CPUs found"

die()
{
    echo "$step $kind: $*" >&2
    exit 1
}

# The program runs, says what it should, and has the library the way the kind
# says: inside, or beside.
check_program()
{
    local said needed=no
    said=$(LD_LIBRARY_PATH="$prefix/lib" "$1") || die "$1 failed"
    [[ $said == "$expected" ]] || die "$1 said: $said"
    readelf -d "$1" | grep -q 'NEEDED.*libmillrace' && needed=yes
    [[ $kind/$needed == static/no || $kind/$needed == shared/yes ]] ||
        die "$1 needs libmillrace.so: $needed"
}

step_prefix()
{
    local shared=OFF
    [[ $kind == shared ]] && shared=ON
    rm -rf "$work"
    cmake -G Ninja -S "$source" -B "$work/build" \
        -DBUILD_SHARED_LIBS=$shared -DMILLRACE_BUILD_TESTS=OFF \
        -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_C_COMPILER="$CC"
    cmake --build "$work/build"
    cmake --install "$work/build" --prefix "$work/first prefix"
    mv "$work/first prefix" "$prefix"
    if grep -rl "first prefix" "$prefix"; then
        die "these files remember where they were installed first"
    fi
    if find "$prefix" -name '*twin*' | grep .; then
        die "the testing twin was installed"
    fi
    diff -r "$source/include" "$prefix/include" ||
        die "installed headers are not those of the tree"
}

# A C program, and a C++17 program in a project that knows no C.
step_cmake()
{
    local language
    for language in C CXX; do
        rm -rf "$work/cmake-$language"
        cmake -G Ninja -S "$here" -B "$work/cmake-$language" \
            -DCONSUMER_LANGUAGE=$language -DCMAKE_PREFIX_PATH="$prefix" \
            -DCMAKE_C_COMPILER="$CC" -DCMAKE_CXX_COMPILER="$CXX"
        cmake --build "$work/cmake-$language"
        check_program "$work/cmake-$language/consumer"
    done
}

# What `pkg-config` says for this kind; the path has a space, hence the eval.
compile_by_pkgconfig()
{
    local flags static=
    [[ $kind == static ]] && static=--static
    flags=$(PKG_CONFIG_PATH="$prefix/lib/pkgconfig" \
        pkg-config $static --cflags --libs millrace)
    eval "command=($flags)"
    # shellcheck disable=SC2154 # eval sets it
    "$@" "${command[@]}"
}

step_pkgconfig()
{
    mkdir -p "$work/pkgconfig"
    compile_by_pkgconfig "$CC" -std=c11 -pedantic -Wall -Wextra -Werror \
        -o "$work/pkgconfig/c" "$here/main.c"
    check_program "$work/pkgconfig/c"
    compile_by_pkgconfig "$CXX" -std=c++17 -pedantic -Wall -Wextra -Werror \
        -o "$work/pkgconfig/cxx" "$here/main.cc"
    check_program "$work/pkgconfig/cxx"
}

# Asking for a release that this is not must fail.
step_version()
{
    local wrong
    for wrong in 0.0.9 0.2 1.0; do
        if cmake -G Ninja -S "$here" -B "$work/version-$wrong" \
            -DCONSUMER_LANGUAGE=C -DCONSUMER_VERSION=$wrong \
            -DCMAKE_PREFIX_PATH="$prefix" >"$work/version.log" 2>&1; then
            die "find_package(millrace $wrong) was satisfied"
        fi
        grep -q 'requested version' "$work/version.log" ||
            die "it failed for another reason: $(cat "$work/version.log")"
    done
    ! PKG_CONFIG_PATH="$prefix/lib/pkgconfig" \
        pkg-config --exists 'millrace >= 0.2' || die "pkg-config lies"
    [[ $(PKG_CONFIG_PATH="$prefix/lib/pkgconfig" \
        pkg-config --modversion millrace) == "$version" ]] ||
        die "the headers and millrace.pc disagree on the version"
}

# A shared library of the consumer's that has millrace inside, or uses it,
# shows none of our internals to the world.
build_plugin()
{
    compile_by_pkgconfig "$CC" -shared -fPIC -o "$1" "$here/plugin.c"
}

step_plugin()
{
    local so="$work/plugin.so" leaked
    build_plugin "$so"
    nm -D --defined-only "$so" | grep -q ' T plugin_answer$' ||
        die "the plug-in lost its own symbol"
    leaked=$(nm -D --defined-only "$so" | grep -v ' [TBDR] mr_' |
        grep -Ev ' (plugin_(answer|fib)|_init|_fini|_edata|_end|__bss_start)$' || :)
    [[ -z $leaked ]] || die "the plug-in exports internals: $leaked"
}

# A program that was linked without the library loads that plug-in, its tasks
# run, and after it is unloaded nothing of it is missed.
step_dlopen()
{
    local said dir="$work/dlopen"
    mkdir -p "$dir"
    build_plugin "$dir/plugin.so"
    "$CC" -std=gnu11 -Wall -Wextra -Werror -o "$dir/host" "$here/host.c" -ldl
    said=$(LD_LIBRARY_PATH="$prefix/lib" "$dir/host" "$dir/plugin.so") ||
        die "the host failed"
    [[ $said == "loaded, used and unloaded" ]] || die "the host said: $said"
}

step_python()
{
    local said
    if ! python3 -c 'import ctypes' 2>/dev/null; then
        echo "skip install/python: no python3 with ctypes here"
        exit 77
    fi
    said=$(python3 "$here/callback.py" "$prefix/lib/libmillrace.so") ||
        die "the script failed"
    [[ $said == "100 tasks in Python" ]] || die "it said: $said"
}

step_soname()
{
    local soname
    soname=$(readelf -d "$prefix/lib/libmillrace.so" |
        sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
    [[ $soname == "libmillrace.so.${version%.*}" ]] || die "soname is $soname"
    [[ -e $prefix/lib/$soname ]] || die "$soname is not installed"
}

# The command needs nothing from the prefix but itself.
step_command()
{
    local said
    said=$("$prefix/bin/millrace" doctor) || die "millrace doctor failed"
    [[ $said == *"$version"* ]] || die "it does not say $version: $said"
    [[ -f $prefix/share/man/man1/millrace.1 ]] || die "it has no manual page"
}

case $step in
prefix | command | cmake | pkgconfig | version | plugin | dlopen | python | soname) "step_$step" ;;
*) die "unknown step" ;;
esac
