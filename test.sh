#!/usr/bin/env bash
# Installs what the tests need and runs all of them. `--long`: also the long forms.
# Ends with `N passed, N failed, N skipped`; fails when one failed, and when none ran.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source tools/packages.sh
source tools/page.sh

# The demo takes the build that the tests have made; its release form is one of the long ones.
profile=dev
form=()
for argument; do
    case $argument in
        --long) profile=release form=(--long) && export LONG_TESTS=1 ;;
        *) echo 'Usage: ./test.sh [--long]' >&2 && exit 2 ;;
    esac
done

passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Runs cargo's tests and adds up the lines in which it counts them.
cargo_tests() {
    local code=0 counts
    cargo test --locked --no-fail-fast "$@" 2>&1 | tee "$log" || code=$?
    read -ra counts < <(awk '/^test result: / { p += $4; f += $6; s += $8 } END { print p + 0, f + 0, s + 0 }' "$log")
    # It was not built, or a test took its process along.
    if ((code != 0 && counts[1] == 0)); then counts[1]=1; fi
    ((passed += counts[0], failed += counts[1], skipped += counts[2])) || true
}

# Runs a command that is one test.
one_test() {
    if "$@"; then ((passed += 1)); else ((failed += 1)); fi
}

# Runs a command that is one test, or says on its last line that it is none here.
one_test_if_possible() {
    local code=0
    "$@" 2>&1 | tee "$log" || code=$?
    if ((code)); then
        ((failed += 1))
    elif tail -n 1 "$log" | grep -q '^skipped: '; then
        ((skipped += 1))
    else
        ((passed += 1))
    fi
}

need_cargo
need cc certificates chromium curl flock git influxd mkfs.ext4 mount node npm promtool python3 python3-venv setsid ssh sshd strace
# What configures a server of the caller's is not for the tests; which build they try is.
for name in "${!KARANA_@}"; do [[ $name == KARANA_TEST_PROGRAM ]] || unset "$name"; done

# First: the tests of the server look at it, too.
say 'The web page'
one_test build_page
one_test test_page

say 'Unit and integration tests'
cargo_tests --all-targets
cargo_tests --doc

say 'The server against its own description'
one_test tests/contract.sh "${form[@]}"

say 'The web page in a browser'
one_test tests/browser.sh

say 'The deployment, on a server of its own'
one_test_if_possible tests/deploy.sh

say 'Containers'
one_test_if_possible tests/containers.sh

say 'The demo, once'
one_test env DEV_PROFILE="$profile" DEV_INFLUX_PORT=0 KARANA_API_LISTEN=127.0.0.1:0 ./run.sh --once

echo
echo "$passed passed, $failed failed, $skipped skipped"
((failed == 0 && passed > 0))
