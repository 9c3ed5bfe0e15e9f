#!/usr/bin/env bash
# Run the tests of the database on a MariaDB server of their own; as root on Debian or Ubuntu,
# install it where it is missing.
# usage: scripts/mariadb.sh [PYTEST ARGUMENT...], for example: scripts/mariadb.sh tests/keys
set -euo pipefail
cd "$(dirname "$0")/.."

PATH=$PATH:/usr/sbin # where Debian keeps the server
packages=(mariadb-server-core mariadb-client-core) # Programs alone: no server for the whole machine.
if ! command -v mariadbd > /dev/null || ! command -v my_print_defaults > /dev/null; then
  if [[ $(id -u) != 0 ]] || ! command -v apt-get > /dev/null; then
    echo "The tests on MariaDB need mariadbd. On Debian: apt-get install ${packages[*]}" >&2
    exit 1
  fi
  apt-get update --quiet --quiet
  DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes --no-install-recommends "${packages[@]}"
fi

folder=$(mktemp -d)
as_owner=()
if [[ $(id -u) == 0 ]]; then # MariaDB refuses to run as root.
  as_owner=(setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups)
  chown nobody "$folder"
fi
server=
stop() {
  if [[ -n $server ]]; then
    kill -KILL "$server" 2> /dev/null || true
    wait "$server" 2> /dev/null || true
  fi
  rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT TERM

port=$(.venv/bin/python -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
cd "$folder" # The owner may not enter the folder of the repository.
"${as_owner[@]}" mariadb-install-db --no-defaults --datadir="$folder/data" --auth-root-authentication-method=normal \
  --skip-test-db > install.log 2>&1 || { cat install.log >&2; exit 1; }
"${as_owner[@]}" mariadbd --no-defaults --datadir="$folder/data" --bind-address=127.0.0.1 --port="$port" \
  --socket="$folder/socket" --pid-file="$folder/pid" --innodb-flush-log-at-trx-commit=0 > server.log 2>&1 &
server=$!
cd - > /dev/null

wait_until_ready() {
  for _ in $(seq 300); do
    .venv/bin/python -c "import socket; socket.create_connection(('127.0.0.1', $port))" 2> /dev/null && return
    kill -0 "$server" 2> /dev/null || break
    sleep 0.1
  done
  cat "$folder/server.log" >&2
  return 1
}
wait_until_ready

export CFSIGNED_TEST_DATABASE_URL=mysql://root@127.0.0.1:$port/cfsigned
# The simulation has its own model of what a database does.
.venv/bin/python -m pytest -n 2 --dist loadfile --ignore tests/simulation \
  -m "database and not postgres and not e2e" "$@"
