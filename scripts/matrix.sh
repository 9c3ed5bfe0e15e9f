#!/usr/bin/env bash
# Run the tests on every supported pair of Python and Django, and on the newest boto3.
# usage: scripts/matrix.sh [TOX ARGUMENT...], for example: scripts/matrix.sh -e py312-django60
set -euo pipefail
cd "$(dirname "$0")/.."

# pyenv puts a stub for each python3.x on PATH, which starts only where pyenv's own settings list
# that version. The interpreters themselves lie here.
if command -v pyenv > /dev/null; then
  for folder in "$(pyenv root)"/versions/3.1[123].*/bin; do
    PATH=$folder:$PATH
  done
fi
# A missing interpreter is reported, not fetched.
export UV_PYTHON_DOWNLOADS=${UV_PYTHON_DOWNLOADS:-never}

# What make test has just run on its own Python is not run again.
here=$(.venv/bin/python -c 'import sys, django; print("py3%d-django%d%d" % (sys.version_info.minor, *django.VERSION[:2]))')
if (( $# == 0 )); then
  set -- -e "$(.venv/bin/tox list --no-desc | grep --invert-match --line-regexp "$here" | paste --serial --delimiters=,)"
fi

# A laptop may lack an interpreter: tox then says which run it skipped. CI must have them all.
skip_missing=true
if [[ ${CI:-} == true ]]; then
  skip_missing=false
fi
.venv/bin/tox run --quiet --skip-missing-interpreters "$skip_missing" "$@"
