#!/usr/bin/env bash
# Run the contract with the database on a MariaDB server of its own, which compares text as MariaDB
# does by default; as root on Debian or Ubuntu, install the server if it is missing.
# usage: scripts/mariadb.sh [PYTEST ARGUMENT...], for example: scripts/mariadb.sh -k clock
set -euo pipefail
cd "$(dirname "$0")/.."
source scripts/packages.sh

PATH=$PATH:/usr/sbin # where Debian keeps the server
if ! command -v mariadbd > /dev/null || ! command -v my_print_defaults > /dev/null; then
  # Programs alone: no server for the whole machine.
  install_packages "The tests on MariaDB need mariadbd." mariadb-server-core mariadb-client-core
fi

source scripts/test_server.sh
prepare mariadb-install-db --no-defaults --datadir="$folder/data" --auth-root-authentication-method=normal --skip-test-db
start_server KILL mariadbd --no-defaults --datadir="$folder/data" --bind-address=127.0.0.1 --port="$port" \
  --socket="$folder/socket" --pid-file="$folder/pid" --innodb-flush-log-at-trx-commit=0
wait_until_ready .venv/bin/python -c "import socket; socket.create_connection(('127.0.0.1', $port))"

export CFSIGNED_TEST_DATABASE_URL=mysql://root@127.0.0.1:$port/cfsigned
.venv/bin/python -m pytest -n 0 -m "database and not postgres" tests/rotation tests/views/test_permissions.py "$@"
