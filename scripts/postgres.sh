#!/usr/bin/env bash
# Run the tests of the database on a PostgreSQL server of their own; as root on Debian or Ubuntu,
# install it where it is missing.
# usage: scripts/postgres.sh [PYTEST ARGUMENT...], for example: scripts/postgres.sh tests/keys
set -euo pipefail
cd "$(dirname "$0")/.."

find_programs() {
  command -v pg_config > /dev/null && PATH=$(pg_config --bindir):$PATH
  for folder in /usr/lib/postgresql/*/bin; do # where Debian keeps them, outside of PATH
    PATH=$PATH:$folder
  done
  command -v initdb > /dev/null && command -v postgres > /dev/null
}

if ! find_programs; then
  if [[ $(id -u) != 0 ]] || ! command -v apt-get > /dev/null; then
    echo "The tests on PostgreSQL need a server. On Debian: apt-get install postgresql" >&2
    exit 1
  fi
  export DEBIAN_FRONTEND=noninteractive
  apt-get update --quiet --quiet
  apt-get install --quiet --quiet --yes --no-install-recommends postgresql-common
  # Debian would start a server for the whole machine; the tests want none but their own.
  sed -i 's/^#\? *create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
  apt-get install --quiet --quiet --yes --no-install-recommends postgresql
  find_programs
fi

folder=$(mktemp -d)
as_owner=()
if [[ $(id -u) == 0 ]]; then # PostgreSQL refuses to run as root.
  as_owner=(setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups)
  chown nobody "$folder"
fi
server=
stop() {
  if [[ -n $server ]]; then
    kill -QUIT "$server" 2> /dev/null || true # at once, with its children
    wait "$server" 2> /dev/null || true
  fi
  rm -rf "$folder"
}
trap stop EXIT
trap 'exit 130' INT TERM

port=$(.venv/bin/python -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
cd "$folder" # The owner may not enter the folder of the repository.
"${as_owner[@]}" initdb --pgdata data --username cfsigned --auth trust --encoding UTF8 --no-locale --no-sync \
  > initdb.log 2>&1 || { cat initdb.log >&2; exit 1; }
# Nobody misses the data after a crash of the machine, so nothing waits for the disk.
"${as_owner[@]}" postgres -D data -c listen_addresses=127.0.0.1 -c port="$port" \
  -c unix_socket_directories="$folder" -c fsync=off > server.log 2>&1 &
server=$!
cd - > /dev/null

wait_until_ready() {
  for _ in $(seq 300); do
    pg_isready --quiet --host 127.0.0.1 --port "$port" && return
    kill -0 "$server" 2> /dev/null || break
    sleep 0.1
  done
  cat "$folder/server.log" >&2
  return 1
}
wait_until_ready

export CFSIGNED_TEST_DATABASE_URL=postgresql://cfsigned@127.0.0.1:$port/cfsigned
# The simulation has its own model of what a database does.
.venv/bin/python -m pytest -n 2 --dist loadfile --ignore tests/simulation \
  -m "(postgres or database) and not e2e" "$@"
