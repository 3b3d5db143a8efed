# shellcheck shell=bash
# What each stage of the tests is.

all_stages=(check gcc clang release asan ubsan tsan model mutants aarch64
    valgrind install devtool)

# The packages that a stage needs, a line each.
stage_packages()
{
    printf '%s\n' "${packages_build[@]}"
    case $1 in
    check) printf '%s\n' "${packages_check[@]}" ;;
    clang) printf '%s\n' "${packages_tests[@]}" "${packages_clang[@]}" ;;
    model | mutants) printf '%s\n' python3 ;;
    aarch64) printf '%s\n' "${packages_aarch64[@]}" ;;
    valgrind) printf '%s\n' "${packages_tests[@]}" valgrind ;;
    *) printf '%s\n' "${packages_tests[@]}" ;;
    esac
}

# Said of the tree rather than of one build of it: stages of their own.
of_the_tree='^(check|install|devtool)$'
# Long: `prove` and `soak`.
long='^(deep|soak)$'

# built_tests DIR COMPILER CMAKE_ARGUMENT...: warnings are errors here.
built_tests()
{
    local dir=$1
    configure "$@" -DCMAKE_COMPILE_WARNING_AS_ERROR=ON
    build "$dir"
    tests "$dir" -LE "$of_the_tree|$long|^valgrind$"
}

stage_check()
{
    local script name
    for script in "$root"/tools/check/*.py; do
        name=$(basename "$script" .py)
        [[ $name != common ]] || continue
        say "check: $name"
        one "$name-can-fail" python3 "$script" --self-test
        one "$name" python3 "$script"
        [[ $name != sizes ]] || cat "$root/$(log_of check-sizes)"
    done
}

stage_gcc()
{
    built_tests build/dev gcc --preset dev
}

stage_clang()
{
    built_tests build/dev-clang clang --preset dev
}

# What is installed, assertions left out.
stage_release()
{
    built_tests build/release gcc --preset release -DMILLRACE_BUILD_TESTS=ON \
        -DMILLRACE_BUILD_BENCH=ON
}

stage_asan()
{
    built_tests build/asan gcc --preset asan
}

stage_ubsan()
{
    built_tests build/ubsan gcc --preset ubsan
}

stage_tsan()
{
    built_tests build/tsan gcc --preset tsan
}

stage_model()
{
    built_tests build/model gcc --preset model
}

stage_aarch64()
{
    built_tests build/aarch64 - --preset aarch64
}

stage_valgrind()
{
    configure build/dev gcc --preset dev -DCMAKE_COMPILE_WARNING_AS_ERROR=ON
    build build/dev
    tests build/dev -L '^valgrind$'
}

stage_install()
{
    configure build/dev gcc --preset dev -DCMAKE_COMPILE_WARNING_AS_ERROR=ON
    tests build/dev -L '^install$'
}

stage_devtool()
{
    configure build/dev gcc --preset dev -DCMAKE_COMPILE_WARNING_AS_ERROR=ON
    tests build/dev -L '^devtool$'
}

# Killed mutants passed, survivors failed; those argued to change nothing
# (tests/model/EQUIVALENT.md) are neither.
stage_mutants()
{
    mutate --sample "$mutants"
}

stage_all_mutants()
{
    mutate --all
}

mutate()
{
    local script=$root/tests/model/mutate.py log survived status=0
    [[ -f $script ]] || die "there is no tests/model/mutate.py"
    configure build/model gcc --preset model
    build build/model
    say "mutants: mutate.py $*"
    log=$(log_of "$stage")
    python3 "$script" "$@" --jobs "$jobs" >"$root/$log" 2>&1 </dev/null 9>&- || status=$?
    survived=$(last_number "$log" survived)
    # It may also be unable to work, or find an argument without a mutant.
    [[ $status -eq 0 || $survived -gt 0 ]] || survived=1
    count "$(last_number "$log" killed)" "$survived" \
        "$(last_number "$log" argued)"
    if [[ $status -ne 0 ]]; then
        show_log "$log"
    else
        tail -n 1 "$root/$log"
    fi
}

# The number before the last "WORD" in a log, or 0.
last_number()
{
    local number
    number=$(grep -Eo "[0-9]+ $2" "$root/$1" | tail -n 1) || :
    echo "${number%% *}" | grep . || echo 0
}

stage_deep_models()
{
    configure build/model gcc --preset model
    build build/model
    tests build/model -L '^deep$'
}

# Round after round, until the time is over.
stage_soak()
{
    local until preset round=0
    for preset in dev asan tsan; do
        configure build/$preset gcc --preset $preset
        build build/$preset
    done
    until=$((SECONDS + soak_seconds))
    tests build/dev -L '^soak$'
    while [[ $round -eq 0 || $SECONDS -lt $until ]]; do
        round=$((round + 1))
        say "soak: round $round, $((until - SECONDS)) seconds left"
        for preset in dev asan tsan; do
            tests build/$preset -L '^stress$'
        done
        ! grep -qE '^[0-9]+ [1-9]' "$root/build/log/$stage.count" || return 0
    done
}

stage_coverage()
{
    configure build/coverage gcc --preset coverage
    build build/coverage
    find "$root/build/coverage" -name '*.gcda' -delete
    tests build/coverage -LE "$long|^valgrind$"
    one summary python3 "$root/tools/dev.d/coverage.py" "$root" \
        "$root/build/coverage"
    cat "$root/$(log_of coverage-summary)"
}
