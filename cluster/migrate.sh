#!/usr/bin/env bash
# Makes the tables of both databases, or brings them up to date. Run before everything else at
# every start; where nothing is to be done, nothing is.
set -euo pipefail

: "${VAESEARCH_STUDY_URL:?}" "${MLFLOW_BACKEND_STORE_URI:?}"

vaesearch migrate

# MLflow's accounts are in its own database: the two histories of tables have a record each
# (alembic_version, alembic_version_auth) and no table in common. Runs come first, because MLflow
# takes a database that has any table to be one of its older ones.
mlflow db upgrade "$MLFLOW_BACKEND_STORE_URI"
python -m mlflow.server.auth db upgrade --url "$MLFLOW_BACKEND_STORE_URI"
