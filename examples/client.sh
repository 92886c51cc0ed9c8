#!/bin/sh
set -eu
server=$1
token=$(printf '{"user": "%s", "password": "%s"}' "$2" "$3" |
    curl -sSf "$server/v2/users/login" -H 'Content-Type: application/json' -d @- |
    sed 's/.*"access_token":"\([^"]*\)".*/\1/')

call() { curl -sSfg -H "Authorization: Bearer $token" -H 'Content-Type: application/json' "$@"; }

path=$(call -o /dev/null -D - "$server/v2/karanas" -d '{"name": "Roof", "owner": null, "config": {"post_int": 15}}' |
    tr -d '\r' | sed -n 's/^location: //p')
call -X PATCH "$server$path" -d '{"note": "on the roof"}' >/dev/null
call "$server/v2/karanas?filter[name][prefix]=ro&sort=-created_at&fields=name,note"
call -X DELETE -H 'If-Match: *' "$server$path"
