#!/bin/sh
# Installs what `queryfleet demo`, `queryfleet dev` and the tests need: the programs of RabbitMQ and MariaDB, from
# Debian's or Ubuntu's own packages. They are started privately by whoever needs them, so no system service of these
# packages is left running or enabled that was not there before. Does nothing, at once, when the programs are there.
#
# Which packages came new is kept in /var/lib/queryfleet/installed-packages, for uninstall-servers.sh.
#
# usage: install-servers.sh
# exit codes: 0 the programs are there; 1 they are not, and the reason and the way out are on standard error

set -eu
PATH=$PATH:/usr/sbin:/sbin
export PATH

policy=/usr/sbin/policy-rc.d
saved_policy=$policy.before-queryfleet
# A sign to know our own policy by, should this be killed before it can take it away.
our_policy='# queryfleet install-servers.sh'

give_up() {
    cat >&2 <<END
install-servers.sh: $1

Install both servers on Debian or Ubuntu, as root:
  apt-get install rabbitmq-server mariadb-server

Or run them in Docker, and use these in place of private servers:
  docker run -d -p 127.0.0.1:5672:5672 -e RABBITMQ_DEFAULT_USER=queryfleet -e RABBITMQ_DEFAULT_PASS=queryfleet rabbitmq:4
  docker run -d -p 127.0.0.1:3306:3306 -e MARIADB_ROOT_PASSWORD=queryfleet -e MARIADB_DATABASE=queryfleet mariadb:11
  export QUERYFLEET_AMQP_URL=amqp://queryfleet:queryfleet@127.0.0.1:5672/%2f
  export QUERYFLEET_MYSQL_URL=mysql://root:queryfleet@127.0.0.1:3306/queryfleet
END
    exit 1
}

has() {
    command -v "$1" >/dev/null 2>&1
}

# The packages whose programs are not there. A MySQL server does in place of MariaDB.
missing_packages() {
    if ! [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] && ! has rabbitmq-server; then
        echo rabbitmq-server
    fi
    if has mariadbd; then
        has mariadb-install-db || echo mariadb-server
        has mariadb || echo mariadb-client
    elif ! has mysqld; then
        echo mariadb-server mariadb-client
    elif ! has mysql; then
        echo default-mysql-client
    fi
}

restore_policy() {
    if [ -f "$policy" ] && grep -qF "$our_policy" "$policy"; then
        rm -f "$policy"
    fi
    if [ -e "$saved_policy" ] || [ -L "$saved_policy" ]; then
        mv "$saved_policy" "$policy"
    fi
}

# Debian's packages ask this program before they start a service; 101 means: do not.
forbid_starting() {
    restore_policy
    trap restore_policy EXIT
    trap 'exit 1' HUP INT TERM
    if [ -e "$policy" ] || [ -L "$policy" ]; then
        mv "$policy" "$saved_policy"
    fi
    printf '#!/bin/sh\n%s\nexit 101\n' "$our_policy" >"$policy"
    chmod 755 "$policy"
}

# The units of packages that are not installed yet; Erlang brings RabbitMQ a name server.
new_units() {
    for package in $1; do
        case $package in
            rabbitmq-server)
                echo rabbitmq-server.service
                has epmd || echo epmd.socket epmd.service
                ;;
            mariadb-server) has mariadbd || echo mariadb.service ;;
        esac
    done
}

# Stops what a package started all the same, and keeps it from starting at the next boot.
stop_unit() {
    if has systemctl; then
        systemctl disable "$1"
        if [ -d /run/systemd/system ]; then
            systemctl stop "$1"
        fi
    fi
    if [ -x "/etc/init.d/${1%.service}" ]; then
        update-rc.d "${1%.service}" disable
    fi
}

installed() {
    dpkg-query -W -f '${Package} ${Status}\n' | sed -n 's/ install ok installed$//p' | sort
}

# How many packages come, and what they take, before they do. apt-get itself says so only where it asks, and it asks only
# where more comes than was named.
announce() {
    # shellcheck disable=SC2086 # words of ours, one package each
    files=$(apt-get install --yes --print-uris -qq --no-install-recommends $1 | awk '{ print $2, $3 }')
    number=$(printf '%s\n' "$files" | grep -c . || true)
    load=$(printf '%s\n' "$files" | awk '{ bytes += $2 } END { printf "%.0f", bytes / 1000000 }')
    # shellcheck disable=SC2046 # words, one package each
    room=$(apt-cache show --no-all-versions $(printf '%s\n' "$files" | sed 's/_.*//') |
        awk '/^Installed-Size:/ { kib += $2 } END { printf "%.0f", kib / 1000 }')
    echo "install-servers.sh: ${1% }: $number packages of this system's own, into its usual folders; $load MB to get, $room MB on disk" >&2
    echo "install-servers.sh: make uninstall removes them again" >&2
}

# Counts the packages that are set up while apt-get works: on a terminal on one line, else every tenth.
show_progress() {
    before=0
    while kill -0 "$1" 2>/dev/null; do
        sleep 1
        ready=$(grep -c '^Setting up ' "$2" || true)
        if [ -t 2 ]; then
            printf '\rinstall-servers.sh: %s of %s packages' "$ready" "$3" >&2
        elif [ $((ready - before)) -ge 10 ]; then
            before=$ready
            echo "install-servers.sh: $ready of $3 packages" >&2
        fi
    done
    if [ -t 2 ]; then echo >&2; fi
}

# In an `if`, so `set -e` does not see a failure in here.
install_packages() {
    # shellcheck disable=SC2086 # words of ours, one package or unit each
    apt-get install --yes --no-install-recommends $1 || return
    for unit in $2; do
        stop_unit "$unit"
    done
    return 0
}

missing=$(missing_packages | tr '\n' ' ')
if [ -z "$missing" ]; then
    exit 0
fi
has apt-get || give_up "not installed: ${missing% }; this system has no apt-get to install them with"
if [ "$(id -u)" -ne 0 ]; then
    has sudo || give_up "not installed: ${missing% }; to install them takes root, or sudo"
    # Without a terminal nobody can type a password.
    ask=
    [ -t 0 ] || ask=-n
    sudo $ask true || give_up "not installed: ${missing% }; sudo does not let this user become root"
    exec sudo $ask sh "$0"
fi

DEBIAN_FRONTEND=noninteractive
export DEBIAN_FRONTEND
log=$(mktemp)
failed() {
    tail -n 30 "$log" >&2
    rm -f "$log"
    give_up "apt-get could not install ${missing% }; what it said is above"
}
echo "install-servers.sh: reading the lists of packages" >&2
apt-get update >"$log" 2>&1 || failed
announce "$missing"
forbid_starting
units=$(new_units "$missing")
was=$(installed)
install_packages "$missing" "$units" >"$log" 2>&1 &
installing=$!
show_progress "$installing" "$log" "$number"
wait "$installing" || failed
rm -f "$log"
state=/var/lib/queryfleet
mkdir -p "$state"
list=$(mktemp)
printf '%s\n' "$was" >"$list"
installed | comm -13 "$list" - >>"$state/installed-packages"
rm -f "$list"
still=$(missing_packages | tr '\n' ' ')
[ -z "$still" ] || give_up "still not installed: ${still% }"
