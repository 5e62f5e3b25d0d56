#!/usr/bin/env bash
# One Ray node in the foreground, on ports that are always the same.
#
#   ray-node.sh head|worker [OPTIONS OF `ray start`]   runs it until it is told to end
#   ray-node.sh healthy                                whether the node of this container is well
#   ray-node.sh save                                   has the searches driven here save and end
#
# RAY_NODE_IP is the address that other machines know this one by; without it, the container's own.
# RAY_HEAD_ADDRESS is the head's host:port. RAY_PORT_BASE moves a second node of one machine away
# from the first, in steps of ten: 6380, 6390, ... VAESEARCH_LABELS (gpu=h100,zone=a) are what studies
# choose a worker by.
set -euo pipefail

readonly GCS_PORT=${RAY_GCS_PORT:-6379} JOBS_PORT=${RAY_JOBS_PORT:-8265}
readonly CLIENT_PORT=${RAY_CLIENT_PORT:-10001}
base=${RAY_PORT_BASE:-6380}
first_worker_port=$((10002 + (base - 6380) * 100))
save_seconds=${RAY_JOB_STOP_WAIT_TIME_S:-60}
export RAY_USAGE_STATS_ENABLED=${RAY_USAGE_STATS_ENABLED:-0} # nothing is told to anybody outside

ports=(
    --node-manager-port="$base"
    --object-manager-port="$((base + 1))"
    --dashboard-agent-grpc-port="$((base + 2))"
    --runtime-env-agent-port="$((base + 3))"
    --dashboard-agent-listen-port="$((base + 4))"
    --metrics-export-port="$((base + 5))"
    --min-worker-port="$first_worker_port"
    --max-worker-port="$((first_worker_port + 997))"
)

# The processes of this cluster's drivers: a job is `vaesearch drive NAME`. The token tells them from
# another cluster's on the same machine.
drivers() {
    local folder words variables variable
    for folder in /proc/[0-9]*; do
        mapfile -d '' -t words 2>/dev/null <"$folder/cmdline" || continue
        [[ ${words[1]:-} == */vaesearch && ${words[2]:-} == drive ]] || continue
        mapfile -d '' -t variables 2>/dev/null <"$folder/environ" || continue
        for variable in "${variables[@]}"; do
            [ "$variable" != "RAY_AUTH_TOKEN=$RAY_AUTH_TOKEN" ] || echo "${folder#/proc/}"
        done
    done
}

# SIGTERM tells a driver that its machine goes: it has every trial saved and ends. The study still
# wants the search, so the supervisor has it go on when there is a head again.
save() {
    local pids deadline=$((SECONDS + save_seconds))
    mapfile -t pids < <(drivers)
    [ ${#pids[@]} -gt 0 ] || return 0
    echo "Telling ${#pids[@]} searches to save and end."
    kill -TERM "${pids[@]}" 2>/dev/null || true
    while [ "$SECONDS" -lt "$deadline" ] && [ -n "$(drivers)" ]; do
        sleep 0.2
    done
}

healthy() {
    exec python - "http://127.0.0.1:$((base + 4))/api/healthz" <<'END'
import sys
import urllib.request

sys.exit(urllib.request.urlopen(sys.argv[1], timeout=5).status != 200)
END
}

head() {
    local status=0
    local listen=${RAY_NODE_IP:-0.0.0.0}
    # Metrics of the head alone, which Ray would put on 44217 and 44227.
    export AUTOSCALER_METRIC_PORT=$((base + 6)) DASHBOARD_METRIC_PORT=$((base + 7))
    # The Ray client server cannot be left out of a complete Ray; it asks for the token as well.
    ray start --head --block "${ports[@]}" --port="$GCS_PORT" \
        --dashboard-host="$listen" --dashboard-port="$JOBS_PORT" --ray-client-server-port="$CLIENT_PORT" \
        --num-cpus=0 --num-gpus=0 "$@" &
    local ray=$!
    trap 'save; kill -TERM "$ray" 2>/dev/null || true' TERM INT
    while kill -0 "$ray" 2>/dev/null; do
        status=0
        wait "$ray" || status=$?
    done
    return "$status"
}

# Trials of a node that ends go on elsewhere from their last save, so it need not wait for them.
# A second node of a machine has a folder of its own: in one folder, two that start at the same moment
# would give their sockets the same name, and one of them would never come up.
worker() {
    [ "$base" = 6380 ] || set -- --temp-dir="${RAY_TMPDIR:-${TMPDIR:-/tmp}}/ray-$base" "$@"
    [ -z "${VAESEARCH_LABELS:-}" ] || set -- --labels="$VAESEARCH_LABELS" "$@"
    exec ray start --block "${ports[@]}" --address="${RAY_HEAD_ADDRESS:?}" "$@"
}

what=${1:?head, worker, healthy or save}
shift
case $what in
    head | worker)
        [ "${RAY_AUTH_MODE:-}" = token ] && [ -n "${RAY_AUTH_TOKEN:-}" ] || {
            echo "No Ray node without a token: set RAY_AUTH_MODE=token and RAY_AUTH_TOKEN." >&2
            exit 1
        }
        if [ -n "${RAY_NODE_IP:-}" ]; then
            set -- --node-ip-address="$RAY_NODE_IP" "$@"
        fi
        "$what" "$@"
        ;;
    healthy | save) "$what" ;;
    *)
        echo "ray-node.sh head, worker, healthy or save; not $what" >&2
        exit 2
        ;;
esac
