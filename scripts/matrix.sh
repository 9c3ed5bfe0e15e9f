#!/usr/bin/env bash
# Run the tests on every supported pair of Python and Django, and on the newest boto3.
# usage: scripts/matrix.sh [TOX ARGUMENT...], for example: scripts/matrix.sh -e py312-django60
set -euo pipefail
cd "$(dirname "$0")/.."

# pyenv's python3.12 exists on PATH, but starts only while PYENV_VERSION lists a 3.12.
if command -v pyenv > /dev/null; then
  PYENV_VERSION=$(pyenv versions --bare | grep -E '^3\.(11|12|13)\.[0-9]+$' | paste -sd:)
  export PYENV_VERSION
fi
# A missing interpreter is reported, not fetched.
export UV_PYTHON_DOWNLOADS=${UV_PYTHON_DOWNLOADS:-never}

# A laptop may lack an interpreter: tox then says which run it skipped. CI must have them all.
skip_missing=true
if [[ ${CI:-} == true ]]; then
  skip_missing=false
fi
.venv/bin/tox run --skip-missing-interpreters "$skip_missing" "$@"
