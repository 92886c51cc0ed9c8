#!/usr/bin/env bash
# Durable creates of karanas over HTTP, beside etcd puts of the same size, in one run. Needs wrk and etcd (Debian: wrk,
# etcd-server), and `cargo build --release`. Prints requests a second and the median latency; compare ratios, not numbers.
# With a number: so many seconds for each measurement.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source benches/server.sh
seconds=${1:-10}

# On the same file system, each in a folder of its own.
start_server
sign_in
etcd --data-dir "$work/etcd" --log-level error --listen-client-urls http://127.0.0.1:23790 \
    --advertise-client-urls http://127.0.0.1:23790 --listen-peer-urls http://127.0.0.1:23800 >"$work/etcd.log" 2>&1 &
pids+=($!)
for _ in {1..100}; do
    curl -sf http://127.0.0.1:23790/health >/dev/null && break
    sleep 0.1
done

# A record of ours is about 450 bytes in the store; a key of 45.
value=$(head -c 337 /dev/urandom | base64 -w0)
cat >"$work/etcd.lua" <<LUA
wrk.method = "POST"
wrk.path = "/v3/kv/put"
local n = 0
local value = "$value"
request = function()
    n = n + 1
    -- Digits are base64 too: every key another one.
    local key = string.format("a2FyYW5hcy8A%012d", n)
    return wrk.format(nil, nil, nil, '{"key": "' .. key .. '", "value": "' .. value .. '"}')
end
LUA

measure() {
    wrk -t1 -c"$3" -d"${seconds}s" --latency -s "$work/$2.lua" "$4" |
        awk -v what="$1" -v c="$3" '/50%/ { p = $2 } /Requests\/sec/ { r = $2 } /Non-2xx/ { bad = $NF }
            END { printf "%-7s %2d connections  %8.0f/s  p50 %s%s\n", what, c, r, p, bad ? "  REFUSED: " bad : "" }'
}
for round in 1 2 3; do
    echo "round $round"
    for connections in 1 64; do
        measure karana create "$connections" "$api"
        measure etcd etcd "$connections" http://127.0.0.1:23790
    done
done
