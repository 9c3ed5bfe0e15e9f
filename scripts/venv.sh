#!/usr/bin/env bash
# Make .venv where there is none, and install the project into it with pinned versions.
# usage: scripts/venv.sh [PIP ARGUMENT...], for example: scripts/venv.sh --group test
set -euo pipefail
cd "$(dirname "$0")/.."

is_suitable() {
  "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null
}

find_python() {
  local candidate
  for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11}; do
    if is_suitable "$candidate"; then
      echo "$candidate"
      return
    fi
  done
  echo "cfsigned_django needs Python 3.11 or newer; tried: ${PYTHON:-python3, python3.13, python3.12, python3.11}." >&2
  echo "Install one, or name it: make PYTHON=/path/to/python3.12 ..." >&2
  return 1
}

make_venv() {
  local python=$1
  rm -rf .venv
  if "$python" -c 'import ensurepip, venv' 2> /dev/null && "$python" -m venv .venv; then
    return
  fi
  # Debian keeps venv's ensurepip in a package of its own. virtualenv, in a folder of the project,
  # does the same and leaves the system's Python as it is.
  rm -rf .venv
  if "$python" -m pip install --quiet --target .cache/virtualenv virtualenv 2> /dev/null; then
    PYTHONPATH=.cache/virtualenv "$python" -m virtualenv --quiet .venv
    return
  fi
  echo "$python has neither venv nor pip. On Debian and Ubuntu: apt-get install python3-venv" >&2
  return 1
}

if ! is_suitable .venv/bin/python; then
  python=$(find_python)
  echo "Making .venv with $("$python" --version)"
  make_venv "$python"
fi

if [[ " $* " == *" dev "* ]]; then
  # The checks need uv, which installs all the rest in a tenth of pip's time.
  .venv/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints/default.txt uv
  install=(.venv/bin/uv pip install --quiet --python .venv/bin/python)
else
  # --group (PEP 735) needs pip 25.1; what comes with Debian's Python is older.
  .venv/bin/python -m pip install --quiet --disable-pip-version-check 'pip>=25.1'
  # Python compiles what it imports, when it does; to compile all takes longer than the installation.
  install=(.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-compile)
fi
"${install[@]}" --constraint constraints/default.txt --editable . --group demo "$@"
