#!/usr/bin/env bash
# Install what tests take from npm into a folder that git ignores, where it is not there yet: AWS's
# own signer for JavaScript, axe-core, which looks for barriers on pages, and Uppy, which uploads.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=("@aws-sdk/cloudfront-signer@3.1166.0" "axe-core@4.14.1" "uppy@6.0.1")
if ! command -v node > /dev/null || ! command -v npm > /dev/null; then
  echo "These tests need node and npm. On Debian: apt-get install nodejs npm" >&2
  exit 1
fi
# Loaded, and not only looked at: an install that was interrupted leaves its dependencies out.
is_installed() {
  local installed=tests/js/node_modules/${1%@*}/package.json
  grep -qs "\"version\": \"${1##*@}\"" "$installed" &&
    (cd tests/js && node --input-type=module --eval "await import('${1%@*}')") 2> /dev/null
}
for package in "${packages[@]}"; do
  if ! is_installed "$package"; then
    # All at once: npm removes what it is not told.
    exec npm install --prefix tests/js --no-save --no-package-lock --no-audit --no-fund \
      --ignore-scripts --loglevel error "${packages[@]}"
  fi
done
