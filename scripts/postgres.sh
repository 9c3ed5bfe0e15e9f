#!/usr/bin/env bash
# Run the contract with the database on a PostgreSQL server of its own; as root on Debian or Ubuntu,
# install the server if it is missing.
# usage: scripts/postgres.sh [PYTEST ARGUMENT...], for example: scripts/postgres.sh -k clock
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

find_programs() {
  command -v pg_config > /dev/null && PATH=$(pg_config --bindir):$PATH
  for bin in /usr/lib/postgresql/*/bin; do # where Debian keeps them, outside of PATH
    PATH=$PATH:$bin
  done
  command -v initdb > /dev/null && command -v postgres > /dev/null
}

if ! find_programs; then
  why="The tests on PostgreSQL need a server."
  install_packages "$why" postgresql-common
  # Debian would start a server for the whole machine; the tests start their own.
  sed -i 's/^#\? *create_main_cluster.*/create_main_cluster = false/' /etc/postgresql-common/createcluster.conf
  install_packages "$why" postgresql
  find_programs
fi

source scripts/test_server.sh
prepare initdb --pgdata data --username cfsigned --auth trust --encoding UTF8 --no-locale --no-sync
# The data need not survive a crash of the machine, so nothing waits for the disk.
start_server QUIT postgres -D data -c listen_addresses=127.0.0.1 -c port="$port" \
  -c unix_socket_directories="$folder" -c fsync=off
wait_until_ready pg_isready --quiet --host 127.0.0.1 --port "$port"

export CFSIGNED_TEST_DATABASE_URL=postgresql://cfsigned@127.0.0.1:$port/cfsigned
export CFSIGNED_TEST_DATABASE_LOG=$folder/server.log
# Arguments that name tests take the place of these: to read these takes longer than some test.
if [[ " $*" != *" tests/"* ]]; then
  set -- tests/integration tests/rotation tests/views/test_permissions.py "$@"
fi
.venv/bin/python -m pytest -n 0 -m "database or postgres" "$@"
