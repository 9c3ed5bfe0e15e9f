#!/usr/bin/env bash
# Run the browser tests in Chromium; as root on Debian or Ubuntu, install it where it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

if ! command -v chromium > /dev/null; then
  # The demo has a file with a Korean name.
  install_packages "The browser tests need Chromium on PATH." chromium fonts-noto-cjk
fi
# They wait more than they work.
.venv/bin/python -m pytest -n 2 --dist loadfile -m e2e "$@"
