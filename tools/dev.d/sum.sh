# shellcheck shell=bash
# `millrace sum` on files of this machine: many small ones and some large.

# show_sum COMMAND: digests them with one worker and with all, three times each
# in turn; both have to say the same, and `sha256sum -c` that it is true.
show_sum()
{
    local command=$1 trees=() tree list
    list=$root/build/log/sum
    for tree in /usr/include /usr/lib/gcc "$root"/src "$root"/tests; do
        [[ ! -d $tree ]] || trees+=("$tree")
    done
    [[ ${#trees[@]} -gt 0 ]] || die "there is no tree to digest"
    say "run millrace sum over ${trees[*]}"
    local one_took=0 all_took=0 round
    # The first reads from the disk, and does not count.
    timed_sum one_took "$list.1" "$command" -w 1 "${trees[@]}"
    one_took=0
    for round in 1 2 3; do
        timed_sum one_took "$list.1" "$command" -w 1 "${trees[@]}"
        timed_sum all_took "$list.all" "$command" "${trees[@]}"
        cmp -s "$list.1" "$list.all" ||
            die "$list.1 and $list.all differ, round $round"
    done
    logged sum-check sha256sum --check --quiet "$list.all" ||
        die "sha256sum does not agree with millrace sum"
    printf '%d files: 1 worker %d.%03d s, all %d.%03d s, %s times as fast\n' \
        "$(wc -l <"$list.all")" $((one_took / 1000000)) \
        $((one_took / 1000 % 1000)) $((all_took / 1000000)) \
        $((all_took / 1000 % 1000)) "$(quotient "$one_took" "$all_took")"
    say "sha256sum --check agrees; where the time went:"
    "$command" sum --stats "${trees[@]}" 2>&1 >/dev/null </dev/null 9>&-
}

# timed_sum VARIABLE FILE COMMAND ARGUMENT...: microseconds, if it is the
# shortest so far (or the first, with 0 in it).
timed_sum()
{
    local -n shortest=$1
    local file=$2 command=$3 start took
    shift 3
    start=${EPOCHREALTIME//[!0-9]/}
    logged sum to_file "$file" "$command" sum "$@" ||
        die "millrace sum failed"
    took=$((${EPOCHREALTIME//[!0-9]/} - start))
    [[ $took -gt 0 ]] || took=1
    [[ $shortest -ne 0 && $shortest -le $took ]] || shortest=$took
}

# With two decimals.
quotient()
{
    local hundredths=$((100 * $1 / $2))
    printf '%d.%02d' $((hundredths / 100)) $((hundredths % 100))
}
