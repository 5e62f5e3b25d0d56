# The parts of cluster/smoke.sh: processes that it starts, waits for, and ends. Sourced by it, which
# sets `folder`, where all of them write, and `kept`, where their logs are to stay.
# shellcheck shell=bash

: "${folder:?}" "${kept?}"
declare -A pids=()

say() { printf '%s  %s\n' "$(date +%T)" "$*"; }

fail() {
    say "FAILED: $*"
    tail -n 6 "$folder"/logs/*.log "$folder"/ray/session_latest/logs/job-driver-*.log |
        cut -c 1-160 >&2 || true
    exit 1
}

start() {
    local name=$1
    shift
    "$@" >>"$folder/logs/$name.log" 2>&1 &
    pids[$name]=$!
}

# A process and all it started, which Ray puts into groups of their own.
family() {
    local child
    echo "$1"
    for child in $(pgrep -P "$1"); do family "$child"; done
}

end_part() {
    local name=$1 signal=${2:-TERM} members
    [ -n "${pids[$name]:-}" ] || return 0
    mapfile -t members < <(family "${pids[$name]}")
    kill "-$signal" "${members[@]}" 2>/dev/null || true
    unset "pids[$name]"
}

end() {
    local status=$? name
    for name in supervisor "${!pids[@]}"; do end_part "$name" TERM; done
    sleep 3
    pkill -KILL -f "$folder/" 2>/dev/null || true # what has lost its parent; all know the folder
    if [ -n "$kept" ]; then cp -r "$folder/logs" "$kept/" || true; fi
    rm -rf "$folder"
    exit "$status"
}
trap end EXIT
trap 'exit 130' INT TERM

until_true() { # SECONDS WHAT COMMAND...
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || fail "$what: not within its time"
        sleep 4 # most of what is asked here costs a second of a core, which trials lack then
    done
}

free_port() { python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

secret() { python -c 'import secrets; print(secrets.token_hex(16))'; }
