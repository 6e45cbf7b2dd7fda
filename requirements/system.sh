#!/usr/bin/env bash
# Installs what the `real` tests use besides Python packages: PostgreSQL, Chromium, nginx, Redis and a font with Chinese characters.
# Needs apt and root (or sudo without a password); elsewhere it says what is missing and the tests that need it say so too.
set -euo pipefail

have_postgres() { command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null; }
have_chromium() { command -v chromium-headless-shell >/dev/null; }
have_nginx() { command -v nginx >/dev/null || [ -x /usr/sbin/nginx ]; }
have_redis() { command -v redis-server >/dev/null || command -v valkey-server >/dev/null; }
have_font() { compgen -G '/usr/share/fonts/*/noto/NotoSansCJK*' >/dev/null || { command -v fc-list >/dev/null && [ -n "$(fc-list :lang=zh)" ]; }; }

missing=()
have_postgres || missing+=(postgresql)
have_chromium || missing+=(chromium-headless-shell)
have_nginx || missing+=(nginx)
have_redis || missing+=(redis-server)
have_font || missing+=(fonts-noto-cjk)
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi

say() { printf '%s %3d s  %s\n' "system" "$SECONDS" "$*"; }
skip() {
  say "not installed: ${missing[*]} ($1); the tests that need them will be skipped and say why"
  exit 0
}

command -v apt-get >/dev/null || skip "no apt here: install them with your system's package manager"
if [ "$(id -u)" = 0 ]; then
  root=()
elif sudo -n true 2>/dev/null; then
  root=(sudo -n)
else
  skip "no root here: run  sudo apt-get install ${missing[*]}"
fi
say "apt-get install ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
"${root[@]}" apt-get update >"$log" 2>&1 || say "apt-get update failed: trying with the lists at hand"
if ! "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}" >"$log" 2>&1; then
  tail -n 5 "$log"
  skip "apt-get install failed, see above"
fi
say "done"
