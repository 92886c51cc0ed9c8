#!/usr/bin/env bash
# Builds karana and shows it at work on this machine, with an InfluxDB of its own: see `usage`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source tools/packages.sh
source tools/page.sh

usage() {
    cat <<'END'
Usage: ./run.sh [--once]

Installs what is missing, builds (with the web page where there is Node.js), starts a private InfluxDB and the
server in test mode, and lets two simulated devices post data until Ctrl-C, which ends all that was started.

  --once   end after the data has made the round trip; keeps nothing (0: it did; 1: it did not)

Environment:
  KARANA_API_LISTEN   where the server listens, on loopback (default 127.0.0.1:8000; port 0: any free one)
  DEV_INFLUX_PORT     port of the private InfluxDB (default 8086; 0: any free one)
  DEV_DIR             folder of data and logs (default .dev); a second run beside the first needs its own
  DEV_PROFILE         cargo's profile (default release)
END
}

once=false
for argument; do
    case $argument in
        --once) once=true ;;
        -h | --help) usage && exit 0 ;;
        *) usage >&2 && exit 2 ;;
    esac
done

dev_dir=$(realpath -m "${DEV_DIR:-.dev}")
profile=${DEV_PROFILE:-release}

### What we start, and how it ends

running=() # leaders of process groups, the latest last
interrupted=130

# Runs a command in the background. It gets a process group of its own, so that Ctrl-C reaches this script alone, which
# then ends all in order; and not our lock, which it could outlive.
start() {
    setsid "$@" 9>&- &
    running+=($!)
}

lives() { kill -0 "$1" 2>/dev/null; }

# Ends a process group that we started, and waits until all of it is gone.
end() {
    kill -TERM -- "-$1" 2>/dev/null || kill -TERM "$1" 2>/dev/null || return 0
    for _ in {1..300}; do
        lives "$1" || kill -0 -- "-$1" 2>/dev/null || return 0
        sleep 0.1
    done
    kill -KILL -- "-$1" 2>/dev/null || true
}

finish() {
    local code=$? i
    trap '' INT TERM HUP PIPE
    for ((i = ${#running[@]} - 1; i >= 0; i--)); do end "${running[i]}"; done
    if $once && [[ -n ${dir:-} ]]; then
        if ((code == 1)); then
            rmdir "$dir" 2>/dev/null || echo "The logs are in $dir" >&2
        else
            rm -rf "$dir"
        fi
    fi
    exit "$code"
}
trap finish EXIT
trap 'exit $interrupted' INT
trap 'exit 143' TERM
trap 'exit 129' HUP
trap 'exit 141' PIPE

# Ends with a reason and the last lines of a log.
give_up() {
    printf '\nrun.sh: %s\n' "$1" >&2
    if [[ -s ${2:-} ]]; then
        echo "The end of $2:" >&2
        tail -n 20 "$2" | sed 's/^/    /' >&2
    fi
    exit 1
}

# Waits until the log of a process matches a pattern, and leaves in `found` what its first group matched.
await() {
    local what=$1 pid=$2 log=$3 pattern=$4
    for _ in {1..600}; do
        if [[ $(<"$log") =~ $pattern ]]; then
            found=${BASH_REMATCH[1]}
            return
        fi
        lives "$pid" || give_up "$what has ended." "${5:-$log}"
        sleep 0.1
    done
    give_up "$what is not ready after a minute." "${5:-$log}"
}

### Folder and ports: what cannot work is said before the build

choose_folder() {
    mkdir -p "$dev_dir"
    if $once; then
        dir=$(mktemp -d "$dev_dir/once.XXXXXX")
        return
    fi
    dir=$dev_dir
    exec 9>"$dir/lock"
    flock -n 9 || give_up "Another run works in $dir. Give this one its own: DEV_DIR=.dev/second ./run.sh"
}

# Whether something listens at <host>:<port>.
taken() {
    local host=${1%:*}
    host=${host#[}
    (exec 3<>"/dev/tcp/${host%]}/${1##*:}") 2>/dev/null
}

choose_ports() {
    if [[ -n ${KARANA_API_LISTEN:-} ]]; then
        listen=$KARANA_API_LISTEN
        if taken "$listen"; then give_up "$listen (KARANA_API_LISTEN) is taken."; fi
    elif taken 127.0.0.1:8000; then
        say 'Port 8000 is taken: the server will take a free one'
        listen=127.0.0.1:0
    else
        listen=127.0.0.1:8000
    fi
    if [[ -n ${DEV_INFLUX_PORT:-} ]]; then
        influx_port=$DEV_INFLUX_PORT
        [[ $influx_port =~ ^[0-9]{1,5}$ ]] || give_up 'DEV_INFLUX_PORT must be a port.'
        if taken "127.0.0.1:$influx_port"; then give_up "Port $influx_port (DEV_INFLUX_PORT) is taken."; fi
    elif taken 127.0.0.1:8086; then
        say 'Port 8086 is taken (what runs there is left alone): our InfluxDB will take a free one'
        influx_port=0
    else
        influx_port=8086
    fi
}

### The steps

build() {
    local began=$SECONDS
    if has_node; then
        build_page || give_up 'The build of the web page failed.'
    else
        say 'Without Node.js 18.20 or newer, and npm: the server is built without its web page'
    fi
    say "Building ($profile; the first time takes several minutes)"
    start cargo build --locked --profile "$profile" --bin karana --example demo \
        --message-format=json-render-diagnostics >"$dir/build.json"
    wait "${running[-1]}" || { rm "$dir/build.json" && give_up 'The build failed.'; }
    unset 'running[-1]'
    # Where cargo has put them, wherever its target folder is.
    karana=$(executable karana)
    demo=$(executable demo)
    rm "$dir/build.json"
    echo "    built in $(since "$began")"
}

executable() { sed -n "s/.*\"name\":\"$1\".*\"executable\":\"\([^\"]*\)\".*/\1/p" "$dir/build.json"; }

start_influxd() {
    local version
    version=$(influxd version)
    [[ $version =~ \ v?1\. ]] || give_up "InfluxDB 1.x is needed; $(command -v influxd) is: $version"
    say 'Starting a private InfluxDB'
    cat >"$dir/influxdb.conf" <<END
reporting-disabled = true
bind-address = "127.0.0.1:0"

[meta]
  dir = "$dir/influxdb/meta"

[data]
  dir = "$dir/influxdb/data"
  wal-dir = "$dir/influxdb/wal"
  index-version = "tsi1"
  query-log-enabled = false

[http]
  bind-address = "127.0.0.1:$influx_port"
  auth-enabled = true
  log-enabled = false

[monitor]
  store-enabled = false
END
    start influxd -config "$dir/influxdb.conf" >"$dir/influxd.log" 2>&1
    influxd=${running[-1]}
    await InfluxDB "$influxd" "$dir/influxd.log" 'msg="Listening on HTTP".* addr=127\.0\.0\.1:([0-9]+)'
    influx_port=$found
    make_influx_admin
    echo "    it listens on 127.0.0.1:$influx_port"
}

# The first call makes the admin, any later one finds that all is as it should be. Nothing of it on a command line, which
# all users of the machine can read.
make_influx_admin() {
    local file=$dir/influxdb.password answer
    [[ -s $file ]] || od -An -N 16 -tx1 /dev/urandom | tr -d ' \n' >"$file"
    influx_password=$(<"$file")
    answer=$(
        curl --silent --show-error --noproxy '*' --max-time 30 --config - <<END
url = "http://127.0.0.1:$influx_port/query"
user = "admin:$influx_password"
data-urlencode = "q=CREATE USER admin WITH PASSWORD '$influx_password' WITH ALL PRIVILEGES"
END
    ) || give_up 'InfluxDB does not answer.' "$dir/influxd.log"
    if [[ $answer == *'"error"'* ]]; then
        give_up "InfluxDB does not accept its admin: $answer
To start afresh, without the data of earlier runs, remove $dir"
    fi
}

start_server() {
    say 'Starting the server in test mode'
    cat >"$dir/config.ini" <<END
[api]
mode = test
listen = $listen

[storage]
path = storage

[influxdb]
host = 127.0.0.1
port = $influx_port
user = admin
pass = $influx_password
END
    : >"$dir/server.out"
    start "$karana" --config "$dir/config.ini" >"$dir/server.out" 2>"$dir/server.log"
    server=${running[-1]}
    await 'The server' "$server" "$dir/server.out" 'karana listening on (http://[^ ]+)' "$dir/server.log"
    address=$found
    echo "    it listens on $address"
}

# Until one of the three ends: with --once that is the demo, otherwise none should.
show() {
    local code=0 options=("$address" "http://127.0.0.1:$influx_port")
    say 'Two devices post, and their owner reads it back'
    if $once; then options+=(--once); fi
    start "$demo" "${options[@]}"
    if ! $once; then
        interrupted=0
        trap 'echo; say "Stopping"; exit 0' INT
    fi
    wait -n "$influxd" "$server" "${running[-1]}" || code=$?
    lives "$server" || give_up 'The server has ended.' "$dir/server.log"
    lives "$influxd" || give_up 'InfluxDB has ended.' "$dir/influxd.log"
    if ! $once || ((code != 0)); then give_up "The demo failed (exit code $code)." "$dir/server.log"; fi
}

need_cargo
need cc certificates curl flock git influxd setsid
choose_folder
choose_ports
build
# What configures other servers must not reach ours.
for name in "${!KARANA_@}" "${!INFLUXDB_@}"; do
    if [[ $name != KARANA_LOG ]]; then unset "$name"; fi
done
unset JOURNAL_STREAM
umask 077 # the folder holds passwords
start_influxd
start_server
show
say "All is well ($(since 0))"
