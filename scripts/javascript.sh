#!/usr/bin/env bash
# Compare with AWS's own signer for JavaScript.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/npm.sh
.venv/bin/python -m pytest -m js tests/signing tests/vectors "$@"
