#!/usr/bin/env bash
# Run the browser tests: all of them in Chromium; in Firefox what people see of signed URLs, of cookies
# and of the pages, or all with FIREFOX=all; one file in WebKit. As root on Debian, install what is
# missing, or fail; elsewhere, say what to install, and run what is there.
# usage: scripts/browser.sh [PYTEST ARGUMENT...]
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

scripts/npm.sh
results=$(mktemp)
trap 'rm "$results"' EXIT
# What runs beside the shell ignores Ctrl-C.
trap 'kill 0' INT

# usage: engine NAME INSTALL COMMAND...
engine() {
  {
    if ! "$2" >&2; then
      echo "$1: not run"
    elif "${@:3}" >&2; then
      echo "$1: passed"
    else
      echo "$1: failed"
    fi >> "$results"
  } 2>&1 | sed --unbuffered "s/^/$1 | /"
}

# In one process for each engine: each one would start a demo and a browser. To read other files, which
# have no test of a browser, takes longer than some test.
in_playwright() {
  .venv/bin/python -m pytest -m e2e tests/admin/*_browser.py tests/e2e tests/integration/*_browser.py tests/*_themes.py \
    --ignore tests/e2e/test_webkit.py "$@"
}
in_firefox() {
  if [[ ${FIREFOX:-} == all ]]; then
    in_playwright --browser firefox "$@"
  else
    # What is as long, and asks little of the engine, waits for the night.
    .venv/bin/python -m pytest --browser firefox tests/e2e/test_{accessibility,cookies,docs_search,fresh_urls,gallery,video}.py \
      --deselect "tests/e2e/test_accessibility.py::test_pages_of_the_demo[firefox-ko]" \
      --deselect tests/e2e/test_docs_search.py::test_what_people_type "$@"
  fi
}
in_webkit() {
  xvfb-run --auto-servernum .venv/bin/python -m pytest tests/e2e/test_webkit.py "$@"
}

# At the same time: each waits for its browser most of the time.
engine Chromium install_chromium in_playwright "$@" &
engine Firefox install_firefox in_firefox "$@" &
engine WebKit install_webkit in_webkit "$@" &
wait
printf '\n-- browser tests --\n'
sort "$results"
grep --quiet passed "$results" && ! grep --quiet failed "$results" &&
  { [[ $(id -u) != 0 ]] || ! grep --quiet 'not run' "$results"; }
