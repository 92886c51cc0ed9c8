# shellcheck shell=bash
# Keeps the stage's namespaces and is all that lies outside of the servers: names, Debian's packages, an authority for
# certificates, images for LXD. Started by stage.sh in namespaces of its own for mounts and networks; it ends with the first server.
set -euo pipefail
run=$1 base=$2 layer=$3 repository=$4 image=$5 ansible=$6 group=$7 outside=$8 domain=$9 log=${10}
shift 10
# The servers: name=address, each.
servers=("$@")

# All that servers write is one file: deleting one is quick.
mkfs.ext4 -q -O ^has_journal "$run/disk" 16G
mkdir "$run/written"
mount -o loop,noatime "$run/disk" "$run/written"

# The world outside. What has no address has an answer, too: a client that gets none tries for seconds.
ip link set lo up
ip link add street type bridge
ip address add "$outside/24" dev street
ip link set street up
mirrored=deb.debian.org/images.lxd.canonical.com
known=()
for server in "${servers[@]}"; do
    # The first one is the domain's; the others have names in it.
    if ((${#known[@]})); then known+=(--address="/${server%=*}.$domain/${server#*=}"); else known+=(--address="/$domain/${server#*=}"); fi
done
dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= --user=root --no-hosts --no-resolv --listen-address="$outside" \
    --bind-interfaces --local=/#/ "${known[@]}" --address="/$mirrored/acme.test/$outside" --local="/$domain/$mirrored/" \
    >"$log/names.log" 2>&1 &
mkdir "$run/outside"
ln -s "$repository" "$run/outside/debian"
ln -s "$image"/* "$run/outside/"
python3 tests/deploy/outside.py "$outside" "$run/outside" "$run/outside.pem" >"$log/outside.log" 2>&1 &
PEBBLE_VA_NOSLEEP=1 pebble -strict -config "$run/pebble.json" -dnsserver "$outside:53" >"$log/acme.log" 2>&1 &
# shellcheck disable=SC2046 # each is a number
trap 'kill $(jobs -p)' EXIT

# Servers see control groups of version 2 only, and only their own. The folder of LXD: a file system on which the containers'
# users can be mapped. /proc/sys and /sys are those of the machine; a server may change nothing in them but its network.
umount --recursive /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /run/systemd/nspawn
mount -t tmpfs tmpfs /run/systemd/nspawn
export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network

# What whoever rents a server is given: his key is known, it has an address and a name.
prepare() {
    local name=$1 address=$2 root=$run/root-$1
    mkdir -p "$root" "$run/written/$name"/{upper,work,lxd}
    mount -t overlay -o "lowerdir=$layer/upper:$base,upperdir=$run/written/$name/upper,workdir=$run/written/$name/work" overlay "$root"
    install -d -m 700 "$root/root/.ssh"
    install -m 600 "$run/key.pub" "$root/root/.ssh/authorized_keys"
    install -m 600 "$run/host_key" "$root/etc/ssh/ssh_host_ed25519_key"
    install -m 644 "$run/host_key.pub" "$root/etc/ssh/ssh_host_ed25519_key.pub"
    printf '[Match]\nName=eth0\n\n[Network]\nAddress=%s/24\nGateway=%s\n' "$address" "$outside" >"$root/etc/systemd/network/eth0.network"
    echo "$name" >"$root/etc/hostname"
    printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$name" >"$root/etc/hosts"
    rm -f "$root/etc/resolv.conf"
    cp "$run/resolv.conf" "$root/etc/"
    install -D -m 644 "$run/outside.crt" "$root/usr/local/share/ca-certificates/stage.crt"
}

boot() {
    local name=$1
    # shellcheck disable=SC2016 # for the shell that is started
    bash -euc 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' - "/sys/fs/cgroup/$group/$name" \
        systemd-nspawn --quiet --boot --register=no --keep-unit --settings=no --directory="$run/root-$name" --machine="$name" \
        --network-veth-extra="$name:eth0" --private-network --capability=all --system-call-filter=@known --link-journal=no \
        --console=pipe --resolv-conf=off --timezone=off --bind="$run/written/$name/lxd:/var/lib/lxd" --bind-ro="$ansible" \
        <&- >>"$log/$name.log" 2>&1
}

# 133: it is to be booted again.
keep() {
    local name=$1 booted code=133
    while ((code == 133)); do
        boot "$name" &
        booted=$!
        until ip link show "$name" &>/dev/null; do
            kill -0 "$booted"
            sleep 0.05
        done
        ip link set "$name" master street up
        code=0
        wait "$booted" || code=$?
        echo "$name ended with $code"
    done
}

for server in "${servers[@]}"; do
    prepare "${server%=*}" "${server#*=}"
    keep "${server%=*}" &
    first=${first-$!}
done
wait "$first"
