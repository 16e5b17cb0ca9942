# Says how this node is, beyond what the probe asks, as lines "key=value" between two marker lines. It changes nothing,
# needs no root and no Python, and leaves out what it cannot find out. Kept to POSIX sh, for busybox.

daemon() { # the running buildkitd's configuration file and root directory, where its arguments name them
    config= root=
    for process in /proc/[0-9]*; do
        name=
        IFS= read -r name <"$process/comm"
        [ "$name" = buildkitd ] && break
    done
    if [ "$name" = buildkitd ]; then
        before=
        # A here-document rather than a pipe, whose last part would be another process and keep what it found.
        while IFS= read -r word; do
            case $word in
            --config=* | -config=*) config=${word#*=} ;;
            --root=* | -root=*) root=${word#*=} ;;
            esac
            case $before in
            --config | -config) config=$word ;;
            --root | -root) root=$word ;;
            esac
            before=$word
        done <<ARGUMENTS
$(tr '\0' '\n' <"$process/cmdline")
ARGUMENTS
    fi
}

string() { # KEY FILE: the value of a line such as `root = "/srv"` or `"data-root": "/srv",`
    [ -r "$2" ] && sed -n 's/^[[:space:]]*"\{0,1\}'"$1"'"\{0,1\}[[:space:]]*[=:][[:space:]]*"\([^"]*\)".*/\1/p' "$2" | head -n 1
}

place() { # NAME DIRECTORY: the file system that holds it, or would
    holding "$2"
    printf 'path.%s=%s\n' "$1" "$2"
    tell "bytes.$1" df -P -k "$dir"
    tell "inodes.$1" df -P -i "$dir"
}

places() {
    data=${XDG_DATA_HOME:-${HOME:-}/.local/share}
    settings=${XDG_CONFIG_HOME:-${HOME:-}/.config}
    daemon
    for file in "$config" /etc/buildkit/buildkitd.toml; do
        [ -r "$file" ] && lines toml "$file" && root=${root:-$(string root "$file")} && break
    done
    lines toml.rootless "$settings/buildkit/buildkitd.toml"
    place buildkit "${root:-/var/lib/buildkit}"
    place rootless "$data/buildkit"
    # Not the user's business to have either: what is not there is not told.
    if command -v dockerd >/dev/null || command -v docker >/dev/null || [ -d /var/lib/docker ]; then
        lines docker.json /etc/docker/daemon.json
        root=$(string data-root /etc/docker/daemon.json)
        place docker "${root:-/var/lib/docker}"
        [ -d /var/lib/containerd ] && place containerd /var/lib/containerd
        [ -d "$data/docker" ] && lines docker.json "$settings/docker/daemon.json" && place docker.rootless "$data/docker"
    fi
    if command -v podman >/dev/null; then
        place podman /var/lib/containers
        [ -d "$data/containers" ] && place podman.rootless "$data/containers"
    fi
    while IFS= read -r line; do
        case $line in /dev/*' ro,'* | /dev/*' ro '*) printf 'readonly=%s\n' "$line" ;; esac
    done </proc/mounts
}

groups() { # control groups: version 2 has one tree and names its controllers, version 1 has a tree for each
    if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
        echo cgroup=2
        lines controllers /sys/fs/cgroup/cgroup.controllers
    elif [ -r /proc/cgroups ]; then
        echo cgroup=1
    fi
    lines cgroups /proc/cgroups
    for file in /boot/firmware/cmdline.txt /boot/cmdline.txt; do
        [ -e "$file" ] && echo "boot=$file" && break
    done
}

overlay() {
    while read -r _ name; do
        [ "$name" = overlay ] && echo overlay=yes && return
    done </proc/filesystems
    IFS= read -r release </proc/sys/kernel/osrelease
    modules=/lib/modules/$release
    [ -d "$modules/kernel" ] || return
    for file in "$modules"/kernel/fs/overlayfs/overlay.ko*; do
        [ -e "$file" ] && echo overlay=yes && return
    done
    echo overlay=no
}

seccomp() {
    tell seccomp dpkg-query -W -f '${Version}\n' libseccomp2
    tell seccomp rpm -q --qf '%{VERSION}\n' libseccomp
    tell seccomp pacman -Q libseccomp
    name=
    [ -r /lib/apk/db/installed ] && while IFS= read -r line; do
        case $line in
        P:*) name=${line#P:} ;;
        V:*) [ "$name" = libseccomp ] && echo "seccomp=${line#V:}" && break ;;
        esac
    done </lib/apk/db/installed
}

bundled() { # what a release of BuildKit brings along: emulators, and a container runtime of its own
    program=$(command -v buildkitd) || return
    for file in "${program%/*}"/buildkit-qemu-*; do [ -e "$file" ] && echo "emulator=$file"; done
    command -v buildkit-runc >/dev/null && echo runc=own
}

supply() { # where a Raspberry Pi's firmware may not be asked, its kernel raises an alarm
    for chip in /sys/class/hwmon/hwmon*; do
        name=
        IFS= read -r name <"$chip/name"
        [ "$name" = rpi_volt ] && lines undervoltage "$chip/in0_lcrit_alarm"
    done
}

server() { # sshd itself says it to root alone; its files may be readable. The included ones come first, as Debian has it.
    told=$(sshd -T) && [ "$told" ] && printf '%s\n' "$told" | while IFS= read -r line; do echo "sshd=$line"; done && return
    for file in /etc/ssh/sshd_config.d/*.conf /etc/ssh/sshd_config; do
        [ -e "$file" ] || continue
        [ -r "$file" ] || { echo "sshd.denied=$file" && continue; }
        echo 'sshd=#file'
        while IFS= read -r line || [ "$line" ]; do
            case $line in '' | '#'*) ;; *) printf 'sshd=%s\n' "$line" ;; esac
        done <"$file"
    done
}

examine() {
    LC_ALL=C
    PATH=$PATH:/usr/local/bin:/usr/local/sbin:/usr/sbin:/sbin:/opt/vc/bin
    export LC_ALL PATH
    echo 'farm-probe begin'
    while IFS= read -r line; do
        case $line in SwapTotal:* | SwapFree:*) printf 'swap=%s\n' "$line" ;; esac
    done </proc/meminfo
    groups
    overlay
    seccomp
    bundled
    throttled
    supply
    server
    places
    echo 'farm-probe end'
}

# The braces make the shell read all of this before it runs any: no command can eat the rest of the script.
{
    examine </dev/null 2>/dev/null
    exit 0
}
