# Sourced by the scripts that need a program which pip does not install.

# usage: install_packages WHY PACKAGE...: as root on Debian or Ubuntu; elsewhere, say what to install.
install_packages() {
  if [[ $(id -u) != 0 ]] || ! command -v apt-get > /dev/null; then
    echo "$1 On Debian: apt-get install ${*:2}" >&2
    exit 1
  fi
  # One at a time: two stages of .ci/run may start here.
  {
    flock 9
    apt-get update --quiet --quiet
    DEBIAN_FRONTEND=noninteractive \
      apt-get install --quiet --quiet --yes --no-install-recommends "${@:2}" 9<&-
  } 9< "${BASH_SOURCE[0]}"
}

# Chromium without windows takes a third of the processor time. The whole browser works, too.
install_chromium() {
  if ! command -v chromium-headless-shell > /dev/null; then
    # The demo has a file with a Korean name.
    (install_packages "The browser tests need Chromium, best without windows." \
      chromium-headless-shell fonts-noto-cjk) || command -v chromium > /dev/null
  fi
}
