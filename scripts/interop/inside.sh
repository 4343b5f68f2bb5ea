#!/bin/sh
# Runs a command in another root: inside.sh ROOT SHARED COMMAND... The root also has the folder
# SHARED, /dev and /proc of this machine, and the current folder, which must be below SHARED. It is
# called in a mount namespace of its own (unshare --mount), so that nothing stays mounted.
set -eu
root=$1 shared=$2 folder=$PWD
shift 2
mount --bind "$shared" "$root$shared"
mount --bind /etc/hosts "$root/etc/hosts"
mount --rbind /dev "$root/dev"
mount -t proc proc "$root/proc"
PATH=/usr/sbin:/usr/bin:/sbin:/bin
# shellcheck disable=SC2016
exec chroot "$root" /bin/sh -c 'cd "$0" && exec "$@"' "$folder" "$@"
