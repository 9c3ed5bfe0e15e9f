#!/usr/bin/env bash
# Run the browser tests in Chromium; as root on Debian or Ubuntu, install it where it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

install_chromium
scripts/npm.sh
# In one process: each one would start a demo and a browser. To read other files, which have no test
# of a browser, takes longer than some test.
.venv/bin/python -m pytest -m e2e tests/admin/*_browser.py tests/e2e tests/integration/*_browser.py tests/*_themes.py "$@"
