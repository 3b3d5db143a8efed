# shellcheck shell=bash
# Build directories, all below build/: brought into a usable state from
# whatever an interrupted run, another tree or another compiler left there.

# Before anything is written: that it can be, and by us alone.
open_build_tree()
{
    local tool
    for tool in cmake ninja readelf; do
        command -v "$tool" >/dev/null || die "there is no $tool on the PATH"
    done
    { mkdir -p "$root/build/log" && : >"$root/build/.lock"; } 2>/dev/null ||
        die "cannot write to $root/build: read-only, or somebody else's"
    exec 9>"$root/build/.lock"
    if ! flock -n 9; then
        say "another tools/dev is at work in this tree; waiting for it"
        flock 9
    fi
}

cached()
{
    sed -n "s/^$2:[A-Z]*=//p" "$root/$1/CMakeCache.txt"
}

# unusable DIR COMPILER: why it cannot be built upon, or nothing.
unusable()
{
    local dir=$1 generator home at compiler
    if [[ ! -f $root/$dir/CMakeCache.txt || ! -f $root/$dir/build.ninja ]]; then
        echo "was left half configured"
        return
    fi
    generator=$(cached "$dir" CMAKE_GENERATOR)
    home=$(cached "$dir" CMAKE_HOME_DIRECTORY)
    at=$(cached "$dir" CMAKE_CACHEFILE_DIR)
    compiler=$(cached "$dir" CMAKE_C_COMPILER)
    if [[ $generator != Ninja ]]; then
        echo "was made for ${generator:-an unknown generator}, not for Ninja"
    elif [[ ! $home -ef $root ]]; then
        echo "belongs to ${home:-an unknown tree}"
    elif [[ ! $at -ef $root/$dir ]]; then
        echo "was moved here from ${at:-an unknown place}"
    elif [[ $2 != - && ! $compiler -ef $(type -P "$2") ]]; then
        echo "was made with ${compiler:-an unknown compiler}, not with $2"
    fi
}

wipe()
{
    say "$1 $2; starting it afresh"
    rm -rf "${root:?}/$1" 2>/dev/null ||
        die "cannot remove $1: it belongs to somebody else"
}

# configure DIR COMPILER CMAKE_ARGUMENT...; COMPILER - leaves it to the preset.
configure()
{
    local dir=$1 compiler=$2 why fresh=yes log name
    shift 2
    name=$(basename "$dir")
    if [[ -e $root/$dir ]]; then
        [[ -d $root/$dir ]] || die "$dir is in the way: not a directory"
        [[ -w $root/$dir ]] || die "cannot write to $dir: somebody else's"
        fresh=no
        why=$(unusable "$dir" "$compiler")
        if [[ -n $why ]]; then
            wipe "$dir" "$why"
            fresh=yes
        fi
    fi
    # The whole path, as CMake remembers it: a bare name would count as another
    # compiler at the next time, and everything be compiled again.
    [[ $compiler == - ]] || type -P "$compiler" >/dev/null ||
        die "there is no $compiler on the PATH"
    [[ $compiler == - ]] ||
        set -- "$@" -DCMAKE_C_COMPILER="$(type -P "$compiler")"
    say "configure $dir"
    log=$(log_of "configure-$name")
    configured=("$@")
    cmake -S "$root" -B "$root/$dir" "$@" >"$root/$log" 2>&1 \
        </dev/null 9>&- && return
    if [[ $fresh == no ]]; then
        wipe "$dir" "could not be configured again"
        cmake -S "$root" -B "$root/$dir" "$@" >"$root/$log" 2>&1 \
            </dev/null 9>&- && return
    fi
    show_log "$log"
    rm -f "$root/$dir/build.ninja"
    die "$dir cannot be configured; see $log"
}

# What the linker says of files that an interrupted build left.
broken_build='file truncated|file format not recognized|not recognized as a'

# build DIR: after configure, which is repeated should the directory turn out
# to be damaged.
build()
{
    local dir=$1 log why=
    say "build $dir"
    log=$(log_of "build-$(basename "$dir")")
    if compile "$dir" "$log"; then
        why=$(no_program "$dir")
        [[ -n $why ]] || return 0
    elif grep -Eq "$broken_build" "$root/$log"; then
        why="is damaged"
    fi
    if [[ -n $why ]]; then
        wipe "$dir" "$why"
        configure "$dir" - "${configured[@]}"
        if compile "$dir" "$log"; then
            why=$(no_program "$dir")
            [[ -z $why ]] || die "built afresh, $dir still $why"
            return 0
        fi
    fi
    show_log "$log"
    die "$dir does not build; see $log"
}

# no_program DIR: which of the programs that it was to make is none, or
# nothing. Ninja goes by times alone, and a shell runs an empty file well.
no_program()
{
    local name
    while read -r name; do
        # What is left out of `all` may not be there.
        if [[ -e $root/$1/$name ]] && ! whole_elf "$root/$1/$name"; then
            echo "has a damaged program, $name"
            return
        fi
    done < <(ninja -C "$root/$1" -t targets all |
        sed -n 's/: [A-Z]*_EXECUTABLE_LINKER__.*//p')
}

# readelf sees the tables at the end too, but may call them missing and yet
# exit with 0.
whole_elf()
{
    local said
    said=$(LC_ALL=C readelf -hlS -- "$1" 2>&1 >/dev/null) &&
        [[ $said != *"Error: "* ]]
}

compile()
{
    ninja -C "$root/$1" -j "$jobs" >"$root/$2" 2>&1 </dev/null 9>&-
}
