#!/usr/bin/env bash
# Install AWS's own signer for JavaScript into a folder that git ignores, where it is not there yet.
set -euo pipefail
cd "$(dirname "$0")/.."

version=3.1166.0
if ! command -v node > /dev/null || ! command -v npm > /dev/null; then
  echo "AWS's JavaScript signer needs node and npm. On Debian: apt-get install nodejs npm" >&2
  exit 1
fi
# Loaded, and not only looked at: an install that was interrupted leaves its dependencies out.
loads() {
  (cd tests/js && node --input-type=module --eval 'await import("@aws-sdk/cloudfront-signer")') \
    2> /dev/null
}
if grep -qs "\"version\": \"$version\"" tests/js/node_modules/@aws-sdk/cloudfront-signer/package.json &&
  loads; then
  exit
fi
npm install --prefix tests/js --no-save --no-package-lock --no-audit --no-fund --ignore-scripts \
  --loglevel error "@aws-sdk/cloudfront-signer@$version"
