#!/usr/bin/env bash
# Runs the playbooks of deploy/ against servers of its own, with real containers; tests/deploy/README.md draws the stage.
# What it is made of is kept in DEPLOY_CACHE (target/deploy), and what was said in its folder log.
#
#   tests/deploy.sh                              the tests, from a new stage to none
#   tests/deploy.sh up                           a new stage, to be left running
#   tests/deploy.sh run <command…>               a command beside the server, with Ansible and the inventory
#   tests/deploy.sh exec <container> <command…>  a command in a container, or in `server` or `second`
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

# From a new stage to none. scenes.py tells of each scene; what playbooks said is in the folder log.
scenes() {
    if ! can_stage; then
        echo "skipped: deployment: $cannot"
        return
    fi
    need dpkg-deb rsync wrk zstd
    alone
    trap stage_down EXIT
    stage_up
    called_from=$PWD/deploy
    stage_run ansible-lint
    called_from=$PWD
    SCENE_LOGS=$cache/log stage_run python3 -B tests/deploy/scenes.py "$@"
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
    *) scenes "$@" ;;
esac
