#!/usr/bin/env bash
# Run the browser tests in Chromium; as root on Debian or Ubuntu, install it where it is missing.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(chromium fonts-noto-cjk) # The demo has a file with a Korean name.

if ! command -v chromium > /dev/null; then
  if [[ $(id -u) != 0 ]] || ! command -v apt-get > /dev/null; then
    echo "The browser tests need Chromium on PATH. On Debian: apt-get install ${packages[*]}" >&2
    exit 1
  fi
  apt-get update --quiet --quiet
  DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes --no-install-recommends "${packages[@]}"
fi
.venv/bin/python -m pytest -m e2e "$@"
