#!/bin/sh
# Run once by the PostgreSQL image, on an empty volume: the desk's two roles, its database, its extensions.
# Any other PostgreSQL is prepared with the same statements.
set -eu

psql --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname=postgres \
    --set=owner_password="$OWNER_PASSWORD" --set=app_password="$APP_PASSWORD" <<'SQL'
CREATE ROLE helpdesk_owner LOGIN PASSWORD :'owner_password';
CREATE ROLE helpdesk_app LOGIN PASSWORD :'app_password';
CREATE DATABASE helpdesk OWNER helpdesk_owner;
REVOKE ALL ON DATABASE helpdesk FROM PUBLIC;
GRANT CONNECT, TEMPORARY ON DATABASE helpdesk TO helpdesk_app;
\connect helpdesk
CREATE EXTENSION vector;
CREATE EXTENSION pg_trgm;
CREATE EXTENSION unaccent;
CREATE EXTENSION citext;
CREATE EXTENSION btree_gin;
ALTER SCHEMA public OWNER TO helpdesk_owner;
GRANT USAGE ON SCHEMA public TO helpdesk_app;
SQL
