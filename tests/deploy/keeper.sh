# shellcheck shell=bash
# Keeps the stage's namespaces and is all that lies outside of the server: names, Debian's packages, images for LXD.
# Started by stage.sh in namespaces of its own for mounts and networks; it ends with the server.
set -euo pipefail
run=$1 base=$2 server=$3 repository=$4 image=$5 group=$6 outside=$7 address=$8 domain=$9 log=${10}

# All that the server writes is one file: deleting one is quick.
mkfs.ext4 -q -O ^has_journal "$run/disk" 16G
mkdir "$run/written" "$run/server"
mount -o loop,noatime "$run/disk" "$run/written"
mkdir "$run"/written/{upper,work,lxd}

root=$run/server
mount -t overlay -o "lowerdir=$server/upper:$base,upperdir=$run/written/upper,workdir=$run/written/work" overlay "$root"

# What whoever rents a server is given: his key is known, it has an address and a name.
install -d -m 700 "$root/root/.ssh"
install -m 600 "$run/key.pub" "$root/root/.ssh/authorized_keys"
install -m 600 "$run/host_key" "$root/etc/ssh/ssh_host_ed25519_key"
install -m 644 "$run/host_key.pub" "$root/etc/ssh/ssh_host_ed25519_key.pub"
printf '[Match]\nName=eth0\n\n[Network]\nAddress=%s/24\nGateway=%s\n' "$address" "$outside" >"$root/etc/systemd/network/eth0.network"
printf '127.0.0.1 localhost\n127.0.1.1 %s server\n' "$domain" >"$root/etc/hosts"
rm -f "$root/etc/resolv.conf"
cp "$run/resolv.conf" "$root/etc/"
install -D -m 644 "$run/outside.crt" "$root/usr/local/share/ca-certificates/stage.crt"

# The world outside. What has no address has an answer, too: a client that gets none tries for seconds.
ip link set lo up
ip address add "$outside/32" dev lo
mirrored=deb.debian.org/images.lxd.canonical.com
dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file= --user=root --no-hosts --no-resolv --listen-address="$outside" \
    --bind-interfaces --local=/#/ --address="/$domain/$address" --address="/$mirrored/$outside" --local="/$domain/$mirrored/" \
    >"$log/names.log" 2>&1 &
mkdir "$run/outside"
ln -s "$repository" "$run/outside/debian"
ln -s "$image"/* "$run/outside/"
python3 tests/deploy/outside.py "$outside" "$run/outside" "$run/outside.pem" >"$log/outside.log" 2>&1 &
# shellcheck disable=SC2046 # each is a number
trap 'kill $(jobs -p)' EXIT

# The server sees control groups of version 2 only, and only its own. The folder of LXD: a file system on which the containers'
# users can be mapped. /proc/sys and /sys are those of the machine; it may change nothing in them but its network.
umount --recursive /sys/fs/cgroup
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir -p /run/systemd/nspawn
mount -t tmpfs tmpfs /run/systemd/nspawn
export SYSTEMD_NSPAWN_API_VFS_WRITABLE=network
boot() {
    # shellcheck disable=SC2016 # for the shell that is started
    bash -euc 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' - "/sys/fs/cgroup/$group/server" \
        systemd-nspawn --quiet --boot --register=no --keep-unit --settings=no --directory="$root" --machine=server \
        --network-veth-extra=server:eth0 --private-network --capability=all --system-call-filter=@known --link-journal=no \
        --console=pipe --resolv-conf=off --timezone=off --bind="$run/written/lxd:/var/lib/lxd" \
        <&- >>"$log/server.log" 2>&1
}

# 133: it is to be booted again.
code=133
while ((code == 133)); do
    boot &
    booted=$!
    until ip link show server &>/dev/null; do
        kill -0 "$booted"
        sleep 0.05
    done
    ip address add "$outside/24" dev server
    ip link set server up
    code=0
    wait "$booted" || code=$?
    echo "The server ended with $code"
done
