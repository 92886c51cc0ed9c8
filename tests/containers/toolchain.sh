#!/bin/sh
# Stands in for cargo and npm in the stages of deploy/Containerfile: looks at what they are given, and makes a program of one
# that was made before, and of the page no more than its frame.
set -eu

fail() {
    echo "$0: $*" >&2
    exit 1
}

case "${0##*/} $*" in
    'npm ci')
        [ -s package-lock.json ] || fail 'there is no package-lock.json'
        mkdir node_modules
        ;;
    'npm run build')
        { [ -s index.html ] && [ -d node_modules ]; } || fail 'this is no page'
        mkdir dist
        cp index.html dist/
        ;;
    'cargo build --release --locked')
        for file in Cargo.lock build.rs src/main.rs tests/it/main.rs frontend/dist/index.html; do
            [ -s "$file" ] || fail "there is no $file"
        done
        # What lies beside a clone's files: large, or secret.
        for file in .git target frontend/node_modules config.ini deploy/secrets storage/tables.git; do
            [ ! -e "$file" ] || fail "$file is here, too"
        done
        mkdir -p target/release
        cp /made/karana target/release/
        ;;
    *) fail "what is $*?" ;;
esac
