#!/usr/bin/env bash
# Run django-storages' own tests of its S3 backend with CloudFrontS3Storage in the place of S3Storage.
# They come with its source, and need a moto of their time: hence an environment of their own, in a
# folder that git ignores. With DJANGO_STORAGES, a git address, its newest commit takes the place of
# the release, and the tests of make test follow.
# usage: [DJANGO_STORAGES=ADDRESS] scripts/django_storages.sh [PYTEST ARGUMENT...]
set -euo pipefail
cd "$(dirname "$0")/.."

uv=.venv/bin/uv
constraints=(--constraint constraints/tools.txt --constraint constraints/django.txt)
if [[ -z ${DJANGO_STORAGES:-} ]]; then
  version=1.14.6
  folder=.cache/django-storages
  if [[ ! -d $folder/tests ]]; then
    # pip asks setuptools for what is in a source. uv installs that in a tenth of pip's time.
    "$uv" venv --quiet --clear --python .venv/bin/python "$folder/environment"
    "$uv" pip install --quiet --python "$folder/environment" setuptools
    .venv/bin/python -m pip --python "$folder/environment" download --quiet \
      --disable-pip-version-check --no-deps --no-binary :all: --no-build-isolation \
      --dest "$folder" "django-storages==$version"
    tar -xzf "$folder/django_storages-$version.tar.gz" -C "$folder" --strip-components=1 \
      "django_storages-$version/tests"
  fi
  packages=(--editable . "django-storages==$version" 'moto[s3]==4.2.14')
else
  folder=.cache/django-storages-newest
  rm -rf "$folder"
  git clone --quiet --depth 1 "$DJANGO_STORAGES" "$folder"
  git -C "$folder" log -1 --format='%h of %cs: %s'
  echo "django-storages @ file://$PWD/$folder" > "$folder/override.txt"
  constraints+=(--constraint constraints/cryptography.txt --override "$folder/override.txt")
  packages=(--editable . --group demo --group test 'moto[s3]>=5')
fi
"$uv" venv --quiet --clear --python .venv/bin/python "$folder/environment"
"$uv" pip install --quiet --python "$folder/environment" "${constraints[@]}" "${packages[@]}" \
  'rsa>=4.9' pytest pytest-django

# The tests are a package `tests`, as this project's are: they run in their own folder, and nothing
# of this project's configuration or of this machine's AWS settings reaches them.
their_tests() {
  local plugins=$PWD/tests/django_storages name
  for name in DJANGO_SETTINGS_MODULE ${!AWS_@}; do
    unset "$name"
  done
  export AWS_CONFIG_FILE=/dev/null AWS_SHARED_CREDENTIALS_FILE=/dev/null
  cd "$folder"
  PYTHONPATH=$plugins environment/bin/python -m pytest -c /dev/null --rootdir . --quiet \
    -p replace_s3_storage -p no:cacheprovider -o django_find_project=false \
    --ds=tests.settings -r xX tests/test_s3.py "$@"
}
(their_tests "$@")
