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

find_python() {
  local name
  for name in ${PYTHON:-} python3.11 python3 python; do
    if "$name" -c 'import sys; raise SystemExit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
      command -v "$name"
      return
    fi
  done
  echo "setup needs Python 3.11, and neither python3.11 nor python3 is one (python3 is: $(python3 -V 2>&1 || echo missing))." >&2
  echo "Install it (Debian, Ubuntu: apt-get install python3.11 python3.11-venv) or name it: make setup PYTHON=/path/to/python3.11" >&2
  exit 1
}

if ! "$VENV/bin/python" -c 'import sys; raise SystemExit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
  python=$(find_python)
  say "virtual environment in $VENV with $python"
  rm -rf "$VENV"
  "$python" -m venv "$VENV" >"$log" 2>&1 || fail "no venv module here (Debian, Ubuntu: apt-get install python3.11-venv)"
fi

torch=$(grep -E '^torch==' "$LOCK")
say "$torch"
if ! pip_install torch 1 "$torch"; then
  case $torch in
    *+cpu)
      say "the configured index has no $torch: asking PyTorch's own CPU index"
      pip_install torch 1 --extra-index-url "$TORCH_CPU_INDEX" "$torch" || fail "cannot install $torch; is the network up?"
      ;;
    *) fail "cannot install $torch; is the network up?" ;;
  esac
fi

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
