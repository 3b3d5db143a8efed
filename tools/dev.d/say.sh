# shellcheck shell=bash
# Speaking: a line per step, one sentence for an end, logs for the rest.

# heard: somebody listens. With the standard output closed or full, whatever
# comes would go by unseen, or into the next file that is opened.
heard()
{
    { : 3>&1; } 2>/dev/null || die "the standard output is closed"
    # A closed standard error only costs the sentences that end there.
    : 3>&2 || exec 2>/dev/null
}

say()
{
    printf 'dev: %s\n' "$*" 2>/dev/null ||
        die "the standard output cannot be written"
}

# The end, and why. 1: it could not be done.
die()
{
    printf 'tools/dev: %s\n' "$*" >&2 || :
    exit 1
}

# The end, because of how it was called.
misuse()
{
    printf 'tools/dev: %s\n' "$*" >&2 || :
    exit 2
}

# among WORD LIST...
among()
{
    local word=$1 other
    shift
    for other in "$@"; do
        [[ $word != "$other" ]] || return 0
    done
    return 1
}

# positive NAME VALUE
positive()
{
    [[ $2 =~ ^[1-9][0-9]{0,8}$ ]] ||
        misuse "$1 must be a whole number above 0, not '$2'"
}

log_of()
{
    printf 'build/log/%s.log' "$1"
}

# logged NAME COMMAND...: quietly, unless it fails. Nothing reads from the
# terminal, and no leftover child keeps the tree locked (descriptor 9).
logged()
{
    local log
    log=$(log_of "$1")
    shift
    if "$@" >"$root/$log" 2>&1 </dev/null 9>&-; then
        return 0
    fi
    show_log "$log"
    return 1
}

show_log()
{
    local lines
    lines=$(wc -l <"$root/$1")
    printf '%s\n' "---- $1 (${lines} lines)"
    [[ $lines -le 120 ]] || printf '[... the first %d are left out]\n' \
        $((lines - 120))
    tail -n 120 "$root/$1"
    printf '%s\n' "---- end of $1"
}

# to_file FILE COMMAND...: its output there, its complaints to the log.
to_file()
{
    local file=$1
    shift
    "$@" >"$file"
}
