# shellcheck shell=bash
# A release build that serves a storage of its own, for measurements. Sourced by those, under `set -euo pipefail`.

program=$PWD/target/release/karana
work=$(mktemp -d "${TMPDIR:-/tmp}/karana-bench.XXXXXX")
pids=()
finish() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    wait
    rm -rf "$work"
}
trap finish EXIT

# Sets `server` (its process), `api` (its address), `token`, and how to create records: `$work/create.lua`.
start_server() {
    : >"$work/karana.out"
    (cd "$work" && KARANA_API_LISTEN=127.0.0.1:0 KARANA_LOG=warn exec "$program") >"$work/karana.out" 2>>"$work/karana.log" &
    server=$!
    pids+=("$server")
    until grep -q listening "$work/karana.out"; do
        kill -0 "$server" || { cat "$work/karana.log" >&2 && exit 1; }
        sleep 0.005
    done
    api=$(sed -n 's/.*on //p' "$work/karana.out")
}

sign_in() {
    token=$(curl -s "$api/v1/users/login" -H 'Content-Type: application/json' -d '{"user": "admin@example.com", "password": "admin"}' |
        sed 's/.*token[^e]*\(ey[A-Za-z0-9_.-]*\).*/\1/')
    cat >"$work/create.lua" <<LUA
wrk.method = "POST"
wrk.path = "/v1/karanas/new"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer $token"
wrk.body = '{"data": {"name": "Roof of the school", "owner": null, "note": "measured here", "config": {"post_int": 15}}}'
LUA
}

stop_server() {
    kill "$server"
    wait "$server" || true
}

records() {
    curl -s "$api/metrics" | awk '/^karana_records{resource="karanas"}/ { print $2 }'
}

# Creates records until there are so many.
fill() {
    sign_in
    while (($(records) < $1)); do
        local rest=$(($1 - $(records)))
        wrk -t1 -c"$((rest > 64 ? 64 : rest))" -d"$((rest > 20000 ? 2 : 1))s" -s "$work/create.lua" "$api" >/dev/null
    done
    records >"$work/count"
}

list_uuids() {
    curl -s "$api/v1/karanas" -H "Authorization: Bearer $token" | grep -o '[0-9a-f-]\{36\}' | sort -u | awk 'NR <= 500' >"$work/uuids"
}
