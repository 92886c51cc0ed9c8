# shellcheck shell=bash
# What the stage is put together from, each made once and kept in $cache under a name that holds what it was made of.
# Sourced by tests/deploy.sh.

mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
security_mirror=${DEBIAN_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
suite=bookworm
sources=("deb $mirror $suite main" "deb $mirror $suite-updates main" "deb $security_mirror $suite-security main")

# A container's system has, like the images that LXD's projects publish, neither ssh nor Python.
base_packages=(systemd-sysv systemd-resolved libpam-systemd dbus udev iproute2)
# What makes a server of it.
server_packages=(openssh-server python3)
# What playbooks install, on top of those.
playbook_packages=(
    apparmor ca-certificates certbot curl dnsmasq-base git haproxy influxdb influxdb-client iputils-ping libnginx-mod-http-brotli-static
    lxd lxd-client netcat-openbsd nftables nginx-light openssh-client openssl python3-apt rsync sudo zstd
)

# cached <name> <what it is made of> <command…>: runs the command with a new folder as its last argument unless one that was
# made of the same is there; `part` is that folder. Those made of anything else are deleted.
part=
cached() {
    local name=$1 made_of=$2 old began=$SECONDS
    shift 2
    part=$cache/$name-$(sha256sum <<<"$made_of" | head -c 12)
    [[ -d $part ]] && return
    for old in "$cache/$name"-*; do rm -rf --one-file-system "$old"; done
    say "Making: $name"
    mkdir -p "$part.new"
    "$@" "$part.new"
    mv "$part.new" "$part"
    echo "--- $name: $(since "$began"), $(du -sh "$part" | cut -f1)"
}

# Sets base, repository, server, image and ansible to folders of $cache.
make_parts() {
    mkdir -p "$cache"
    cached base "$(declare -f make_base configure_base) ${sources[*]} ${base_packages[*]}" make_base
    base=$part
    cached repository "$base ${server_packages[*]} ${playbook_packages[*]} $(declare -f make_repository)" make_repository
    repository=$part
    cached server "$repository $(declare -f make_server configure_server)" make_server
    server=$part
    cached image "$base $(declare -f make_image) $(<tests/deploy/image_index.py)" make_image
    image=$part
    cached ansible "$(realpath "$cache") $(cat deploy/requirements.txt) $(declare -f make_ansible)" make_ansible
    ansible=$part
}

make_base() {
    quietly mmdebstrap --mode=root --variant=minbase --include="$(IFS=, && echo "${base_packages[*]}")" \
        "$suite" "$1" "${sources[@]}"
    configure_base "$1"
}

configure_base() {
    # The only source is the stage's own. Nothing that a power cut destroys here is missed.
    rm -f "$1"/etc/apt/sources.list.d/*
    echo 'deb [trusted=yes] http://deb.debian.org/debian ./' >"$1/etc/apt/sources.list"
    echo force-unsafe-io >"$1/etc/dpkg/dpkg.cfg.d/unsafe-io"
    # It speaks to the kernel, which is that of the machine.
    ln -s /dev/null "$1/etc/systemd/system/systemd-binfmt.service"
    printf '[Match]\nName=eth0\n\n[Network]\nDHCP=ipv4\n\n[DHCPv4]\nClientIdentifier=mac\n' >"$1/etc/systemd/network/eth0.network"
    ln -sf /lib/systemd/system/systemd-networkd.service "$1/etc/systemd/system/multi-user.target.wants/"
    ln -sf /run/systemd/resolve/stub-resolv.conf "$1/etc/resolv.conf"
    : >"$1/etc/machine-id"
}

# on_base <folder> <script> <argument…>: runs a script with the base as its folder; what it changes is kept in <folder>/upper.
on_base() {
    local folder script=$2
    folder=$(realpath "$1")
    shift 2
    mkdir "$folder/upper" "$folder/work" "$folder/root"
    # shellcheck disable=SC2016 # for the shell that is started
    quietly unshare --mount bash -euc '
        mount -t overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" overlay "$2/root"
        cd "$2/root"
        mount -t proc proc proc
        mount -t tmpfs tmpfs mnt
        export DEBIAN_FRONTEND=noninteractive SYSTEMD_OFFLINE=1 LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin
        shift 2
        '"$script" - "$base" "$folder" "$@"
    rm -rf "$folder/work" "$folder/root"
}

# A repository of what is to be installed on top of the base: the base's own apt tells what that takes.
make_repository() {
    # shellcheck disable=SC2016 # for the shell that is started
    on_base "$1" '
        mount -t tmpfs tmpfs run
        mkdir -p run/systemd/resolve
        cp --dereference /etc/resolv.conf run/systemd/resolve/stub-resolv.conf
        printf "%s\n" "$1" >etc/apt/sources.list
        chroot . apt-get -qq update
        chroot . apt-get -qq install --yes --download-only --no-install-recommends $2' \
        "$(printf '%s\n' "${sources[@]}")" "${server_packages[*]} ${playbook_packages[*]}"
    mv "$1"/upper/var/cache/apt/archives/*.deb "$1/"
    rm -rf "$1/upper"
    (cd "$1" && apt-ftparchive packages . >Packages && apt-ftparchive release . >Release)
}

# The layer above the base that makes a freshly installed server of it.
make_server() {
    # shellcheck disable=SC2016 # for the shell that is started
    on_base "$1" '
        mkdir mnt/repository
        mount --bind "$1" mnt/repository
        echo "deb [trusted=yes] file:/mnt/repository ./" >etc/apt/sources.list
        chroot . apt-get -qq update
        chroot . apt-get -qq install --yes --no-install-recommends $2
        chroot . apt-get clean
        rm -rf var/lib/apt/lists/*' \
        "$repository" "${server_packages[*]}"
    cp "$base/etc/apt/sources.list" "$1/upper/etc/apt/"
    configure_server "$1/upper"
}

configure_server() {
    rm -f "$1"/etc/ssh/ssh_host_*
    echo server >"$1/etc/hostname"
    ln -s /dev/null "$1/etc/systemd/system/systemd-resolved.service"
}

# An image for LXD, as a server of images has it.
make_image() {
    mkdir "$1/images" "$1/templates"
    cat >"$1/metadata.yaml" <<END
architecture: x86_64
creation_date: $(date +%s)
properties: {os: Debian, release: $suite, architecture: amd64}
templates:
  /etc/hostname: {when: [create, copy], template: hostname.tpl}
  /etc/hosts: {when: [create, copy], template: hosts.tpl}
END
    echo '{{ container.name }}' >"$1/templates/hostname.tpl"
    printf '127.0.0.1 localhost\n127.0.1.1 {{ container.name }}\n' >"$1/templates/hosts.tpl"
    tar -C "$1" --owner=0 --group=0 -cJf "$1/images/lxd.tar.xz" metadata.yaml templates
    rm -r "$1/metadata.yaml" "$1/templates"
    quietly mksquashfs "$base" "$1/images/rootfs.squashfs" -comp zstd -Xcompression-level 1 -no-progress -noappend
    python3 tests/deploy/image_index.py "$1"
}

make_ansible() {
    # What is installed names the folder that it lies in.
    quietly python3 -m venv "${1%.new}"
    quietly "${1%.new}/bin/pip" install --disable-pip-version-check --no-compile --requirement deploy/requirements.txt \
        httpie==3.2.4
    rmdir "$1"
    mv "${1%.new}" "$1"
}
