#!/usr/bin/env bash
# Pin the newest versions that fit pyproject.toml into constraints/: versions only, so that the
# files hold for every mirror and every machine.
set -euo pipefail
cd "$(dirname "$0")/.."

resolved=$(mktemp)
trap 'rm -f "$resolved"' EXIT

compile=(.venv/bin/uv pip compile --no-annotate --no-header --quiet)
"${compile[@]}" pyproject.toml --group dev --group fuzz --group libraries --universal --upgrade \
  --python-version 3.11 --output-file "$resolved"

pin() { # pin FILE COMMENT < lines
  { echo "# $2"; cat; } > "constraints/$1"
}

aws='^(boto3|botocore|s3transfer)=='
django='^django=='
cryptography='^cryptography=='
grep -Ev "$aws|$cryptography|$django" "$resolved" \
  | pin tools.txt "Written by make constraints: what the other files here do not name."
grep -E "$cryptography" "$resolved" | pin cryptography.txt "Written by make constraints."
grep -E "$aws" "$resolved" | pin boto3.txt "Written by make constraints: the boto3 that ministack asks for."
grep -E "$django" "$resolved" | pin django.txt "Written by make constraints: the newest Django for each Python."
"${compile[@]}" --group package --constraint constraints/tools.txt --universal --python-version 3.11 \
  --generate-hashes | pin build.txt "Written by make constraints: what builds a release, with its hashes."
# A boto3 of 1.40 takes any newer botocore of 1.40: the oldest is the one with the same number.
sed -nE 's/^  "boto3>=(.*)",$/boto3==\1\nbotocore==\1/p; s/^  "cryptography>=(.*)",$/cryptography==\1/p' \
  pyproject.toml | pin oldest.txt "Written by make constraints: the oldest that pyproject.toml allows."
echo 'django>=6.0,<6.1' | "${compile[@]}" - --upgrade --python-version 3.12 | grep -E "$django" \
  | pin django60.txt "Written by make constraints: the Django between the two."
