#!/usr/bin/env bash
# Compare with AWS's own signer for JavaScript.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/javascript_signer.sh
.venv/bin/python -m pytest -m js tests/signing "$@"
