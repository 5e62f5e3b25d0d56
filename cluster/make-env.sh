#!/usr/bin/env bash
# Writes .env beside docker-compose.yml: a random secret for everything that asks for one.
# An existing file is left alone, since what it holds is the only way into its databases.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Hexadecimal, so that a secret needs no quoting in an address, a shell or a YAML file.
secret() {
    local bytes
    bytes=$(od -An -vtx1 -N32 /dev/urandom)
    printf '%s' "${bytes//[[:space:]]/}"
}

token=$(secret)
umask 077
if ! (set -o noclobber && : >.env) 2>/dev/null; then
    echo "$PWD/.env is there already and was not changed. Its passwords are those of the databases" >&2
    echo "that were made with it: move it away only together with them." >&2
    exit 1
fi

cat >.env <<END
# Secrets of one vaesearch service, made by cluster/make-env.sh. Keep a copy with the backups.

# PostgreSQL: its administrator, and the owner of each of the two databases.
POSTGRES_PASSWORD=$(secret)
VAESEARCH_STUDY_PASSWORD=$(secret)
VAESEARCH_MLFLOW_PASSWORD=$(secret)

# MLflow: its administrator, whom searches write as; what signs its sessions; what its own vault is
# encrypted with.
MLFLOW_TRACKING_USERNAME=vaesearch
MLFLOW_TRACKING_PASSWORD=$(secret)
MLFLOW_FLASK_SERVER_SECRET_KEY=$(secret)
MLFLOW_CRYPTO_KEK_PASSPHRASE=$(secret)

# Ray: who knows this token may run code on every machine. KubeRay reads it under the second name.
RAY_AUTH_TOKEN=$token
auth_token=$token
END

echo "Wrote $PWD/.env, which only you can read. Next:"
echo "    docker compose up --detach --build"
echo "or, on Kubernetes: kubectl create secret generic vaesearch --from-env-file=.env"
