#!/usr/bin/env bash
# Puts a backup into an empty data directory.
#
#   deploy/restore.sh BACKUP DATA_DIR [ERASURES_LOG ...]
#
# Refuses a directory that holds anything, and a backup whose checksums do not fit. A PostgreSQL dump is restored into the database that
# REJOINDER_FEEDBACK__DATABASE_URL names, which must be empty. The store is migrated if this version is newer, and what was erased after
# the backup was made is erased again: as the logs of all backups beside this one tell, and those named, such as erasures/log.jsonl of the
# directory that is replaced.
set -euo pipefail
umask 077
backup=${1:?usage: restore.sh BACKUP DATA_DIR [ERASURES_LOG ...]}
data=${2:?usage: restore.sh BACKUP DATA_DIR [ERASURES_LOG ...]}
shift 2
for log in "$@"; do
  [ -f "$log" ] || { echo "restore: no log of erasures at $log" >&2; exit 1; }
done
root=$(cd "$(dirname "$0")/.." && pwd)
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
logs=("$@")
for log in "$(dirname "$backup")"/*/erasures/log.jsonl; do
  if [ -f "$log" ]; then logs+=("$log"); fi
done
if [ ${#logs[@]} -gt 0 ]; then
  mkdir -p "$data/erasures"
  sort -u "${logs[@]}" >"$data/erasures/log.jsonl.all"
  mv "$data/erasures/log.jsonl.all" "$data/erasures/log.jsonl"
  status=0 # 3: the backup holds nothing of what was erased
  "$root/.venv/bin/python" "$root/rejoinder.py" erase --again --data-dir "$data" || status=$?
  [ "$status" -eq 0 ] || [ "$status" -eq 3 ] || { echo "restore: what was erased stands in $data again: see above" >&2; exit 1; }
fi
echo "restored into $data; start it with: rejoinder up --data-dir $data"
for name in rejoinder.toml settings.env; do
  if [ -f "$data/$name" ]; then echo "its settings are in $data/$name: put them where this installation reads its own"; fi
done
