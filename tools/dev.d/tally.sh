# shellcheck shell=bash
# Stages of tests: each runs in a shell of its own, so that one that ends
# badly does not end the rest; what it counted comes back in a file. A stage
# that ran no test has failed, whatever it says.

# count PASSED FAILED SKIPPED: more of them, in the stage that runs.
count()
{
    printf '%d %d %d\n' "$@" >>"$root/build/log/$stage.count"
}

# one COMMAND...: counts as one test.
one()
{
    local name=$1
    shift
    if logged "$stage-$name" "$@"; then
        count 1 0 0
    else
        say "$stage: $name FAILED; see $(log_of "$stage-$name")"
        count 0 1 0
    fi
}

# tests DIR CTEST_ARGUMENT...: what ctest finds there.
tests()
{
    local dir=$1 log xml passed failed skipped status=0
    shift
    log=$(log_of "$stage-tests-$(basename "$dir")")
    xml=$root/${log%.log}.xml
    rm -f "$xml"
    say "test $dir"
    ctest --test-dir "$root/$dir" -j "$jobs" --output-on-failure \
        --no-tests=error --output-junit "$xml" "$@" >"$root/$log" 2>&1 \
        </dev/null 9>&- || status=$?
    passed=$(grep -cs '<testcase .*status="run"' "$xml") || :
    failed=$(grep -cs '<testcase .*status="fail"' "$xml") || :
    skipped=$(grep -Ecs '<testcase .*status="(notrun|disabled)"' "$xml") || :
    # It ended badly although no single test did (a crash, no test at all).
    [[ $status -eq 0 || ${failed:-0} -gt 0 ]] || failed=1
    count "${passed:-0}" "${failed:-0}" "${skipped:-0}"
    # What single tests say of themselves; ctest keeps it for its last run.
    grep -Eash '^skip [^ ]+: .' "$root/$dir/Testing/Temporary/LastTest.log" \
        >>"$root/build/log/$stage.skips" || :
    [[ $status -eq 0 ]] || {
        show_log "$log"
        outputs_of_failed "$root/$log" >>"$root/build/log/$stage.failed"
    }
}

# outputs_of_failed LOG: what each test printed that failed in a log of ctest,
# up to so many lines.
outputs_of_failed()
{
    awk -v most=40 '
        /^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / {
            lines = /\*\*\*/ && !/\*\*\*Skipped/ ? most : 0
        }
        /^ *Start +[0-9]+: |^[0-9]+% tests passed/ { lines = 0 }
        lines > 0 { print; if (--lines == 0) print "[...]" }' "$1"
}

# run_stages NAME...: all of them, then the table and the closing line.
run_stages()
{
    local stage passed failed skipped status started seconds
    local all_passed=0 all_failed=0 table=()
    for stage in "$@"; do
        say "stage $stage"
        rm -f "$root/build/log/$stage".{count,skips,failed}
        started=$SECONDS
        # Not in a condition: there -e would mean nothing inside.
        set +e
        (
            set -e
            "stage_${stage//-/_}"
        )
        status=$?
        set -e
        [[ $status -ne 130 ]] || exit 130
        seconds=$((SECONDS - started))
        read -r passed failed skipped < <(sum_counts "$stage")
        # What ended the stage early, or that it did nothing, counts as one.
        if [[ $status -ne 0 && $failed -eq 0 ]]; then
            failed=1
        elif [[ $((passed + failed)) -eq 0 ]]; then
            say "$stage: ran no test, which is a failure"
            failed=1
        fi
        all_passed=$((all_passed + passed))
        all_failed=$((all_failed + failed))
        table+=("$(printf '%-12s %7d %7d %8d %8d' "$stage" "$passed" \
            "$failed" "$skipped" "$seconds")")
    done
    printf '\n%-12s %7s %7s %8s %8s\n' stage passed failed skipped seconds
    printf '%s\n' "${table[@]}" ""
    tell_skips "$@"
    tell_failures "$@"
    printf '%d passed, %d failed\n' "$all_passed" "$all_failed"
    [[ $all_failed -eq 0 ]] || exit 1
}

# tell_failures STAGE...: once more at the end, where it is looked for, and may
# be all that is kept of a long run.
tell_failures()
{
    local stage
    for stage in "$@"; do
        [[ -s $root/build/log/$stage.failed ]] || continue
        printf 'failed in %s:\n' "$stage"
        cat "$root/build/log/$stage.failed"
        echo
    done
}

# tell_skips STAGE...: each test that skipped, why, and in which stages.
tell_skips()
{
    local stage line said=()
    declare -A heard_in=()
    for stage in "$@"; do
        [[ -f $root/build/log/$stage.skips ]] || continue
        while IFS= read -r line; do
            [[ -n ${heard_in[$line]-} ]] || said+=("$line")
            heard_in[$line]+=" $stage"
        done < <(LC_ALL=C sort -u "$root/build/log/$stage.skips")
    done
    [[ ${#said[@]} -gt 0 ]] || return 0
    for line in "${said[@]}"; do
        printf '%s (%s)\n' "$line" "${heard_in[$line]# }"
    done
    echo
}

sum_counts()
{
    local p f s passed=0 failed=0 skipped=0
    if [[ -f $root/build/log/$1.count ]]; then
        while read -r p f s; do
            passed=$((passed + p))
            failed=$((failed + f))
            skipped=$((skipped + s))
        done <"$root/build/log/$1.count"
    fi
    echo "$passed $failed $skipped"
}
