# Ends a stack: kills every process that is written down in $1/run, then deletes the folder $1.
# When: at the end of standard input, a pipe whose other end is held by the process that started the stack and by
# nobody else. It ends when that process closes it, exits, or is killed.

trap '' HUP INT PIPE TERM
while read -r _; do :; done

# Shuts the door on processes that are just starting: launch.sh finds its file no longer and gives up.
mv "$1/run" "$1/ended"
for file in "$1"/ended/*; do
    read -r group <"$file" && kill -s KILL -- "-$group"
done

# A killed process may still be writing: for some 10 s try again.
tries=0
until rm -rf "$1" || [ "$tries" -ge 100 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
[ ! -e "$1" ]
