#!/bin/bash
# The first process of a node, in mount, pid and uts namespaces of its own. It makes the machine look like a board, says so
# by writing its number (as the outside counts) to DIR/init.pid, and then only waits: everything else of the node enters
# its namespaces, and all of it, mounts included, ends with it.
#
# Everything comes in as environment: NODE (name), DIR (the node's directory), RUN (its run directory outside), TREE (a root
# file system of its architecture), BIN (where buildkitd and buildctl are), LOGIN_HOME and LOGIN_UID (of the one who logs
# in), LINUX32 (what "linux32 uname -m" answers, refused, or empty for the kernel's own answer).
set -euo pipefail

read -r pid _ </proc/self/stat # still the outside's /proc
echo "$NODE" >/proc/sys/kernel/hostname

# A fresh /proc has the node's own processes only, and nothing mounted on sys/fs/binfmt_misc: a board has no handlers.
mount -t proc proc /proc
mount --bind "$DIR/cpuinfo" /proc/cpuinfo

# /run is the node's own, so that no Docker or BuildKit of this machine shows through. Only the resolver's file stays.
mkdir -p "$DIR/run"
mount -t tmpfs -o mode=755 tmpfs "$DIR/run"
mkdir -p "$DIR/run/buildkit" "$DIR/run/sshd" "$DIR/run/board"
mount --bind "$RUN" "$DIR/run/buildkit"
resolver=$(readlink -f /etc/resolv.conf || true)
if [[ $resolver == /run/* && -r $resolver ]]; then
    mkdir -p "$DIR${resolver%/*}"
    cp "$resolver" "$DIR$resolver"
fi
tree_mount="$DIR/run/board"
mount -t tmpfs -o mode=755 tmpfs "$tree_mount"
mkdir "$tree_mount"/{tree,upper,work,root}
mount --bind "$TREE" "$tree_mount/tree"
mount --no-mtab --move "$DIR/run" /run

# Accounts: those of this machine, none locked (sshd without PAM turns locked ones away), each with a shell that boards have.
for file in passwd shadow; do
    mount --bind "$DIR/$file" "/etc/$file"
done

# The board's own system, as whoever logs in sees it.
cd /run/board
mount -t overlay -o lowerdir=tree,upperdir=upper,workdir=work overlay root
mount -t proc proc root/proc
mount --bind "$DIR/cpuinfo" root/proc/cpuinfo
mount --bind /sys root/sys
# A board has a thermometer.
if [[ -d /sys/class/thermal ]]; then
    mount -t tmpfs tmpfs root/sys/class/thermal
    mkdir root/sys/class/thermal/thermal_zone0
    echo cpu-thermal >root/sys/class/thermal/thermal_zone0/type
    echo 47712 >root/sys/class/thermal/thermal_zone0/temp
fi
mount --rbind /dev root/dev
mount --bind /run root/run
mount --bind /run/buildkit root/run/buildkit
mkdir -p root/var/lib/buildkit root/usr/local/bin
mount --bind "$DIR/buildkit" root/var/lib/buildkit
cp "$DIR/passwd" "$DIR/group" root/etc/
cp -L /etc/resolv.conf root/etc/ 2>/dev/null || true
echo "$NODE" >root/etc/hostname
mkdir -p "root$LOGIN_HOME"
chown "$LOGIN_UID" "root$LOGIN_HOME"
for tool in buildkitd buildctl; do
    : >"root/usr/local/bin/$tool"
    mount --bind "$(readlink -f "$BIN/$tool")" "root/usr/local/bin/$tool"
done

# Where the kernel would not answer as the board's own (node.py says when).
if [[ $LINUX32 ]]; then
    rm -f root/usr/bin/setarch
    if [[ $LINUX32 == refused ]]; then
        cat >root/usr/bin/setarch <<'END'
#!/bin/sh
echo "${0##*/}: failed to set personality to linux32: Invalid argument" >&2
exit 1
END
    else
        mkdir -p root/usr/libexec/linux32
        cat >root/usr/libexec/linux32/uname <<END
#!/bin/sh
[ "\$*" = -m ] && echo $LINUX32 || exec /usr/bin/uname "\$@"
END
        cat >root/usr/bin/setarch <<'END'
#!/bin/sh
personality=${0##*/}
[ "$personality" = setarch ] && { personality=$1; shift; }
[ "$personality" = linux32 ] && PATH=/usr/libexec/linux32:$PATH
exec "${@:-/bin/sh}"
END
        chmod 755 root/usr/libexec/linux32/uname
    fi
    chmod 755 root/usr/bin/setarch
fi

cd /
echo "$pid" >"$DIR/init.pid.new"
mv "$DIR/init.pid.new" "$DIR/init.pid"

# bash as process 1 also collects what its descendants leave behind.
while :; do
    sleep infinity &
    wait "$!" || true
done
