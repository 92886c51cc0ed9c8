#!/usr/bin/env bash
# What it costs to look whether a fleet posts: 1,000 owners with 4,000 karanas in a real influxd. Needs influxd.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
LONG_TESTS=1 cargo test --release --test it presence::fleet -- --nocapture
