#!/usr/bin/env bash
# What the store costs at 1,000 and at 100,000 records: a mutation, the bytes written for it, the repository, a start, the
# history of one record. Needs wrk, strace, curl, git (Debian: the packages of these names), and `cargo build --release`.
# With a number: so many records instead of 100,000.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source benches/server.sh
many=${1:-100000}

# Requests a second of one client that renames records: their number stays as it is.
renames() {
    cat >"$work/rename.lua" <<LUA
wrk.method = "PATCH"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer $token"
local n = 0
local uuids = { $(sed 's/.*/"&",/' "$work/uuids" | tr -d '\n') }
request = function()
    n = n + 1
    return wrk.format(nil, "/v1/karanas/" .. uuids[n % #uuids + 1], nil, '{"data": {"name": "Roof ' .. n .. '"}}')
end
LUA
    wrk -t1 -c1 -d5s -s "$work/rename.lua" "$api" | awk '/Requests\/sec/ { print $2 }'
}

commits() { git --git-dir "$work/storage/tables.git" rev-list --count main; }

# Bytes that are handed to the system for the storage, a mutation, while `clients` create records.
bytes() {
    local clients=$1 before after
    sleep 0.3
    before=$(commits)
    strace -f -qq -yy -e trace=write,pwrite64,writev,pwritev -e signal=none -o "$work/strace" -p "$server" 2>/dev/null &
    local tracer=$!
    sleep 0.5
    wrk -t1 -c"$clients" -d4s -s "$work/create.lua" "$api" >/dev/null
    # What is synced and merged behind the answers belongs to it.
    sleep 2.5
    kill "$tracer"
    wait "$tracer" || true
    after=$(commits)
    awk -v n=$((after - before)) -v folder="$work/storage" '
        index($0, "<" folder) { bytes += $NF }
        END { printf "%d bytes a mutation (%d mutations)\n", bytes / n, n }' "$work/strace"
}

median() { sort -n | awk '{ line[NR] = $1 } END { print line[int((NR + 1) / 2)] }'; }

start_server
fill 1000
list_uuids
for _ in 1 2 3; do renames; done | median >"$work/few"
echo "one client renames, at 1,000 records:   $(cat "$work/few")/s"
echo "written with  1 client:  $(bytes 1)"
echo "written with 64 clients: $(bytes 64)"
fill "$many"
for _ in 1 2 3; do renames; done | median >"$work/many"
echo "one client renames, at $many records: $(cat "$work/many")/s"
awk -v few="$(cat "$work/few")" -v many="$(cat "$work/many")" 'BEGIN { printf "cost of a mutation, ratio: %.2f\n", few / many }'

read -r uuid <"$work/uuids"
for _ in {1..15}; do
    begin=$(date +%s%N)
    log=$( (cd "$work" && "$program" log "karanas/$uuid") | wc -l)
    echo $((($(date +%s%N) - begin) / 1000))
done | median >"$work/history"
log=$( (cd "$work" && "$program" log "karanas/$uuid") | wc -l)
echo "karana log of one record with $log versions, of $(commits) commits, from its start to its end: $(cat "$work/history") µs"

sleep 3
stop_server
echo "repository: $(du -sb "$work/storage/tables.git/objects" | cut -f1) bytes for $(commits) commits: $(($(du -sb "$work/storage/tables.git/objects" | cut -f1) / $(commits))) a mutation"
for _ in 1 2 3; do
    begin=$(date +%s%N)
    start_server
    echo $((($(date +%s%N) - begin) / 1000000))
    awk '/VmHWM/ { print $2 }' "/proc/$server/status" >>"$work/memory"
    stop_server
done | median >"$work/start"
echo "start until ready, with $(cat "$work/count") records and $(commits) commits: $(cat "$work/start") ms, peak memory $(($(median <"$work/memory") / 1024)) MB"
