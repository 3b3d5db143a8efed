#!/usr/bin/env bash
# says.sh REGEX COMMAND...: the command succeeds, and this is all it prints.
set -euo pipefail

regex=$1
shift
said=$("$@" 2>&1) || { printf '%s\nexit status not 0\n' "$said" && exit 1; }
[[ $said =~ $regex ]] || { printf 'it said: %s\n' "$said" && exit 1; }
