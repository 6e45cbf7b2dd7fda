#!/usr/bin/env bash
# Copies a running instance into a new folder and proves that the copy opens.
#
#   deploy/backup.sh DATA_DIR BACKUP_DIR      prints the folder it made
#
# The SQLite store is copied through SQLite's online backup, so writers need not stop; a PostgreSQL store is dumped with pg_dump when
# REJOINDER_FEEDBACK__DATABASE_URL names one. The rest is immutable files. endpoint.json (the engine's key of this start), logs
# and uploads that are not imported yet are left out. The settings (REJOINDER_CONFIG, else rejoinder.toml where this runs) lie in it as rejoinder.toml, variables as settings.env.
# The copy holds everything people wrote, keys and passwords: keep it as private as the original.
set -euo pipefail
umask 077
data=${1:?usage: backup.sh DATA_DIR BACKUP_DIR}
target=${2:?usage: backup.sh DATA_DIR BACKUP_DIR}/$(date -u +%Y%m%dT%H%M%SZ)
python=$(cd "$(dirname "$0")/.." && pwd)/.venv/bin/python
[ -d "$data" ] || { echo "backup: no data directory at $data" >&2; exit 1; }
[ ! -e "$target" ] || { echo "backup: $target exists already" >&2; exit 1; }
partial=$target.partial
mkdir -p "$partial"
trap 'rm -rf "$partial"' EXIT

url=${REJOINDER_FEEDBACK__DATABASE_URL:-}
# The store comes first: files that it names are on disk before the row that names them.
if [[ $url == postgresql* ]]; then
  pg_dump --format=custom --file="$partial/store.dump" "${url/postgresql+psycopg:/postgresql:}"
  pg_restore --list "$partial/store.dump" >/dev/null
else
  "$python" - "$data/rejoinder.db" "$partial/rejoinder.db" <<'PY'
import sqlite3, sys

source = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True, timeout=60)
copy = sqlite3.connect(sys.argv[2])
source.backup(copy)
found = copy.execute("PRAGMA integrity_check").fetchone()[0]
if found != "ok":
    sys.exit(f"backup: the copy is damaged: {found}")
PY
fi
for name in secret.key redaction.key manifest.json adapters datasets runs erasures; do
  if [ -e "$data/$name" ]; then cp -a "$data/$name" "$partial/"; fi
done
# Settings: the file, and the variables that win over it where this runs with those of the service.
config=${REJOINDER_CONFIG:-rejoinder.toml}
if [ -f "$config" ]; then cp "$config" "$partial/rejoinder.toml"; fi
if variables=$(env | grep '^REJOINDER_'); then printf '%s\n' "$variables" >"$partial/settings.env"; fi
# Checkpoints only serve a run that is under way.
find "$partial" -type d -name checkpoints -prune -exec rm -rf {} +
(cd "$partial" && find . -type f ! -name SHA256SUMS -print0 | sort -z | xargs -0 sha256sum) >"$partial/SHA256SUMS"
mv "$partial" "$target"
echo "$target"
