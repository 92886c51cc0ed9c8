# shellcheck shell=bash
# What deploy/Containerfile and deploy/compose.yaml promise. Started by stage.sh, in a network of its own.
set -euo pipefail
source tools/packages.sh
run=$1
trap 'cd / && rm -rf --one-file-system "$run"' EXIT
ip link set lo up

is() { [[ $2 == "$3" ]] || die "$1: $2, not $3"; }

has() { grep -q "$2" <<<"$3" || die "$1: there is no $2 in: $3"; }

# get_healthy <container> [a number of times that it has been started again]
get_healthy() {
    local end=$((SECONDS + 60))
    until [[ $(podman inspect --format '{{.RestartCount}}' "$1") == "${2:-0}" ]] && podman healthcheck run "$1" &>/dev/null; do
        ((SECONDS < end)) || { podman ps --all && podman logs --tail 20 "$1" && die "$1 does not get healthy"; } >&2
        sleep 0.2
    done
}

running() { podman ps --quiet --no-trunc | sort; }

# What systemd's timers do for podman: a compose that knows how waits for what others depend on.
while sleep 1; do
    for container in $(running); do podman healthcheck run "$container" || true; done
done &>/dev/null &

say 'The image, without rights'
mkdir "$run/secrets"
podman run --rm karana key new >"$run/secrets/seal.keys"
printf '[api]\nmode = production\nlisten = 0.0.0.0:8000\n[storage]\nremote = /backup\n' >"$run/config.ini"
quietly git init --bare --initial-branch main "$run/backup"
chown -R 10001:10001 "$run/backup"
# with <volume> <argument…>: podman run
with() {
    local volume=$1
    shift
    quietly podman run --read-only --cap-drop ALL --security-opt no-new-privileges --tmpfs /tmp \
        --volume "$volume:/var/lib/karana" --volume "$run/config.ini:/etc/karana/config.ini:ro" \
        --volume "$run/secrets:/run/secrets:ro" --volume "$run/backup:/backup" "$@"
}
with one --detach --name alone karana
get_healthy alone
is 'its user' "$(podman exec alone sh -c 'echo $(id -u) $(id -g) ~ $(stat -c %a ~/.ssh)')" '10001 10001 /var/lib/karana 700'
has 'its programs' OpenSSH "$(podman exec alone ssh -V 2>&1)"
has 'its log' '^karana listening on ' "$(podman logs alone 2>&1)"
[[ -z $(podman exec alone find storage/keys -name seal.keys) ]] || die 'it has made a key although it was given one'
podman exec alone karana user add --role admin --email you@example.org >/dev/null

# Its first process, without an init; with a last push to the backup.
began=$SECONDS
podman stop --time 60 alone >/dev/null
is 'its end' "$(podman inspect --format '{{.State.ExitCode}}' alone)" 0
((SECONDS - began < 10)) || die "it took $((SECONDS - began)) s to end"
podman rm alone >/dev/null

with another --rm karana restore --from /backup --key /run/secrets/seal.keys
with another --detach --name alone karana
get_healthy alone
has 'the users of the backup' you@example.org "$(podman exec alone karana user list)"
podman rm --force alone >/dev/null

say 'compose.yaml'
cd "$run/clone/deploy"
sed -i 's/^device_host = .*/device_host = 127.0.0.1/' compose/config.ini
# Those that must not get into the image have done their work: now secrets as it is told how.
rmdir secrets
sed -n '/^mkdir .*secrets/,/^chmod/p' README.md >"$run/secrets.sh"
has 'how to make secrets' openssl "$(<"$run/secrets.sh")"
bash -eu "$run/secrets.sh"

compose() {
    podman-compose "$@" <&- &>"$run/compose.log" || { cat "$run/compose.log" >&2 && die "failed: podman-compose $*"; }
}
up() {
    compose up -d
    local container
    for container in $(running); do get_healthy "$container"; done
    is 'how many run' "$(running | wc -l)" 3
    karana=$(podman ps --quiet --no-trunc --filter ancestor=localhost/karana)
}
up
is 'what it is given' "$(podman exec "$karana" ls -m /run/secrets)" 'grafana.pass, influxdb.token'
echo admin |
    podman exec --interactive "$karana" karana user add --role admin --email admin@example.com --password-stdin >/dev/null
# From outside: owners and their devices, who write to InfluxDB and read there what they may.
quietly "$run/demo" --once http://127.0.0.1:8000 http://127.0.0.1:8086
has "Grafana's users" '"login":"demo@example.com"' \
    "$(curl -sSf --user "karanaadmin:$(<secrets/grafana.pass)" http://127.0.0.1:3000/api/users)"
has 'what is left to do' '^0 actions' "$(podman exec "$karana" karana plan)"

before=$(running)
up
is 'what runs after a second time' "$(running)" "$before"

# No process but ours is to be seen here.
pkill -KILL -x karana
get_healthy "$karana" 1
is 'what runs after a crash' "$(running)" "$before"

compose down
is 'what is left' "$(podman ps --all --quiet)" ''
up
has 'the users of before' demo@example.com "$(podman exec "$karana" karana user list)"
compose down
podman volume prune --force >/dev/null
