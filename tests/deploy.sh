#!/usr/bin/env bash
# Runs playbooks against a server of its own, with real containers; tests/deploy/README.md draws the stage.
# What it is made of is kept in DEPLOY_CACHE (target/deploy), and what was said in its folder log.
#
#   tests/deploy.sh [playbook…]                  from a new stage to none; without any, those of tests/deploy/
#   tests/deploy.sh up                           a new stage, to be left running
#   tests/deploy.sh run <command…>               a command beside the server, with Ansible and the inventory
#   tests/deploy.sh exec <container> <command…>  a command in a container, or in `server`
#   tests/deploy.sh down                         ends it, whatever state it is in
set -euo pipefail
called_from=$PWD
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tools/packages.sh
cache=$(realpath --canonicalize-missing "${DEPLOY_CACHE:-target/deploy}")
source tests/deploy/parts.sh
source tests/deploy/debs.sh
source tests/deploy/stage.sh

# One at a time makes or ends a stage.
alone() {
    need flock
    mkdir -p "$cache"
    exec 9>"$cache/lock"
    flock --nonblock 9 || die "another run is at work in $cache"
}

# What it says goes to a file; the end of it is shown if it fails.
play() {
    local name began=$SECONDS
    name=$(basename "$1" .yml)
    if stage_run ansible-playbook "$1" >"$cache/log/$name.log" 2>&1; then
        echo "--- $name: fine, $(since "$began")"
    else
        tail -n 60 "$cache/log/$name.log" >&2
        die "$name: FAILED, $(since "$began"); all that was said is in $cache/log"
    fi
}

all() {
    local playbook playbooks=()
    for playbook; do
        [[ -f $called_from/$playbook ]] || die "there is no playbook $playbook"
        playbooks+=("$(realpath "$called_from/$playbook")")
    done
    if ! can_stage; then
        echo "skipped: deployment: $cannot"
        return
    fi
    alone
    trap stage_down EXIT
    stage_up
    # Where ansible.cfg lies.
    called_from=$PWD/deploy
    for playbook in "${playbooks[@]}"; do play "$playbook"; done
}

case ${1:-} in
    up)
        can_stage || die "$cannot"
        alone
        stage_up
        ;;
    run)
        shift
        stage_run "$@"
        ;;
    exec)
        shift
        stage_exec "$@"
        ;;
    down)
        alone
        stage_down
        ;;
    -*) sed -n '/^#   /s/^# *//p' "${BASH_SOURCE[0]}" >&2 && exit 2 ;;
    '')
        called_from=$PWD
        all tests/deploy/*.yml
        ;;
    *) all "$@" ;;
esac
