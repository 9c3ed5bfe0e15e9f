#!/usr/bin/env bash
# What tests need, and pip does not install. Sourced by the scripts that need it, which install it as
# root. Run by itself, as by make check: name all that is missing.

# usage: has PROGRAM: on PATH, or where Debian keeps the servers.
has() (
  for folder in /usr/sbin /usr/lib/postgresql/*/bin; do
    PATH=$PATH:$folder
  done
  command -v "$1" > /dev/null
)

# usage: needs PROGRAM PACKAGE...
needs() {
  has "$1" || missing+=("${@:2}")
}

# usage: install_packages WHY PACKAGE...: as root on Debian or Ubuntu, unless INSTALL is 0; otherwise,
# say what to install.
install_packages() {
  if [[ ${INSTALL:-1} == 0 || $(id -u) != 0 ]] || ! command -v apt-get > /dev/null; then
    echo "$1 On Debian: apt-get install ${*:2}" >&2
    return 1
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
    install_packages "The browser tests need Chromium, best without windows." \
      chromium-headless-shell fonts-noto-cjk || command -v chromium > /dev/null
  fi
}

# Firefox only recommends what plays the film, under a name that each release of Debian changes;
# GStreamer's package, which WebKit needs, depends on it.
install_firefox() {
  { command -v firefox-esr || command -v firefox; } > /dev/null && /sbin/ldconfig -p | grep --quiet libavcodec ||
    install_packages "The browser tests need Firefox, and what plays H.264 in it." \
      firefox-esr fonts-noto-cjk gstreamer1.0-libav
}

# The last two play the film; the screen is one in memory.
install_webkit() {
  command -v WebKitWebDriver > /dev/null && command -v xvfb-run > /dev/null ||
    install_packages "The browser tests need WebKit, and a screen for it." webkit2gtk-driver xauth xvfb \
      gstreamer1.0-libav gstreamer1.0-plugins-bad
}

if [[ ${BASH_SOURCE[0]} == "$0" ]]; then
  missing=()
  needs git git
  needs openssl openssl
  needs node nodejs
  needs npm npm
  needs xgettext gettext
  needs postgres postgresql
  needs mariadbd mariadb-server-core mariadb-client-core
  has firefox || needs firefox-esr firefox-esr gstreamer1.0-libav
  needs WebKitWebDriver webkit2gtk-driver gstreamer1.0-libav gstreamer1.0-plugins-bad
  needs xvfb-run xauth xvfb
  has chromium || needs chromium-headless-shell chromium-headless-shell fonts-noto-cjk
  if (( ${#missing[@]} )); then
    echo "Nothing is installed. On Debian: apt-get install ${missing[*]}" >&2
    echo "Or let this do it, as root: make check INSTALL=1" >&2
    exit 1
  fi
fi
