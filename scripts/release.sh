#!/usr/bin/env bash
# Build the wheel and the sdist of a release into dist/, and test these files.
# Nothing is published: RELEASING.md has the rest.
# If the environment has TAG, it must name the version.
set -euo pipefail
cd "$(dirname "$0")/.."

refuse() {
  echo "$1" >&2
  exit 1
}

version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
if [[ ${TAG:-v$version} != "v$version" ]]; then
  refuse "The tag is $TAG, and pyproject.toml has version = \"$version\". Tag v$version, or set the version."
fi
if ! grep --quiet --extended-regexp "^## \[${version//./\\.}\] - [0-9]{4}-[0-9]{2}-[0-9]{2}$" CHANGELOG.md; then
  refuse "CHANGELOG.md has no heading \"## [$version] - YYYY-MM-DD\". Write it below \"## [Unreleased]\"."
fi
if sed '1,/^## \[Unreleased\]/d; /^## /,$d' CHANGELOG.md | grep --quiet .; then
  refuse "CHANGELOG.md still has changes under \"## [Unreleased]\". Move them to \"## [$version]\"."
fi

rm -rf dist
# Only what has these hashes takes part: whoever builds it again gets the same sums.
tools=$PWD/.cache/release
.venv/bin/uv venv --quiet --clear --python .venv/bin/python "$tools"
.venv/bin/uv pip install --quiet --python "$tools" --require-hashes --requirement constraints/build.txt
PATH=$tools/bin:$PATH python -m build --no-isolation --outdir dist
CFSIGNED_TEST_DIST=$PWD/dist CFSIGNED_TEST_INSTALL=$(echo "$PWD"/dist/*.whl) \
  .venv/bin/python -m pytest -m package tests/test_package.py tests/test_tutorial.py
(cd dist && sha256sum -- *)
# What the package depends on, for who keeps such lists. Not into dist/, which goes to the index.
.venv/bin/uv export --quiet --preview-features sbom-export --format cyclonedx1.5 --no-dev \
  --output-file build/sbom.cdx.json > /dev/null
rm uv.lock
