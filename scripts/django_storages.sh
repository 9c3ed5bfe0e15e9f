#!/usr/bin/env bash
# Run django-storages' own tests of its S3 backend with CloudFrontS3Storage in the place of S3Storage.
# They come with its source distribution, and need a moto that still has mock_s3: hence an
# environment of their own, in a folder that git ignores.
set -euo pipefail
cd "$(dirname "$0")/.."

version=1.14.6
folder=.cache/django-storages
uv=.venv/bin/uv

if [[ ! -d $folder/tests ]]; then
  mkdir -p "$folder"
  .venv/bin/python -m pip download --quiet --disable-pip-version-check --no-deps --no-binary :all: \
    --dest "$folder" "django-storages==$version"
  tar -xzf "$folder/django_storages-$version.tar.gz" -C "$folder" --strip-components=1 \
    "django_storages-$version/tests"
fi
"$uv" venv --quiet --clear --python .venv/bin/python "$folder/environment"
"$uv" pip install --quiet --python "$folder/environment" --editable . \
  --constraint constraints/tools.txt --constraint constraints/django.txt \
  "django-storages==$version" 'moto[s3]==4.2.14' 'rsa>=4.9' pytest pytest-django

# The tests are a package `tests`, as this project's are: they run in their own folder, and nothing
# of this project's configuration or of this machine's AWS settings reaches them.
plugins=$PWD/tests/django_storages
for name in DJANGO_SETTINGS_MODULE ${!AWS_@}; do
  unset "$name"
done
export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
cd "$folder"
PYTHONPATH=$plugins environment/bin/python -m pytest -c /dev/null --rootdir . --quiet \
  -p replace_s3_storage -p no:cacheprovider -o django_find_project=false \
  --ds=tests.settings -r xX tests/test_s3.py "$@"
