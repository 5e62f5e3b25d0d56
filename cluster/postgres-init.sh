#!/usr/bin/env bash
# Two databases and two roles, each the owner of its own and without access to the other. The
# official PostgreSQL image runs this once, when it makes an empty data folder.
set -euo pipefail

: "${VAESEARCH_STUDY_PASSWORD:?}" "${VAESEARCH_MLFLOW_PASSWORD:?}"

# psql reads the passwords itself: on its command line every process could.
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 \
    --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'END'
\getenv study_password VAESEARCH_STUDY_PASSWORD
\getenv mlflow_password VAESEARCH_MLFLOW_PASSWORD
CREATE ROLE study LOGIN PASSWORD :'study_password';
CREATE ROLE mlflow LOGIN PASSWORD :'mlflow_password';
CREATE DATABASE study OWNER study;
CREATE DATABASE mlflow OWNER mlflow;
REVOKE ALL ON DATABASE study, mlflow, postgres, template1 FROM PUBLIC;
END
