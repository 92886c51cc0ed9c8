#!/usr/bin/env bash
# Runs the playbooks of deploy/ against a server of its own, with real containers; tests/deploy/README.md draws the stage.
# What it is made of is kept in DEPLOY_CACHE (target/deploy), what it says in DEPLOY_CACHE/run/log.
#
#   tests/deploy.sh                              the tests, from a new stage to none
#   tests/deploy.sh up                           a new stage, to be left running
#   tests/deploy.sh run <command…>               a command beside the server, with Ansible and the inventory
#   tests/deploy.sh exec <container> <command…>  a command in a container, or in `server`
#   tests/deploy.sh down                         ends it, whatever state it is in
set -euo pipefail
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
called_from=$PWD
cd "$here"
source tools/packages.sh
cache=$(realpath --canonicalize-missing "${DEPLOY_CACHE:-target/deploy}")
source tests/deploy/parts.sh
source tests/deploy/stage.sh

case ${1:-} in
    up)
        can_stage || die "$cannot"
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
    down) stage_down ;;
    *) echo 'Usage: tests/deploy.sh [up | run <command…> | exec <container> <command…> | down]' >&2 && exit 2 ;;
esac
