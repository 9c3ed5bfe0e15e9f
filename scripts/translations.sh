#!/usr/bin/env bash
# Compare the catalogs with the texts of the code; as root on Debian or Ubuntu, install GNU gettext
# where it is missing: without it, make test leaves that comparison out.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

if ! command -v xgettext > /dev/null; then
  install_packages "The test of the translations needs GNU gettext." gettext
fi
.venv/bin/python -m pytest tests/admin/test_translation.py "$@"
