#!/usr/bin/env bash
# What 10,000 readers of the event stream cost, and how long a change takes to reach all of them. Needs curl, some 10,300 open
# files for each of two processes (ulimit -Hn), `cargo build --release` and `cargo build --release --example readers`.
# With a number: so many readers.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source benches/server.sh

start_server
sign_in
target/release/examples/readers "$api" "$token" --readers "${1:-10000}"
