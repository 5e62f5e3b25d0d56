#!/usr/bin/env bash
# The MLflow server, which lets in only whom it knows. Everything is in the environment:
#   MLFLOW_BACKEND_STORE_URI, PGPASSWORD      its database, and the password of its role
#   MLFLOW_AUTH_ADMIN_USERNAME, _PASSWORD     the first account, made at the first start
#   MLFLOW_FLASK_SERVER_SECRET_KEY            signs the sessions of its pages
#   MLFLOW_ARTIFACTS                          a folder or s3://bucket/path
#   MLFLOW_HOSTS                              names it may be called by; browsers send them (Host:)
set -euo pipefail

: "${MLFLOW_BACKEND_STORE_URI:?}" "${MLFLOW_ARTIFACTS:?}" "${MLFLOW_HOSTS:?}" \
    "${MLFLOW_AUTH_ADMIN_USERNAME:?}" "${MLFLOW_AUTH_ADMIN_PASSWORD:?}" \
    "${MLFLOW_FLASK_SERVER_SECRET_KEY:?}"

folder=$(mktemp -d)
export MLFLOW_AUTH_CONFIG_PATH=$folder/basic_auth.ini
# A percent sign begins a reference in this format.
cat >"$MLFLOW_AUTH_CONFIG_PATH" <<END
[mlflow]
database_uri = ${MLFLOW_BACKEND_STORE_URI//%/%%}
default_permission = READ
authorization_function = mlflow.server.auth:authenticate_request_basic_auth
auth_cache_ttl_seconds = 60
END

# Any port of each, since a tunnel or a proxy may change it. MLflow's own pages are "another site"
# to it as soon as they are opened by a name that it was not told.
hosts=() origins=()
IFS=', ' read -ra names <<<"$MLFLOW_HOSTS"
for name in "${names[@]}"; do
    hosts+=("$name" "$name:*")
    origins+=("http://$name" "http://$name:*" "https://$name" "https://$name:*")
done
joined() { (IFS=, && echo "$*"); }

exec mlflow server \
    --host "${MLFLOW_LISTEN:-0.0.0.0}" --port "${MLFLOW_PORT:-5000}" --workers 2 \
    --app-name basic-auth \
    --serve-artifacts --artifacts-destination "$MLFLOW_ARTIFACTS" \
    --allowed-hosts "$(joined "${hosts[@]}")" \
    --cors-allowed-origins "$(joined "${origins[@]}")"
