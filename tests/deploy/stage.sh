# shellcheck shell=bash
# The stage: sets it up, lets commands run on it and takes it down. Sourced by tests/deploy.sh.
#
# All of it is one control group of the kernel, and that is all there is to know of it: who ends its processes has ended its
# namespaces with them, and so its mounts and networks. So nothing of it can be left behind, nor can anything else be hit.

run=$cache/run
outside=198.51.100.1
domain=karana.test
# The first one is the domain's; the other one is second.karana.test.
servers=(server=198.51.100.10 second=198.51.100.20)

groups=$(findmnt --noheadings --first-only --types cgroup2 --output TARGET || true)
group=$groups/karana-deploy-$(sha256sum <<<"$cache" | head -c 8)

# Whether this machine can; else $cannot tells why not.
cannot=
can_stage() {
    if ((EUID != 0)); then
        cannot='it takes root'
    elif [[ $(uname -sm) != 'Linux x86_64' ]]; then
        cannot="it takes Linux on x86_64, this is $(uname -sm)"
    elif [[ -z $groups || ! -w $groups ]]; then
        cannot='there is no control group v2 to write to'
    elif ! unshare --mount --net true 2>/dev/null; then
        cannot='the kernel refuses new namespaces'
    elif [[ ! -c /dev/loop-control ]]; then
        cannot='the kernel has no loop devices'
    fi
    [[ -z $cannot ]]
}

stage_up() {
    need apt-ftparchive dnsmasq flock ip mkfs.ext4 mksquashfs mmdebstrap mount pebble python3 python3-venv openssl ssh systemd-nspawn
    stage_down
    make_parts
    make_debs
    # Each container takes eleven, all of them from root's; kernels give 128. It stays so until the machine is started anew.
    local instances=/proc/sys/fs/inotify/max_user_instances
    (($(<$instances) >= 1024)) || echo 1024 >$instances
    local began=$SECONDS
    rm -rf "$cache/log"
    mkdir -p "$cache/log" "$run/inventory"
    write_access
    write_inventory
    mkdir "$group" "$group"/{keeper,run,server,second}
    local controller
    for controller in $(<"$group/cgroup.controllers"); do echo "+$controller" >"$group/cgroup.subtree_control" || true; done
    (in_group keeper setsid unshare --mount --net bash tests/deploy/keeper.sh "$run" "$base" "$server" "$repository" \
        "$image" "$ansible" "${group##*/}" "$outside" "$domain" "$cache/log" "${servers[@]}") 9>&- <&- >"$cache/log/keeper.log" 2>&1 &
    local keeper=$!
    disown
    for _ in {1..600}; do
        kill -0 "$keeper" 2>/dev/null || break
        if is_running server && is_running second; then
            echo "--- The servers are up: $(since "$began")"
            return
        fi
        sleep 0.1
    done
    in_server server systemctl --failed >&2 || true
    in_server second systemctl --failed >&2 || true
    tail -n 20 "$cache"/log/*.log >&2
    die 'the servers do not get up'
}

# Keys and what a client is told of the server.
write_access() {
    ssh-keygen -q -t ed25519 -N '' -C stage -f "$run/key"
    ssh-keygen -q -t ed25519 -N '' -C server -f "$run/host_key"
    printf '%s,second.%s,198.51.100.* %s\n' "$domain" "$domain" "$(<"$run/host_key.pub")" >"$run/known_hosts"
    cat >"$run/ssh_config" <<END
Host *
    User root
    IdentityFile $run/key
    IdentitiesOnly yes
    UserKnownHostsFile $run/known_hosts
    StrictHostKeyChecking accept-new

Host 10.0.12.*
    ProxyJump $domain

Host 10.0.13.*
    ProxyJump second.$domain
END
    echo "nameserver $outside" >"$run/resolv.conf"
    quietly openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -days 2 -subj /CN=outside \
        -addext subjectAltName=DNS:images.lxd.canonical.com,DNS:acme.test -keyout "$run/outside.pem" -out "$run/outside.crt"
    cat >"$run/pebble.json" <<END
{"pebble": {"listenAddress": "$outside:14000", "managementListenAddress": "$outside:15000", "httpPort": 80, "tlsPort": 443,
  "certificate": "$run/outside.crt", "privateKey": "$run/outside.pem", "ocspResponderURL": ""}}
END
    cat "$run/outside.crt" >>"$run/outside.pem"
}

# Everything is where the example has it, under our domain.
write_inventory() {
    sed "s/karana\.example\.org/$domain/" deploy/inventory/hosts >"$run/inventory/hosts"
    printf 'export %s=%q\n' ANSIBLE_INVENTORY "$run/inventory" ANSIBLE_SSH_CONTROL_PATH_DIR "$run/control" \
        ANSIBLE_SSH_COMMON_ARGS "-F $run/ssh_config" STAGE "$run" \
        GRAFANA_DEB "$grafana_deb" KARANA_DEB "$karana_deb" >"$run/environment"
}

populated() { [[ -d $group ]] && grep -qx 'populated 1' "$group/cgroup.events"; }

# Runs a command in one of the groups below $group, without the lock: it may outlive this program.
in_group() {
    local into=$1
    shift
    bash -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' - "$group/$into" "$@" 9>&-
}

first_of() { head -n 1 "$group/$1/cgroup.procs" 2>/dev/null; }

# in_server <name> <command…>
in_server() {
    local init
    init=$(first_of "$1/payload/init.scope") && [[ -n $init ]] || return
    shift
    in_group run nsenter --target "$init" --mount --uts --ipc --net --pid --cgroup \
        env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM="${TERM:-dumb}" LANG=C.UTF-8 "$@"
}

is_running() { in_server "$1" systemctl is-system-running --wait 2>/dev/null | grep -qx running; }

is_up() {
    if ! populated || [[ -z $(first_of keeper) ]]; then die 'there is no stage: tests/deploy.sh up'; fi
}

# In the network that the server is reached from, where the names of its domain are known. With Ansible, the inventory and
# the way to the server, and the two packages as GRAFANA_DEB and KARANA_DEB.
stage_run() {
    is_up
    local ansible=("$cache"/ansible-*)
    # shellcheck disable=SC2016 # for the shell that is started
    (cd "$called_from" && in_group run nsenter --target "$(first_of keeper)" --net unshare --mount bash -euc '
        mount --bind "$1/resolv.conf" "$(realpath /etc/resolv.conf)"
        source "$1/environment"
        export PATH=$2/bin:$PATH
        shift 2
        exec "$@"' - "$run" "${ansible[0]}" "$@") 9>&-
}

stage_exec() {
    is_up
    local container=$1
    shift
    case $container in
        server | second) in_server "$container" "$@" ;;
        *) in_server server lxc exec "$container" -- "$@" ;;
    esac
}

stage_down() {
    if [[ -d $group ]]; then
        echo 1 >"$group/cgroup.kill"
        while populated; do sleep 0.05; done
        find "$group" -depth -type d -exec rmdir {} +
    fi
    rm -rf --one-file-system "$run"
}
