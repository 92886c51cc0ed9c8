# shellcheck shell=bash
# Programs from the distribution. Sourced by run.sh, test.sh and .ci/run, which run under `set -euo pipefail`.

declare -A package_of=(
    [aardvark-dns]=aardvark-dns
    [apt-ftparchive]=apt-utils
    [cc]='gcc libc6-dev'
    [catatonit]=catatonit
    [certificates]=ca-certificates
    [chromium]=chromium
    [crun]=crun
    [curl]=curl
    [dnsmasq]=dnsmasq-base
    [dpkg-deb]=dpkg
    [flock]=util-linux
    [git]=git
    [influxd]=influxdb
    [ip]=iproute2
    [iptables]=iptables
    [mkfs.ext4]=e2fsprogs
    [mksquashfs]=squashfs-tools
    [mmdebstrap]='mmdebstrap debian-archive-keyring'
    [mount]=mount
    [netavark]=netavark
    [nft]=nftables
    [node]=nodejs
    [npm]=npm
    [openssl]=openssl
    [pebble]=pebble
    [pkill]=procps
    [podman]=podman
    [podman-compose]=podman-compose
    [python3]=python3
    [python3-venv]=python3-venv
    [promtool]=prometheus
    [setsid]=util-linux
    [shellcheck]=shellcheck
    [strace]=strace
    [ssh]=openssh-client
    [sshd]=openssh-server
    [rsync]=rsync
    [systemd-nspawn]=systemd-container
    [wrk]=wrk
    [zstd]=zstd
)

say() { printf '==> %s\n' "$*"; }

die() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# "8 min 3 s" since a value of SECONDS.
since() {
    local seconds=$((SECONDS - $1))
    if ((seconds < 60)); then echo "$seconds s"; else echo "$((seconds / 60)) min $((seconds % 60)) s"; fi
}

is_debian() {
    # shellcheck source=/dev/null
    command -v apt-get >/dev/null && (. /etc/os-release && [[ " $ID ${ID_LIKE:-} " =~ \ (debian|ubuntu)\  ]])
}

# SYSTEMD_OFFLINE: a package's service is not started; we want its program only.
as_root() {
    local with=()
    if ((EUID != 0)); then with=(sudo); fi
    "${with[@]}" env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 SYSTEMD_OFFLINE=1 "$@"
}

# Refuses now what would fail later.
need_cargo() {
    if ! command -v cargo >/dev/null && [[ -x ~/.cargo/bin/cargo ]]; then PATH=~/.cargo/bin:$PATH; fi
    command -v cargo >/dev/null || die 'the Rust toolchain is missing: see https://rustup.rs'
}

# Shows what a command says only when it fails, which ends this program.
quietly() {
    local output
    output=$("$@" 2>&1) || {
        printf '%s\n' "$output" >&2
        die "failed: $*"
    }
}

# `certificates`: those of the authorities, without which no client for HTTPS can be made; elsewhere than on Debian they
# lie elsewhere. `sshd` lies where only root looks, what podman makes networks with where only podman does.
is_there() {
    case $1 in
        certificates) ! is_debian || [[ -s /etc/ssl/certs/ca-certificates.crt ]] ;;
        # Debian ships the module without what it installs into the environments that it makes.
        python3-venv) command -v python3 >/dev/null && python3 -c 'import ensurepip, venv' 2>/dev/null ;;
        netavark | aardvark-dns) [[ -x /usr/lib/podman/$1 ]] ;;
        sshd) command -v sshd >/dev/null || [[ -x /usr/sbin/sshd ]] ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

# Installs the packages of those programs that are missing, and only those.
need() {
    local program missing=() packages=()
    for program; do
        is_there "$program" && continue
        missing+=("$program")
        read -ra names <<<"${package_of[$program]}"
        packages+=("${names[@]}")
    done
    ((${#missing[@]})) || return 0
    is_debian || die "please install what is missing: ${missing[*]} (on Debian the packages ${packages[*]}; influxd is that of InfluxDB 1.x)"
    ((EUID == 0)) || command -v sudo >/dev/null || die "there is no sudo; as root: apt-get install ${packages[*]}"
    say "Installing ${packages[*]}"
    quietly as_root apt-get update -qq
    quietly as_root apt-get install -y -qq --no-install-recommends "${packages[@]}"
    hash -r
    for program in "${missing[@]}"; do
        is_there "$program" || die "$program is not there although its package is installed"
    done
    # The packages would serve from the next boot on, most of them all networks; influxdb without authentication.
    if [[ -d /run/systemd/system ]]; then
        [[ " ${missing[*]} " != *' influxd '* ]] || as_root systemctl disable influxdb || true
        [[ " ${missing[*]} " != *' podman '* ]] || as_root systemctl disable podman.socket podman.service podman-restart.service || true
        [[ " ${missing[*]} " != *' sshd '* ]] || as_root systemctl disable ssh.service ssh.socket || true
    fi
}
