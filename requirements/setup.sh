#!/usr/bin/env bash
# Makes .venv from the version locks. A second call with unchanged locks ends in a fraction of a second.
#
#   requirements/setup.sh          what `rejoinder up` needs
#   requirements/setup.sh dev      and what the tests and checks need
#
# Uses cuda.txt where nvidia-smi answers, else cpu.txt; LOCK=requirements/cpu.txt chooses by hand.
set -euo pipefail
cd "$(dirname "$0")/.."

TORCH_CPU_INDEX=https://download.pytorch.org/whl/cpu
VENV=${VENV:-.venv}
if [ -z "${LOCK:-}" ]; then
  if nvidia-smi -L >/dev/null 2>&1; then LOCK=requirements/cuda.txt; else LOCK=requirements/cpu.txt; fi
fi
locks=("$LOCK")
if [ "${1:-}" = dev ]; then locks+=(requirements/dev.txt); fi

# The stamp holds the hash of what was installed: the dev set includes the plain one, so its stamp serves both.
hash_of() { cat "$@" pyproject.toml | sha256sum | cut -c1-64; }
want=$(hash_of "${locks[@]}")
have=$(cat "$VENV/.stamp" 2>/dev/null || true)
if [ -x "$VENV/bin/python" ] && { [ "$have" = "$want" ] || [ "$have" = "$(hash_of "$LOCK" requirements/dev.txt)" ]; }; then
  exit 0
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
say() { printf '%s %3d s  %s\n' "setup" "$SECONDS" "$*"; }

# Runs pip with its output in a log and prints how far it is, so that two quiet minutes do not look like a hang.
pip_install() { # title, number of packages, arguments
  local title=$1 total=$2
  shift 2
  "$VENV/bin/python" -m pip install --disable-pip-version-check --no-input --no-compile --no-deps "$@" >"$log" 2>&1 &
  local pid=$! last=0 done_count state
  trap 'kill "$pid" 2>/dev/null || true; rm -f "$log"; exit 130' INT TERM
  while kill -0 "$pid" 2>/dev/null; do
    sleep 0.5
    if [ $((SECONDS - last)) -ge 10 ]; then
      last=$SECONDS
      done_count=$(grep -c -E '^(Collecting|Processing|Requirement already satisfied)' "$log" || true)
      state="$done_count of $total packages found"
      if grep -q '^Installing collected packages' "$log"; then state="unpacking"; fi
      say "$title: $state"
    fi
  done
  trap 'rm -f "$log"' EXIT
  trap - INT TERM
  wait "$pid"
}

fail() {
  tail -n 15 "$log" >&2
  echo "setup failed after $SECONDS s: $1" >&2
  exit 1
}

# The supported Pythons that answer, one of each, the newest first; of PYTHON, if it is set, only that one.
list_pythons() {
  local name version
  for name in ${PYTHON:-python3.13 python3.12 python3.11 python3 python}; do
    version=$("$name" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue
    case "$version" in 3.11 | 3.12 | 3.13) echo "$version $(command -v "$name")" ;; esac
  done | sort -s -r -V -k 1,1 -u | cut -d ' ' -f 2
}

# From the configured index or, where that has no CPU build, from PyTorch's own.
install_torch() {
  if pip_install torch 1 --only-binary=:all: "$torch"; then return; fi
  case $torch in *+cpu) ;; *) return 1 ;; esac
  say "the configured index has no $torch for this Python: asking PyTorch's own CPU index"
  pip_install torch 1 --only-binary=:all: --retries 1 --extra-index-url "$TORCH_CPU_INDEX" "$torch"
}

torch=$(grep -E '^torch==' "$LOCK")
pythons=$(list_pythons)
# A whole environment keeps its Python: only its packages changed.
if [ -f "$VENV/.stamp" ] && [ -n "$(PYTHON="$VENV/bin/python" list_pythons)" ]; then pythons=$VENV/bin/python; fi
if [ -z "$pythons" ]; then
  echo "setup needs Python 3.11, 3.12 or 3.13, and none is on the path (python3 is: $(python3 -V 2>&1 || echo missing))." >&2
  echo "Install one (Debian, Ubuntu: apt-get install python3 python3-venv) or name it: make setup PYTHON=/path/to/python3.12" >&2
  exit 1
fi
found=
for python in $pythons; do
  version=$("$python" -V)
  if [ "$python" != "$VENV/bin/python" ]; then
    say "virtual environment in $VENV with $python"
    rm -rf "$VENV"
    if ! "$python" -m venv "$VENV" >"$log" 2>&1; then
      say "passed over $version: it has no venv module (Debian, Ubuntu: apt-get install python3-venv)"
      continue
    fi
  fi
  say "$torch for $version"
  if install_torch; then
    found=yes
    break
  fi
  # Another failure than a missing build, a full disk say, would be the same with an older Python. Where pip has constraints,
  # it calls a missing build a conflict with them.
  grep -q -E '^ERROR: (No matching distribution|Could not find a version|Cannot install torch)' "$log" || fail "cannot install $torch; is the network up?"
  say "passed over $version: the index offers no $torch for it"
done
[ -n "$found" ] || fail "no Python here can have $torch, for the reasons above; is the network up?"

arguments=()
for lock in "${locks[@]}"; do arguments+=(-r "$lock"); done
total=$(cat "${locks[@]}" | grep -c -E '^[A-Za-z0-9]')
say "$total packages of ${locks[*]}"
pip_install packages "$total" "${arguments[@]}" || fail "pip could not install ${locks[*]}; the lines above say which package"
# pip compiles on one core; all of them take half as long. Tests of packages are never imported. Some files are for newer Pythons.
say "compiling"
"$VENV/bin/python" -m compileall -q -j 0 -x '/tests?/' "$VENV/lib" >/dev/null 2>&1 || true
# Puts `rejoinder` on the environment's path, pointing at this checkout.
pip_install rejoinder 1 --no-build-isolation --config-settings editable_mode=compat -e . || fail "cannot install the rejoinder command"
echo "$want" >"$VENV/.stamp"
say "done: $VENV"
