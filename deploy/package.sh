#!/bin/sh
# Builds the Debian package, target/debian/karana_<version>_<architecture>.deb, with the web page in the program; karana.deb
# beside it is a link to it.
#
#   deploy/package.sh             builds the page and the program first; needs Rust and Node.js
#   deploy/package.sh --no-build  packs target/release/karana as it is
#
# CARGO_TARGET_DIR may name another folder than target. Needs cargo-deb: cargo install cargo-deb --locked
set -eu
cd "$(dirname "$0")/.."

# Not after the builds.
cargo deb --version > /dev/null 2>&1 || {
    echo 'package.sh: cargo-deb is missing: cargo install cargo-deb --locked' >&2
    exit 1
}

case "${1-}" in
'')
    (cd frontend && npm ci && npm run build)
    cargo build --release --locked
    ;;
--no-build) ;;
*)
    sed -n 's/^#   //p' "$0" >&2
    exit 2
    ;;
esac

target=${CARGO_TARGET_DIR:-target}
program=$(realpath "$target/release/karana")
# What Cargo.toml names.
made=target/deb
rm -rf "$made"
mkdir -p "$made"

# The sample, with what holds for a service.
sed -e 's|^#mode = test$|mode = production|' \
    -e 's|^#path = storage$|path = /var/lib/karana/storage|' \
    -e '1,2c\# Configuration of karana. What is wrong with it is named by: karana check\
# Under systemd the address stands in karana.socket: systemctl edit karana.socket.' \
    config.ini.sample > "$made/config.ini"
# Without a folder of its own nothing else is read.
(cd "$made" && "$program" --config config.ini openapi) > /dev/null
(cd "$made" && "$program" man) > "$made/karana.1"

# Debian's tools look for a changelog in their own form.
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
cat > "$made/changelog" <<END
karana ($version) unstable; urgency=medium

  * See /usr/share/doc/karana/CHANGELOG.md.

 -- The Karana developers <karana@localhost>  $(date -R --date="@${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}")
END

cargo deb --no-build --locked

# A name without the version, for those who always take the newest, such as the playbooks.
cd "$target/debian"
for package in "karana_$version"-*.deb; do ln -sf "$package" karana.deb; done
