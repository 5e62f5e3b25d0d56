#!/usr/bin/env bash
# The whole service on this machine, on loopback, without containers, with everything lost once:
#
#   cluster/smoke.sh [FOLDER]     keeps what it makes in FOLDER; by default, nowhere
#
# A PostgreSQL server, an MLflow server with accounts, a Ray head and three worker nodes, each
# processes of their own, by the scripts that the containers run. It submits a search, kills a node
# with its trials, adds another one, kills the head and has the supervisor bring the search back.
# The search has a prior of the user's, whose file is gone as soon as it is submitted.
# Then every trial must have ended once, and MLflow must agree. Needs vaesearch, ray and mlflow on
# the PATH and PostgreSQL's programs; takes some minutes and ends what it started, and only that.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kept=${1:-}
folder=$(mktemp -d "${TMPDIR:-/tmp}/smoke-XXXX") # short: Ray's sockets have room for few letters
[ -z "$kept" ] || mkdir -p "$kept"
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
        sleep 1
    done
}

free_port() { python -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

secret() { python -c 'import secrets; print(secrets.token_hex(16))'; }

# --- PostgreSQL -----------------------------------------------------------------------------------
initdb=$(command -v initdb || find /usr/lib/postgresql -name initdb 2>/dev/null | sort -V | tail -n 1)
[ -n "$initdb" ] || { echo "PostgreSQL's programs are not installed." >&2; exit 1; }
programs=$(dirname "$(readlink -f "$initdb")")
mkdir -p "$folder"/{logs,sql,store,workspace,artifacts,home}
as_user=()
if [ "$(id -u)" = 0 ]; then # PostgreSQL refuses to run as root
    chmod 755 "$folder"
    chown nobody "$folder/sql"
    as_user=(setpriv --reuid=nobody --clear-groups)
fi
export HOME=$folder/home
export POSTGRES_PASSWORD VAESEARCH_STUDY_PASSWORD VAESEARCH_MLFLOW_PASSWORD
POSTGRES_PASSWORD=$(secret) VAESEARCH_STUDY_PASSWORD=$(secret) VAESEARCH_MLFLOW_PASSWORD=$(secret)
sql_port=$(free_port)
echo "$POSTGRES_PASSWORD" >"$folder/sql/password"
[ ${#as_user[@]} = 0 ] || chown nobody "$folder/sql/password"
(cd "$folder/sql" && "${as_user[@]}" "$programs/initdb" -D "$folder/sql/data" -U postgres \
    -A scram-sha-256 -E UTF8 --no-sync --pwfile="$folder/sql/password" >/dev/null)
start postgres "${as_user[@]}" "$programs/postgres" -D "$folder/sql/data" -p "$sql_port" \
    -c listen_addresses=127.0.0.1 -c "unix_socket_directories=$folder/sql" -c fsync=off
admin=(env PGHOST=127.0.0.1 PGPORT="$sql_port" PGPASSWORD="$POSTGRES_PASSWORD" PATH="$programs:$PATH")
until_true 30 "PostgreSQL" "${admin[@]}" psql -U postgres -c 'SELECT 1'
"${admin[@]}" "$here/postgres-init.sh"
say "PostgreSQL runs, with two databases and two roles"

# --- MLflow ---------------------------------------------------------------------------------------
mlflow_port=$(free_port)
export MLFLOW_TRACKING_USERNAME=vaesearch MLFLOW_TRACKING_PASSWORD MLFLOW_DISABLE_TELEMETRY=true
MLFLOW_TRACKING_PASSWORD=$(secret)
study="127.0.0.1:$sql_port/study"
mlflow_env=(
    MLFLOW_BACKEND_STORE_URI="postgresql+psycopg://mlflow@127.0.0.1:$sql_port/mlflow"
    PGPASSWORD="$VAESEARCH_MLFLOW_PASSWORD"
    MLFLOW_AUTH_ADMIN_USERNAME="$MLFLOW_TRACKING_USERNAME"
    MLFLOW_AUTH_ADMIN_PASSWORD="$MLFLOW_TRACKING_PASSWORD"
    MLFLOW_FLASK_SERVER_SECRET_KEY="$(secret)" MLFLOW_CRYPTO_KEK_PASSPHRASE="$(secret)"
    MLFLOW_ARTIFACTS="$folder/artifacts" MLFLOW_HOSTS="127.0.0.1,localhost"
    MLFLOW_LISTEN=127.0.0.1 MLFLOW_PORT="$mlflow_port"
)
drivers_env=( # what a driver on the head is given
    VAESEARCH_STUDY_URL="postgresql+psycopg://study:$VAESEARCH_STUDY_PASSWORD@$study"
    VAESEARCH_MLFLOW_URI="http://127.0.0.1:$mlflow_port"
    VAESEARCH_STORE="$folder/store" VAESEARCH_WORKSPACE="$folder/workspace"
)
env "${mlflow_env[@]}" "${drivers_env[@]}" "$here/migrate.sh" >>"$folder/logs/migrate.log" 2>&1 ||
    fail "the databases were not made ready"
start mlflow env "${mlflow_env[@]}" "$here/mlflow-server.sh"
until_true 90 "MLflow" python -c "
import urllib.request; urllib.request.urlopen('http://127.0.0.1:$mlflow_port/health', timeout=2)"
say "MLflow runs, with accounts"

# --- Ray ------------------------------------------------------------------------------------------
export RAY_AUTH_MODE=token RAY_AUTH_TOKEN RAY_GCS_PORT RAY_JOBS_PORT RAY_CLIENT_PORT
export RAY_JOB_STOP_SIGNAL=SIGINT RAY_JOB_STOP_WAIT_TIME_S=60 RAY_TMPDIR=$folder/ray
RAY_AUTH_TOKEN=$(secret) RAY_GCS_PORT=$(free_port) RAY_JOBS_PORT=$(free_port) RAY_CLIENT_PORT=$(free_port)
head=127.0.0.100 # Ray takes 127.0.0.1 for the machine's outside address
address=http://$head:$RAY_JOBS_PORT
base=$((6380 + 10 * (10 + RANDOM % 8))) # ray-node.sh has the ports of workers follow from it

# Parts that come back when they have ended, as a container would.
again_and_again() { bash -c 'until false; do "$@"; sleep 2; done' again "$@"; }

# A new head on the machine of old nodes starts only when these have noticed that theirs is gone,
# which takes them a minute: Ray looks for them among the machine's processes.
start_head() {
    start head again_and_again env "${drivers_env[@]}" RAY_NODE_IP="$head" \
        RAY_PORT_BASE="$base" "$here/ray-node.sh" head --temp-dir="$folder/ray"
    until_true 240 "the head" python -c "
import urllib.request; urllib.request.urlopen('$address/api/gcs_healthz', timeout=2)"
}

start_node() { # NUMBER
    start "node$1" again_and_again env \
        VAESEARCH_STORE="$folder/store" RAY_NODE_IP="127.0.0.$(($1 + 1))" \
        RAY_PORT_BASE="$((base + $1 * 10))" RAY_HEAD_ADDRESS="$head:$RAY_GCS_PORT" \
        "$here/ray-node.sh" worker --num-cpus=1
}

start_head
for number in 1 2 3; do start_node "$number"; done
say "a head and three nodes run, with a token"

# --- A search -------------------------------------------------------------------------------------
export XDG_CONFIG_HOME=$folder/config
mkdir -p "$XDG_CONFIG_HOME"
(
    umask 077
    printf '%s\n' "VAESEARCH_STUDY_PASSWORD=$VAESEARCH_STUDY_PASSWORD" \
        "RAY_AUTH_TOKEN=$RAY_AUTH_TOKEN" \
        "MLFLOW_TRACKING_USERNAME=$MLFLOW_TRACKING_USERNAME" \
        "MLFLOW_TRACKING_PASSWORD=$MLFLOW_TRACKING_PASSWORD" >"$XDG_CONFIG_HOME/secrets"
)
cat >"$XDG_CONFIG_HOME/vaesearch.toml" <<END
[clusters.smoke]
ray = "$address"
study = "postgresql://study@$study"
mlflow = "http://127.0.0.1:$mlflow_port"
store = "$folder/store"
secrets = "$XDG_CONFIG_HOME/secrets"
END
mkdir "$folder/lab"
cat >"$folder/lab/smoke_parts.py" <<END
import math

from keras import ops
from vaemodels.priors import AbstractPrior


class WideNormal(AbstractPrior):
    """Independent normals of standard deviation 2."""

    def log_prob(self, u):
        return ops.sum(-ops.square(u) / 8 - math.log(2 * math.sqrt(2 * math.pi)), axis=-1)

    def sample(self, noise):
        return 2 * noise
END
cat >"$folder/study.yaml" <<END
name: smoke
dataset: digits
code: $folder/lab
space:
  beta: {type: float, low: 0.1, high: 4, log: true}
  learning_rate: {type: float, low: 0.0005, high: 0.005, log: true}
fixed: {variant: vae, prior: "smoke_parts:WideNormal", latent_dim: 4, widths: [64], batch_size: 20}
budget: {trials: ${SMOKE_TRIALS:-9}, epochs: ${SMOKE_EPOCHS:-400}}
measure: {num_images: 500, every_epochs: 10}
early_stopping: {rule: halving, grace_epochs: 130}
seed: 3
END
client() { # as a person's own machine: nothing in the environment but where the profile stands
    env -u VAESEARCH_STUDY_PASSWORD -u RAY_AUTH_TOKEN -u RAY_AUTH_MODE -u MLFLOW_TRACKING_USERNAME \
        -u MLFLOW_TRACKING_PASSWORD -u POSTGRES_PASSWORD -u VAESEARCH_MLFLOW_PASSWORD \
        vaesearch "$@" --cluster smoke --workspace "$folder/mine"
}
start supervisor env "${drivers_env[@]}" vaesearch supervise --cluster "$address" --every 2
client submit "$folder/study.yaml" --detach
said=$(client submit "$folder/study.yaml" --detach)
[[ $said == Attached* ]] || fail "submitted twice, run twice: $said"
rm -r "$folder/lab"
say "a search is submitted; submitting it again attaches to it"

running() { # whether at least $1 trials have run for some epochs
    client status smoke --json | python -c "
import json, sys
running = json.load(sys.stdin)['running']
busy = [t for t in running if (t['epoch'] or 0) >= 10]
sys.exit(len(busy) < $1)"
}

until_true 240 "trials on three nodes" running 3
say "trials run on three nodes; node 2 is killed with its trial"
end_part node2 KILL
sleep 5
start_node 4
say "a fourth node comes; now the head is killed, and with it the job"
sleep 10
end_part head KILL
for driver in $(pgrep -f "vaesearch drive smoke"); do # of this cluster alone
    if grep -qz "$RAY_AUTH_TOKEN" "/proc/$driver/environ"; then kill -KILL "$driver"; fi
done
sleep 5
start_head
say "a new head; the supervisor has the search go on"

finished() {
    client jobs --json | python -c "
import json, sys
[row] = json.load(sys.stdin)
sys.exit(row['is_wanted'])"
}
until_true 900 "the search" finished
client jobs
client status smoke | tail -n 20
client pareto smoke

python "$here/smoke_check.py" "http://127.0.0.1:$mlflow_port" <(client status smoke --json) ||
    fail "the study and MLflow do not agree"
say "every trial ended once, and MLflow agrees"
