#!/usr/bin/env bash
# Compare with AWS's own signer for JavaScript, installed into a folder that git ignores.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v npm > /dev/null; then
  echo "The comparison with AWS's JavaScript signer needs node and npm. On Debian: apt-get install nodejs npm" >&2
  exit 1
fi
npm install --prefix tests/js --no-save --no-package-lock --no-audit --no-fund --ignore-scripts \
  --loglevel error @aws-sdk/cloudfront-signer@3.1166.0
.venv/bin/python -m pytest -m js "$@"
