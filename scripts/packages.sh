# Sourced by the scripts that need a program which pip does not install.

# usage: install_packages WHY PACKAGE...: as root on Debian or Ubuntu; elsewhere, say what to install.
install_packages() {
  if [[ $(id -u) != 0 ]] || ! command -v apt-get > /dev/null; then
    echo "$1 On Debian: apt-get install ${*:2}" >&2
    exit 1
  fi
  apt-get update --quiet --quiet
  DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes --no-install-recommends "${@:2}"
}

install_chromium() {
  if ! command -v chromium > /dev/null; then
    # The demo has a file with a Korean name.
    install_packages "The browser tests need Chromium on PATH." chromium fonts-noto-cjk
  fi
}
