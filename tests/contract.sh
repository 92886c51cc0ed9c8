#!/usr/bin/env bash
# Holds a real server against its own description: schemathesis calls all of it, with valid and with broken requests, as each
# role. Nothing may be a server error, break a schema or be answered with a status that is not described.
# `--long`: many more examples. Roles may be named, as one alone. The server and what it stores are gone afterwards.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/packages.sh

examples=10
# What there is to be found at the edges of each schema is found by one role; the others are tried at random.
phases() { if [[ $1 == admin ]]; then echo examples,coverage,fuzzing,stateful; else echo examples,fuzzing,stateful; fi; }
# The admin last: it may well delete or demote those of the others that it meets.
roles=()
for argument; do
    case $argument in
        --long)
            examples=100
            phases() { echo examples,coverage,fuzzing,stateful; }
            ;;
        client | viewer | manager | admin) roles+=("$argument") ;;
        *) echo 'Usage: tests/contract.sh [--long] [client] [viewer] [manager] [admin]' >&2 && exit 2 ;;
    esac
done
((${#roles[@]})) || roles=(client viewer manager admin)

need curl python3 python3-venv
program=$(realpath "${KARANA_TEST_PROGRAM:-target/debug/karana}")
[[ -x $program ]] || die "there is no $program: cargo build"

tools=.dev/contract
if ! cmp -s tests/contract/requirements.txt "$tools/requirements.txt"; then
    say 'Installing schemathesis'
    rm -rf "$tools"
    quietly python3 -m venv "$tools"
    quietly "$tools/bin/pip" install --disable-pip-version-check --requirement tests/contract/requirements.txt
    cp tests/contract/requirements.txt "$tools/"
fi
tools=$(realpath "$tools")

for name in "${!KARANA_@}"; do unset "$name"; done
home=$(mktemp -d)
server=
stop() {
    if [[ -n $server ]] && kill "$server" 2>/dev/null; then wait "$server" || true; fi
    rm -rf "$home"
}
trap stop EXIT

# Hashing is not what is tried here.
export KARANA_AUTH_HASH_ROUNDS=1000
printf '[api]\nlisten = 127.0.0.1:0\n[resources]\nenabled = users, karanas, maintenances, payments\n' >"$home/config.ini"
mkfifo "$home/ready"
(cd "$home" && exec "$program" >ready 2>log) &
server=$!
read -r -t 60 line <"$home/ready" || die "the server did not get ready: $(tail -n 5 "$home/log")"
export CONTRACT_URL=${line#karana listening on } CONTRACT_PROGRAM="$program --config $home/config.ini"

say 'The document'
(cd "$home" && "$program" openapi) >"$home/openapi.json"
"$tools/bin/openapi-spec-validator" "$home/openapi.json"

say 'The calls of the documentation with httpie'
token=$(curl -sSf "$CONTRACT_URL/v2/users/login" -H 'Content-Type: application/json' \
    -d '{"user": "admin@example.com", "password": "admin"}' | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
# shellcheck disable=SC2016 # what is quoted is Markdown
sed -n '/^```bash$/,/^```$/p' docs/api-v2.md | grep -v '^```' >"$home/httpie.sh"
[[ -s $home/httpie.sh ]]
PATH=$tools/bin:$PATH api=$CONTRACT_URL auth="Authorization: Bearer $token" bash -eu "$home/httpie.sh" >"$home/httpie.out"

failed=()
for role in "${roles[@]}"; do
    say "Calls as $role"
    export CONTRACT_ROLE=$role
    (cd "$home" && SCHEMATHESIS_HOOKS=hooks PYTHONPATH=$OLDPWD/tests/contract "$tools/bin/schemathesis" \
        --config-file "$OLDPWD/tests/contract/schemathesis.toml" run "$CONTRACT_URL/openapi.json" \
        --phases "$(phases "$role")" --max-examples "$examples") || failed+=("$role")
    kill -0 "$server" || die "the server has ended: $(tail -n 5 "$home/log")"
done
if grep ' ERROR ' "$home/log" | tail -n 5 | grep .; then failed+=("the server's log"); fi
((${#failed[@]} == 0)) || die "failed: ${failed[*]}"
