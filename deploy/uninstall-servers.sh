#!/bin/sh
# Removes the packages that install-servers.sh has installed, with their configuration, and nothing that was there before.
# The data of a server that somebody has started from them goes as well.
#
# usage: uninstall-servers.sh
# exit codes: 0 none of them is left; 1 apt-get could not remove them

set -eu

list=/var/lib/queryfleet/installed-packages
if ! [ -s "$list" ]; then
    echo "uninstall-servers.sh: install-servers.sh has installed nothing here" >&2
    exit 0
fi
if [ "$(id -u)" -ne 0 ]; then
    exec sudo sh "$0"
fi
packages=$(while read -r package; do
    if dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed'; then
        echo "$package"
    fi
done <"$list" | sort -u | tr '\n' ' ')
# What has come to need one of them stays, and so does what it needs.
others=
# shellcheck disable=SC2086 # words, one package each
for package in $(apt-get -s purge $packages | sed -n 's/^\(Remv\|Purg\) \([^ ]*\).*/\2/p'); do
    case " $packages " in
        *" $package "*) ;;
        *) others="$others $package" ;;
    esac
done
if [ -n "$others" ]; then
    echo "uninstall-servers.sh: needed by$others now, and kept: what came along with the servers" >&2
    servers=
    for package in $packages; do
        case $package in
            rabbitmq-server | mariadb-server | mariadb-client) servers="$servers $package" ;;
        esac
    done
    packages=$servers
fi
if [ -n "$packages" ]; then
    echo "uninstall-servers.sh: removing ${packages% }" >&2
    log=$(mktemp)
    # shellcheck disable=SC2086 # words, one package each
    if ! DEBIAN_FRONTEND=noninteractive apt-get purge --yes $packages >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        rm -f "$log"
        exit 1
    fi
    rm -f "$log"
fi
rm -f "$list"
rmdir --ignore-fail-on-non-empty /var/lib/queryfleet
