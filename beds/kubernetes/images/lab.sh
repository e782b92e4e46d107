#!/bin/sh
# Makes the two layers of the Lab image in FOLDER: debian.tar (a minimal Debian with Python) and lab.tar
# (a virtual environment, bytecode compiled). Everything is installed inside the tree, by its own Python.
#   lab.sh FOLDER DEBIAN,PACKAGES PYTHON PACKAGES...
set -eu
folder=$1 packages=$2
shift 2
tree=$folder/tree
mmdebstrap --mode=root --variant=apt --include="$packages" \
    --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Check-Date "false"' \
    --aptopt='Acquire::Check-Valid-Until "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    bookworm "$tree"
rm -rf "$tree"/var/lib/apt/lists/* "$tree"/var/cache/apt/*
mkdir -p "$tree/home/jovyan"
echo 'jovyan:x:1000:100::/home/jovyan:/bin/bash' >> "$tree/etc/passwd"
chown 1000:100 "$tree/home/jovyan"
tar -C "$tree" --numeric-owner --sort=name -cf "$folder/debian.tar" .

# pip inside the tree reaches the package index as this machine does, and trusts whom it trusts.
cp /etc/resolv.conf "$tree/etc/resolv.conf"
authorities=/etc/ssl/certs/ca-certificates.crt
cp "$authorities" "$tree$authorities"
export PIP_CERT="$authorities" REQUESTS_CA_BUNDLE="$authorities" SSL_CERT_FILE="$authorities"
export PIP_CONFIG_FILE=/dev/null PIP_FIND_LINKS=
chroot "$tree" python3 -m venv /opt/lab
chroot "$tree" /opt/lab/bin/pip install --quiet --no-cache-dir --compile "$@"
rm -rf "$tree"/opt/lab/lib/python3*/site-packages/pip* "$tree"/opt/lab/share/jupyter/lab/staging
tar -C "$tree" --numeric-owner --sort=name -cf "$folder/lab.tar" opt
