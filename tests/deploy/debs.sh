# shellcheck shell=bash
# The packages that are installed from files: Karana's own, and one that stands in for Grafana. Sourced by tests/deploy.sh.

# Sets grafana_deb and karana_deb. DEPLOY_GRAFANA_DEB may name the real one, DEPLOY_KARANA_DEB one that is made already. Without
# it the program that all tests try is packed, and in the long form of the tests one that is built as users get it.
make_debs() {
    grafana_deb=${DEPLOY_GRAFANA_DEB:-}
    if [[ -z $grafana_deb ]]; then
        need_cargo
        need cc dpkg-deb
        quietly cargo build --locked --example grafana-stand-in
        local program=${CARGO_TARGET_DIR:-target}/debug/examples/grafana-stand-in
        cached grafana "$(sha256sum "$program" tests/deploy/grafana/*) $(declare -f make_grafana)" make_grafana "$program"
        grafana_deb=$part/grafana.deb
    fi
    karana_deb=${DEPLOY_KARANA_DEB:-}
    if [[ -z $karana_deb ]]; then
        need_cargo
        need cc dpkg-deb git
        local began=$SECONDS
        cargo deb --version &>/dev/null || quietly cargo install --locked --version 3.8.0 cargo-deb
        pack_karana
        echo "--- Karana's package: $(since "$began")"
    fi
    grafana_deb=$(realpath "$grafana_deb")
    karana_deb=$(realpath "$karana_deb")
}

pack_karana() {
    local target=${CARGO_TARGET_DIR:-target} program=${KARANA_TEST_PROGRAM-}
    if [[ -n ${LONG_TESTS-} ]]; then
        need node npm
        quietly deploy/package.sh
        karana_deb=$target/debian/karana.deb
        return
    fi
    if [[ -z $program ]]; then
        quietly cargo build --locked --bin karana
        program=$target/debug/karana
    fi
    install -D -s "$program" "$cache/package/release/karana"
    CARGO_TARGET_DIR=$cache/package quietly deploy/package.sh --no-build
    karana_deb=$cache/package/debian/karana.deb
}

# make_grafana <program> <folder>
make_grafana() {
    local from=tests/deploy/grafana root=$2/root
    mkdir -p "$root"/{DEBIAN,usr/share/grafana,etc/{grafana,default},lib/systemd/system}
    install -D -m 755 -s "$1" "$root/usr/sbin/grafana"
    install -m 644 "$from/control" "$root/DEBIAN/"
    install -m 755 "$from/postinst" "$root/DEBIAN/"
    printf '/etc/%s\n' grafana/grafana.ini default/grafana-server >"$root/DEBIAN/conffiles"
    install -m 640 "$from/grafana.ini" "$root/etc/grafana/"
    install -m 644 "$from/grafana-server.default" "$root/etc/default/grafana-server"
    install -m 644 "$from/grafana-server.service" "$root/lib/systemd/system/"
    quietly dpkg-deb --root-owner-group -Zzstd -z1 --build "$root" "$2/grafana.deb"
    rm -rf "$root"
}
