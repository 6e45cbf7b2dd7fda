#!/usr/bin/env bash
# Measures training on a GPU in ten minutes at most, on a machine with Python 3.12 and its own torch for CUDA and
# nothing else: no network, no vLLM, no environment of this checkout.
#
#   bench/gpu.sh --fetch [FOLDER]   on a machine with an index and `make setup` done: the wheels for the other one
#   bench/gpu.sh [options]          on that machine; the options are those of `python -m bench.gpu --help`
#   bench/gpu.sh --tiny             the same parts on this machine's CPU, with a toy model
#   bench/gpu.sh --sleep FOLDER     what an engine that rests frees of the GPU, with the base in FOLDER; needs vLLM for CUDA
#
# The wheels travel in bench/wheels, or in FOLDER, which WHEELS names on the other machine. WITHOUT="pyarrow scipy" leaves
# out what that machine has in a version that fits. PYTHON is the Python that has torch.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" = --fetch ]; then
  exec .venv/bin/python -m bench.gpu_wheels "${2:-bench/wheels}" --without ${WITHOUT:-}
fi

if [ "${1:-}" = --sleep ]; then
  exec "${PYTHON:-python3}" -m bench.sleep --base-model "$2" "${@:3}"
fi

started=$SECONDS
python=${PYTHON:-python3}
wheels=${WHEELS:-bench/wheels}
if compgen -G "$wheels/*.whl" >/dev/null; then
  # A folder on the path: in a machine whose torch lies in an environment of its own, a new one would not see it.
  packages=$(mktemp -d)
  trap 'rm -rf "$packages"' EXIT
  "$python" -m pip install --quiet --no-index --no-deps --no-compile --disable-pip-version-check \
    --target "$packages" --find-links "$wheels" "$wheels"/*.whl
  export PYTHONPATH="$packages${PYTHONPATH:+:$PYTHONPATH}"
fi
"$python" -m bench.gpu --already "$((SECONDS - started))" "$@"
