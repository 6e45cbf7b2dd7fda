#!/usr/bin/env bash
# Puts a backup into an empty data directory.
#
#   deploy/restore.sh BACKUP DATA_DIR
#
# Refuses a directory that holds anything, and a backup whose checksums do not fit. A PostgreSQL dump is restored into the database that
# REJOINDER_FEEDBACK__DATABASE_URL names, which must be empty. The next `rejoinder up` migrates the store if this version is newer.
set -euo pipefail
umask 077
backup=${1:?usage: restore.sh BACKUP DATA_DIR}
data=${2:?usage: restore.sh BACKUP DATA_DIR}
[ -f "$backup/SHA256SUMS" ] || { echo "restore: $backup is no backup (no SHA256SUMS)" >&2; exit 1; }
if [ -d "$data" ] && [ -n "$(ls -A "$data")" ]; then
  echo "restore: $data is not empty; name another directory or move it away" >&2
  exit 1
fi
(cd "$backup" && sha256sum --quiet --check SHA256SUMS) || { echo "restore: $backup is damaged" >&2; exit 1; }
mkdir -p "$data"
if [ -f "$backup/store.dump" ]; then
  url=${REJOINDER_FEEDBACK__DATABASE_URL:?restore: the backup holds a PostgreSQL dump; set REJOINDER_FEEDBACK__DATABASE_URL}
  pg_restore --exit-on-error --no-owner --dbname="${url/postgresql+psycopg:/postgresql:}" "$backup/store.dump"
fi
for path in "$backup"/*; do
  case $(basename "$path") in SHA256SUMS | store.dump) ;; *) cp -a "$path" "$data/" ;; esac
done
echo "restored into $data; start it with: rejoinder up --data-dir $data"
for name in rejoinder.toml settings.env; do
  if [ -f "$data/$name" ]; then echo "its settings are in $data/$name: put them where this installation reads its own"; fi
done
