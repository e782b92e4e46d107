#!/bin/sh
# Boots one node, as a program of the switch's supervisor: own network on the switch's bridge, own
# /run, /var/lib and /var/log, own process numbers, then the node's supervisor as process 1.
#   node.sh NAME FOLDER ADDRESS SWITCH_ADDRESS
set -eu
if [ "${5:-}" != inside ]; then
    exec setpriv --pdeathsig KILL unshare --net --mount --uts -- "$0" "$1" "$2" "$3" "$4" inside
fi
# $PPID is the switch's supervisor; a cable left by this node's last life may still be in its network.
nsenter --target "$PPID" --net ip link del "$1" 2>/dev/null || true
ip link add eth0 type veth peer name "$1" netns "$PPID"
nsenter --target "$PPID" --net ip link set "$1" master bridge up
ip link set lo up
ip addr add "$3/24" dev eth0
ip link set eth0 up
ip route add default via "$4"
sysctl -qw net.ipv4.ip_forward=1
hostname "$1"
mount --bind "$2/lib" /var/lib
mount --bind "$2/log" /var/log
mount -t tmpfs -o mode=755 tmpfs /run
mount --make-rshared /
exec unshare --pid --fork --kill-child --mount-proc -- python3 "$(dirname "$0")/../kubernetes_bed/supervisor.py" "$2"
