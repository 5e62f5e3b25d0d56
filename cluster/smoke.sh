#!/usr/bin/env bash
# The whole service on this machine, on loopback, without containers, with everything lost once:
#
#   cluster/smoke.sh [FOLDER]     keeps what it makes in FOLDER; by default, nowhere
#
# A PostgreSQL server, an MLflow server with accounts, a Ray head and three worker nodes, each
# processes of their own, by the scripts that the containers run. It submits a search, kills a node
# with its trials, adds another one, kills the head and has the supervisor bring the search back.
# The search has a prior of the user's, whose file is gone as soon as it is submitted.
# Then every trial must have ended once, and MLflow must agree. The search is extended, stopped as a
# person and as an administrator would, and goes on to its end; no secret must stand anywhere in
# what all this wrote. Needs vaesearch, ray and mlflow on the PATH and PostgreSQL's programs; takes
# some minutes and ends what it started, and only that.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kept=${1:-}
folder=$(mktemp -d "${TMPDIR:-/tmp}/smoke-XXXX") # short: Ray's sockets have room for few letters
[ -z "$kept" ] || mkdir -p "$kept"
# shellcheck disable=SC1091 # it is checked by itself
source "$here/smoke_parts.sh"

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

# For parts that come back when they have ended, as a container would.
again_and_again() { while true; do "$@" || true; sleep 2; done; }

head_part() {
    export "${drivers_env[@]}" RAY_NODE_IP="$head" RAY_PORT_BASE="$base"
    again_and_again "$here/ray-node.sh" head --temp-dir="$folder/ray"
}

node_part() { # NUMBER
    export VAESEARCH_STORE="$folder/store" VAESEARCH_LABELS="number=$1"
    export RAY_NODE_IP="127.0.0.$(($1 + 1))" RAY_PORT_BASE="$((base + $1 * 10))"
    export RAY_HEAD_ADDRESS="$head:$RAY_GCS_PORT"
    again_and_again "$here/ray-node.sh" worker --num-cpus=1
}

# A new head on the machine of old nodes starts only when these have noticed that theirs is gone,
# which takes them a minute: Ray looks for them among the machine's processes.
start_head() {
    start head head_part
    until_true 240 "the head" python -c "
import urllib.request; urllib.request.urlopen('$address/api/gcs_healthz', timeout=2)"
}

start_node() { start "node$1" node_part "$1"; }

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
trials=${SMOKE_TRIALS:-9}
cat >"$folder/study.yaml" <<END
name: smoke
dataset: digits
code: $folder/lab
space:
  beta: {type: float, low: 0.1, high: 4, log: true}
  learning_rate: {type: float, low: 0.0005, high: 0.005, log: true}
fixed: {variant: vae, prior: "smoke_parts:WideNormal", latent_dim: 4, widths: [64], batch_size: 20}
budget: {trials: $trials, epochs: ${SMOKE_EPOCHS:-400}}
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

of_job() { # KEYS: what `jobs` says of the search
    client jobs --json | python -c "
import json, sys
[row] = json.load(sys.stdin)
print(*(row[key] for key in sys.argv[1:]))" "$@"
}
finished() { [ "$(of_job is_wanted driver)" = "False None" ]; }
check() {
    client status smoke --json >"$folder/status.json"
    python "$here/smoke_check.py" "http://127.0.0.1:$mlflow_port" "$folder/status.json" "$trials" ||
        fail "the study and MLflow do not agree"
}
until_true 900 "the search" finished
client jobs
client status smoke | tail -n 20
client pareto smoke
check
[ "$(of_job num_jobs)" -ge 2 ] || fail "the head was killed, and its job did not end"
python -c "
import json, sys
sys.exit(sum(t['num_attempts'] for t in json.load(open('$folder/status.json'))['finished']) <= $trials)" ||
    fail "a node and the head were killed, and no trial was begun again"
say "every trial ended once, and MLflow agrees"

# --- Stopping and going on --------------------------------------------------------------------------
more() { # has the search go on with three trials more, and this machine follow it
    trials=$((trials + 3))
    start "follow$trials" client resume smoke --trials "$trials"
    until_true 240 "more trials" running 1
}
ended() { # WORD: the search is over for good, and nobody starts it again
    until_true 120 "the end of the search" finished
    local jobs message
    jobs=$(of_job num_jobs) message=$(of_job message)
    [ "$message" = "$1" ] || fail "the search ended with \`$message\`, not with \`$1\`"
    sleep 8 # the supervisor looks every two seconds
    [ "$(of_job num_jobs)" = "$jobs" ] || fail "what was stopped was started again"
}
more
client stop smoke
ended stopped
grep -q "running trials on" "$folder/logs/follow$trials.log" || fail "nothing was followed"
say "what a person stops is saved, ends, and stays so"
more
python -c "
from ray.job_submission import JobSubmissionClient
JobSubmissionClient('$address').stop_job('$(of_job job_id)')"
ended stopped
said=$(client logs smoke)
[[ $said == *"smoke is stopped"* ]] || fail "the job was ended before it had saved"
say "so does a job that is stopped by Ray: it gets SIGINT, and has a minute to save"
client resume smoke >>"$folder/logs/resume.log" 2>&1
ended finished
check
client report smoke --out "$folder/report"
say "it goes on to its end, and is reported"

# --- Secrets ----------------------------------------------------------------------------------------
for database in study mlflow; do
    "${admin[@]}" "$programs/pg_dump" -U postgres "$database" >"$folder/$database.dump"
done
ps -eo args >"$folder/processes"
for name in VAESEARCH_STUDY_PASSWORD VAESEARCH_MLFLOW_PASSWORD POSTGRES_PASSWORD RAY_AUTH_TOKEN \
    MLFLOW_TRACKING_PASSWORD; do
    found=$(grep -rlaF --exclude-dir=config --exclude-dir=sql --exclude-dir=sockets "${!name}" "$folder" || true)
    [ -z "$found" ] || fail "$name stands in $found"
done
say "no secret stands anywhere in what all this wrote"
