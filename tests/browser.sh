#!/usr/bin/env bash
# The web page in a real browser (Debian's Chromium), against real servers and a real InfluxDB, which are gone afterwards.
# `tests/browser.sh speed` measures instead. PICTURES=<folder> keeps pictures.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/packages.sh
source tools/page.sh

need cc chromium influxd node npm
need_cargo
build_page
need_page_packages
if [[ -n ${PICTURES:-} ]]; then
    mkdir -p "$PICTURES"
    PICTURES=$(realpath "$PICTURES")
    export PICTURES
fi
for name in "${!KARANA_@}"; do [[ $name == KARANA_TEST_PROGRAM ]] || unset "$name"; done
scenes=(browser:: --skip browser::speed)
if [[ ${1:-} == speed ]]; then scenes=(--exact browser::speed); fi
exec env RUST_BACKTRACE=0 cargo test --locked --test it -- --ignored --nocapture --test-threads=1 "${scenes[@]}"
