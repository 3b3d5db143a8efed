#!/usr/bin/env bash
# reports.sh COMMAND...: a test program, held to what it reports. One that
# ends well without saying how many tests it ran has failed: it may be empty,
# or something else. Exit status: the program's; 77 where all it has to say is
# which tests it skipped, and why; 1 where it says nothing.
set -uo pipefail

criterion='Synthesis: Tested: ([0-9]+) [|] .* Failing: 0 [|] Crashing: 0 $'
plain='([0-9]+) passed, 0 failed, [0-9]+ skipped$'

# Passes on what the program says; the last line that counts its tests counts.
listen()
{
    local line ran='' skipped=no
    while IFS= read -r line || [[ -n $line ]]; do
        printf '%s\n' "$line"
        if [[ $line =~ $criterion || $line =~ $plain ]]; then
            ran=${BASH_REMATCH[1]}
        elif [[ $line =~ ^skip\ .+:\ . ]]; then
            skipped=yes
        fi
    done
    [[ ${ran:-0} -eq 0 ]] || return 0
    [[ -z $ran || $skipped == no ]] || return 77
    return 1
}

"$@" 2>&1 | listen
status=("${PIPESTATUS[@]}")
if [[ ${status[0]} -gt 128 ]]; then
    echo "reports.sh: ended by signal $((status[0] - 128))"
elif [[ ${status[0]} -eq 77 ]]; then
    echo "reports.sh: exit status 77"
    status[0]=1
elif [[ ${status[0]} -eq 0 && ${status[1]} -eq 1 ]]; then
    echo "reports.sh: it ended well, but ran no test"
fi
[[ ${status[0]} -eq 0 ]] || exit "${status[0]}"
exit "${status[1]}"
