# shellcheck shell=bash
# Builds the images and plays the scenes. Started by tests/containers.sh, in namespaces of its own for mounts and processes.
set -euo pipefail
source tools/packages.sh
run=$1 slim=$2

# What looks after the machine is not to be asked, nor what others run here; the names of hosts are the machine's.
resolve=$(realpath /etc/resolv.conf)
cp "$resolve" "$run/resolv.conf"
mount -t tmpfs tmpfs /run
[[ -e $resolve ]] || install -D -m 644 "$run/resolv.conf" "$resolve"
umount --recursive /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup

# What a run before this one has left, if it was ended.
podman rm --all --force &>/dev/null
podman volume prune --force &>/dev/null

debian=localhost/debian:${slim##*-}
podman image exists "$debian" || quietly podman import "$slim/image.tar" "$debian"
podman tag "$debian" docker.io/library/debian:bookworm-slim
if ! said=$(podman run --rm --network host --volume "$run/programs/karana:/karana:ro" "$debian" /karana --version 2>&1); then
    echo "skipped: containers: podman does not run this program on Debian here: $(tail -n 1 <<<"$said")"
    exit
fi

say 'The images'
began=$SECONDS
# The stages of a file, or the images of services, as they are named there.
named() { sed -n "s|^ *$1 \(docker.io[^ ]*$2[^ ]*\).*|\1|p" "$3" | grep .; }
stand_in() {
    quietly podman build --network host --target "$1" --tag "${2:?}" "$run/programs"
}
stand_in node "$(named FROM /node: deploy/Containerfile)"
stand_in rust "$(named FROM /rust: deploy/Containerfile)"
stand_in influxdb "$(named image: /influxdb: deploy/compose.yaml)"
stand_in grafana "$(named image: /grafana: deploy/compose.yaml)"
quietly podman build --network host --file "$run/clone/deploy/Containerfile" --tag karana "$run/clone"
podman image prune --force >/dev/null
echo "--- The images: $(since "$began")"

# No container has a way out.
exec unshare --net bash tests/containers/scenes.sh "$run"
