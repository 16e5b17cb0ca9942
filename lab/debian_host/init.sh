#!/bin/bash
# The first process of a Debian machine of its own. Called outside, it goes into control groups of the machine's own and
# starts itself again in new namespaces; there it makes the file systems, leaves the outside's behind, and becomes systemd
# where the tree has it; else it starts sshd and then only waits. With it ends all that is inside, mounts and network included.
#
# Everything comes in as environment: NAME (host name), DIR (the machine's directory outside), TREE (the root file system,
# never written to), GROUP (the name of its control groups).
set -euo pipefail

if [[ ${1:-} != inside ]]; then
    tops=(/sys/fs/cgroup)
    [[ -e /sys/fs/cgroup/cgroup.controllers ]] || tops=(/sys/fs/cgroup/*/) # version 1: a tree for each controller
    for top in "${tops[@]%/}"; do
        [[ ! -L $top ]] || continue
        mkdir -p "$top/$GROUP"
        # A cpuset of version 1 takes nobody in before it has CPUs and memory.
        if [[ $top == */cpuset ]]; then
            cat "$top/cpuset.cpus" >"$top/$GROUP/cpuset.cpus"
            cat "$top/cpuset.mems" >"$top/$GROUP/cpuset.mems"
        fi
        echo "$$" >"$top/$GROUP/cgroup.procs"
    done
    # --kill-child: if the process outside is killed, so is the machine.
    exec unshare --mount --uts --ipc --pid --net --cgroup --fork --kill-child --propagation private bash "$0" inside
fi

read -r pid _ </proc/self/stat # still the outside's /proc
echo "$NAME" >/proc/sys/kernel/hostname

cd "$DIR"
mkdir -p upper work root lib
mount -t overlay -o "lowerdir=$TREE,upperdir=upper,workdir=work" overlay root
# Container engines lay their own overlays below /var/lib, and an overlay's upper directory cannot be in an overlay.
for name in docker containerd containers buildkit; do
    mkdir -p "lib/$name" "root/var/lib/$name"
    mount --bind "lib/$name" "root/var/lib/$name"
done
cp -L /etc/resolv.conf root/etc/resolv.conf
cp host_key root/etc/ssh/ssh_host_ed25519_key
cp host_key.pub root/etc/ssh/ssh_host_ed25519_key.pub
rm -f root/etc/ssh/ssh_host_{rsa,ecdsa}_key{,.pub}
install -D -m 600 authorized_keys root/root/.ssh/authorized_keys

cd root
echo "$NAME" >etc/hostname
printf '127.0.0.1 localhost\n127.0.1.1 %s\n' "$NAME" >etc/hosts
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755 tmpfs dev
while read -r node major minor; do
    mkdir -p "dev/$(dirname "$node")"
    mknod -m 666 "dev/$node" c "$major" "$minor"
done <<<'null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
fuse 10 229
net/tun 10 200'
for link in fd: stdin:/0 stdout:/1 stderr:/2; do ln -s "/proc/self/fd${link#*:}" "dev/${link%:*}"; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
ln -s pts/ptmx dev/ptmx
for memory in dev/shm tmp; do mount -t tmpfs -o mode=1777 tmpfs "$memory"; done
mount -t tmpfs -o mode=755 tmpfs run
mkdir run/sshd run/lock

# The same versions of control groups as outside, from this machine's own group downwards; but systemd takes no version 1
# any more, so it gets version 2, without controllers where version 1 has them.
# Only where it is meant to be the first process: as a library of other packages it is nearly everywhere.
systemd=/usr/sbin/init
if [[ -x .$systemd ]]; then
    mount -t cgroup2 cgroup2 sys/fs/cgroup
elif [[ -e /sys/fs/cgroup/cgroup.controllers ]]; then
    mount -t cgroup2 cgroup2 sys/fs/cgroup
    # A group that hands controllers down may hold no process itself (cgroups(7)).
    mkdir sys/fs/cgroup/init
    echo 1 >sys/fs/cgroup/init/cgroup.procs
else
    mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
    for outside in /sys/fs/cgroup/*/; do
        controller=$(basename "$outside")
        option=$controller
        [[ $controller != systemd ]] || option=none,name=systemd
        [[ $controller != unified && ! -L ${outside%/} ]] || continue
        mkdir "sys/fs/cgroup/$controller"
        mount -t cgroup -o "$option" cgroup "sys/fs/cgroup/$controller"
    done
fi

ip link set lo up
echo "$pid" >"$DIR/init.pid.new"
mv "$DIR/init.pid.new" "$DIR/init.pid"
pivot_root . mnt
umount --lazy /mnt
mount --make-rshared /
cd /
if [[ -x $systemd ]]; then
    # The kernel's settings are the outside's too, and these would change some. A /proc/sys that is read-only would not do:
    # where a part of /proc is mounted over, the kernel lets no container of an ordinary user have a /proc.
    for unit in systemd-{sysctl,binfmt,modules-load}.service proc-sys-fs-binfmt_misc.automount; do
        ln -sf /dev/null "/etc/systemd/system/$unit"
    done
    exec env -i FARM_LAB_ID="$FARM_LAB_ID" container=farm-lab "$systemd"
fi
/usr/sbin/sshd -D -e &

# bash as process 1 also collects what its descendants leave behind.
while :; do
    sleep infinity &
    wait "$!" || true
done
