#!/usr/bin/env bash
# Run the browser tests in Chromium; as root on Debian or Ubuntu, install it where it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

install_chromium
scripts/npm.sh
# In one process: each one would start a demo and a browser. Other folders have none; to read them all
# takes longer than some test.
.venv/bin/python -m pytest -m e2e tests/admin tests/e2e tests/integration/*_in_a_browser.py tests/test_*.py "$@"
