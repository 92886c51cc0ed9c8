#!/usr/bin/env bash
# The web page in a real browser (Debian's Chromium), against a real server and a real InfluxDB, which are gone afterwards.
# `tests/browser.sh <folder>` leaves pictures there; `BROWSER_TEST=speed.mjs tests/browser.sh` measures.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/packages.sh
source tools/page.sh

need cc chromium influxd node npm
need_cargo
build_page
need_page_packages
if (($#)); then
    mkdir -p "$1"
    PICTURES=$(realpath "$1")
    export PICTURES
fi
for name in "${!KARANA_@}"; do [[ $name == KARANA_TEST_PROGRAM ]] || unset "$name"; done
exec env RUST_BACKTRACE=0 cargo test --locked --test it -- --ignored --exact browser::the_page_does_its_work --nocapture
