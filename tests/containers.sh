#!/usr/bin/env bash
# Builds the image of deploy/Containerfile and runs deploy/compose.yaml with podman, from what a clone of this repository holds.
# What a registry would give is stood in for (tests/containers/Containerfile), also the toolchains: the program is the one that
# the other tests try. All processes, mounts and networks are in namespaces of their own and end with this program. Images stay
# in CONTAINERS_CACHE (target/containers).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/packages.sh
cache=$(realpath --canonicalize-missing "${CONTAINERS_CACHE:-target/containers}")
source tests/deploy/parts.sh

# Whether this machine can; else $cannot tells why not.
cannot=
can_run() {
    if ((EUID != 0)); then
        cannot='it takes root'
    elif ! is_debian || { ! is_there netavark && ! apt-cache show netavark &>/dev/null; }; then
        cannot='it takes Debian 12 or Ubuntu 24.04, or newer, whose podman makes networks with netavark'
    elif ! unshare --mount --net --pid --fork true 2>/dev/null; then
        cannot='the kernel refuses new namespaces'
    elif ! grep -qw overlay /proc/filesystems && ! modprobe overlay 2>/dev/null; then
        cannot='the kernel has no overlay file system'
    fi
    [[ -z $cannot ]]
}

# The base of images, with nothing in it that it need not have.
make_slim() {
    quietly mmdebstrap --mode=root --variant=minbase "$suite" "$1/image.tar" "${sources[@]}"
}

# What the stand-ins are built from.
make_programs() {
    need_cargo
    need cc influxd
    quietly cargo build --locked --bin karana --example demo --example grafana-stand-in --example influxdb-stand-in
    local built=${CARGO_TARGET_DIR:-target}/debug
    mkdir "$run/programs"
    cp tests/containers/{Containerfile,toolchain.sh} "$run/programs/"
    cp "$built/examples/demo" "$run/"
    strip -o "$run/programs/karana" "${KARANA_TEST_PROGRAM:-$built/karana}"
    strip -o "$run/programs/grafana-stand-in" "$built/examples/grafana-stand-in"
    strip -o "$run/programs/influxdb-stand-in" "$built/examples/influxdb-stand-in"
    cp "$(command -v influxd)" "$run/programs/"
}

# What a clone holds, and what lies beside that in the folder of somebody who has worked there.
make_clone() {
    mkdir -p "$run/clone/.git" "$run/clone/target" "$run/clone/frontend/node_modules" "$run/clone/storage/tables.git" \
        "$run/clone/deploy/secrets"
    git ls-files -z --cached --others --exclude-standard |
        rsync --archive --from0 --files-from=- --ignore-missing-args . "$run/clone/"
    echo '[influxdb]' >"$run/clone/config.ini"
}

# Podman with a folder of its own, and with what any machine gives that can be root's: no control groups, no higher limits than
# ours, and no systemd, which would look after the containers' health.
configure_podman() {
    cat >"$run/containers.conf" <<END
[containers]
cgroups = "disabled"
default_ulimits = ["nofile=$(ulimit -Hn):$(ulimit -Hn)", "nproc=4096:4096"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
[network]
network_backend = "netavark"
network_config_dir = "/run/networks"
END
    cat >"$run/storage.conf" <<END
[storage]
driver = "overlay"
graphroot = "$cache/storage"
runroot = "/run/containers/storage"
END
    export CONTAINERS_CONF=$run/containers.conf CONTAINERS_STORAGE_CONF=$run/storage.conf DISABLE_HC_SYSTEMD=true
    # Without it podman makes images that have no health check.
    export BUILDAH_FORMAT=docker BUILDAH_ISOLATION=chroot
}

if ! can_run; then
    echo "skipped: containers: $cannot"
    exit
fi
need aardvark-dns catatonit crun curl flock git ip iptables mmdebstrap netavark nft openssl pkill podman podman-compose rsync
mkdir -p "$cache"
exec 9>"$cache/lock"
flock --nonblock 9 || die "another run is at work in $cache"
run=$cache/run
rm -rf --one-file-system "$run"
mkdir "$run"
cached slim "${sources[*]} $(declare -f make_slim)" make_slim
make_programs
make_clone
configure_podman
exec unshare --mount --pid --fork --kill-child --mount-proc bash tests/containers/stage.sh "$run" "$part"
