#!/usr/bin/env bash
# Run what a release of Python or Django may change on other versions of these, and what knows AWS on
# the newest boto3 and cryptography; [tool.tox] in pyproject.toml names the files, and the two ends on
# which all run. Two of the pairs look at the admin in Chromium.
# usage: scripts/matrix.sh [TOX ARGUMENT...], for example: scripts/matrix.sh -e py312-django60
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

# pyenv puts a stub for each python3.x on PATH, which starts only where pyenv's own settings list
# that version. The interpreters themselves lie here.
if command -v pyenv > /dev/null; then
  for folder in "$(pyenv root)"/versions/3.1[1234].*/bin; do
    PATH=$folder:$PATH
  done
fi
# A missing interpreter is reported, not fetched.
export UV_PYTHON_DOWNLOADS=${UV_PYTHON_DOWNLOADS:-never}

# On its own pair, make test runs everything. make libraries names its environments.
if (( $# == 0 )); then
  set -- --skip-env "$(.venv/bin/python -c 'import sys, django; print("py3%d-django%d%d" % (sys.version_info.minor, *django.VERSION[:2]))')"
  install_chromium
elif [[ $* == *django52* || $* == *py313-django61* || $* == *py313-libraries* ]]; then
  install_chromium
fi
if [[ $* == *py313-libraries* ]]; then
  scripts/npm.sh
fi

# A machine may lack an interpreter: tox then says which run it skipped. If uv may fetch them, none
# may be missing.
skip_missing=false
if [[ $UV_PYTHON_DOWNLOADS == never ]]; then
  skip_missing=true
fi
.venv/bin/tox run --quiet --skip-missing-interpreters "$skip_missing" "$@"
