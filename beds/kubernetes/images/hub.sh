#!/bin/sh
# Makes the layer of the hub's image in FOLDER: hub.tar, a virtual environment in /opt/hub, on the tree of
# debian.tar, which is the Lab image's first layer and lies there already.
#   hub.sh FOLDER PYTHON PACKAGES...
set -eu
folder=$1
shift
tree=$folder/tree
mkdir "$tree"
tar -C "$tree" --numeric-owner -xf "$folder/debian.tar"
cp /etc/resolv.conf "$tree/etc/resolv.conf"
authorities=/etc/ssl/certs/ca-certificates.crt
cp "$authorities" "$tree$authorities"
export PIP_CERT="$authorities" REQUESTS_CA_BUNDLE="$authorities" SSL_CERT_FILE="$authorities"
export PIP_CONFIG_FILE=/dev/null PIP_FIND_LINKS=
chroot "$tree" python3 -m venv /opt/hub
chroot "$tree" /opt/hub/bin/pip install --quiet --no-cache-dir --compile "$@"
rm -rf "$tree"/opt/hub/lib/python3*/site-packages/pip*
tar -C "$tree" --numeric-owner --sort=name -cf "$folder/hub.tar" opt
