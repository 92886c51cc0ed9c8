#!/usr/bin/env bash
# The web page in a real browser (Debian's Chromium), against a real server, which is gone afterwards.
# `tests/browser.sh <folder>` leaves pictures there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/packages.sh
source tools/page.sh

need chromium node npm
program=$(realpath "${KARANA_TEST_PROGRAM:-target/debug/karana}")
[[ -x $program ]] || die "there is no $program: cargo build"
build_page
need_page_packages

for name in "${!KARANA_@}"; do unset "$name"; done
home=$(mktemp -d)
server=
stop() {
    if [[ -n $server ]] && kill "$server" 2>/dev/null; then wait "$server" || true; fi
    rm -rf "$home"
}
trap stop EXIT

export KARANA_AUTH_HASH_ROUNDS=1000
printf '[api]\nlisten = 127.0.0.1:0\n' >"$home/config.ini"
mkfifo "$home/ready"
(cd "$home" && exec "$program" >ready 2>log) &
server=$!
read -r -t 60 line <"$home/ready" || die "the server did not get ready: $(tail -n 5 "$home/log")"
timeout 180 node frontend/e2e/page.mjs "${line#karana listening on }" "$@"
