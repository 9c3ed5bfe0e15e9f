# Sourced by postgres.sh and mariadb.sh: a server for one test run, which leaves nothing behind.
# Sets folder and port.

folder=$(mktemp -d)
owner=()
if [[ $(id -u) == 0 ]]; then # Neither server runs as root.
  owner=(setpriv --reuid nobody --regid "$(id -g nobody)" --clear-groups)
  chown nobody "$folder"
fi
port=$(.venv/bin/python -c 'import socket; s = socket.create_server(("127.0.0.1", 0)); print(s.getsockname()[1])')
server=

# usage: as_owner COMMAND...: run it as the server's user, who may not enter the repository's folder.
as_owner() {
  cd "$folder"
  exec "${owner[@]}" "$@"
}

# usage: start_server SIGNAL COMMAND...: SIGNAL ends it at once, with its children.
start_server() {
  stop_signal=$1
  (as_owner "${@:2}") > "$folder/server.log" 2>&1 &
  server=$!
}

# usage: prepare COMMAND...: make the server's data; what it says counts only where it fails.
prepare() {
  (as_owner "$@") > "$folder/prepare.log" 2>&1 || { cat "$folder/prepare.log" >&2; exit 1; }
}

# usage: wait_until_ready COMMAND...: the command fails as long as the server is not ready.
wait_until_ready() {
  for _ in $(seq 300); do
    "$@" 2> /dev/null && return
    kill -0 "$server" 2> /dev/null || break
    sleep 0.1
  done
  cat "$folder/server.log" >&2
  return 1
}

stop_server() {
  if [[ -n $server ]]; then
    kill "-$stop_signal" "$server" 2> /dev/null || true
    wait "$server" 2> /dev/null || true
  fi
  rm -rf "$folder"
}
trap stop_server EXIT
trap 'exit 130' INT TERM
