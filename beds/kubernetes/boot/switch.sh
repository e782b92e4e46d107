#!/bin/sh
# Starts the switch of a cluster: a network namespace whose bridge joins the nodes. Nothing else is
# in it and it forwards nothing, so the nodes' default route leads nowhere. Its supervisor's programs
# are the nodes: when it dies, each node gets the kernel's parent-death signal and dies whole.
#   switch.sh FOLDER ADDRESS
set -eu
if [ "${3:-}" != wired ]; then
    # The record comes first: from here on a later command can find and end this process.
    echo "$$ $(cut -d' ' -f22 "/proc/$$/stat")" > "$1/process"
    exec unshare --net -- "$0" "$1" "$2" wired
fi
ip link set lo up
ip link add bridge type bridge
ip addr add "$2/24" dev bridge
ip link set bridge up
exec python3 "$(dirname "$0")/../kubernetes_bed/supervisor.py" "$1"
