# Says what this node is, as lines "key=value" between two marker lines. It changes nothing, needs no root and no Python,
# and leaves out what it cannot find out: every tool but the shell may be missing. Kept to POSIX sh, for busybox.

header() { # KEY FILE: the first 20 bytes, which hold an ELF program's class and machine
    if command -v od >/dev/null; then
        bytes=$(od -An -v -tx1 -N20 "$2")
    else
        bytes=$(hexdump -v -n 20 -e '1/1 "%02x "' "$2")
    fi
    # Unquoted, so that od's two lines become one.
    [ -n "$bytes" ] && echo "$1="$bytes
}

cpu() { # what a CPU says of itself; the ninth and further ones say the same
    count=0
    while IFS= read -r line; do
        case $line in
        processor*) count=$((count + 1)) && [ "$count" -gt 8 ] && return ;;
        flags*) [ "$count" -le 1 ] && printf 'cpu=%s\n' "$line" ;;
        'model name'* | 'CPU implementer'* | 'CPU part'* | 'CPU architecture'* | Model* | Hardware* | isa* | uarch*)
            printf 'cpu=%s\n' "$line"
            ;;
        esac
    done </proc/cpuinfo
}

page() { # the kernel says it of this shell's own memory; getconf is not everywhere
    while IFS= read -r line; do
        case $line in KernelPageSize:*) printf 'page=%s\n' "$line" && return ;; esac
    done <"/proc/$$/smaps"
    said page getconf PAGESIZE
}

aarch32() { # MACHINE: an arm64 kernel grants the 32-bit personality only where CPU and kernel run 32-bit programs
    case $1 in aarch64 | armv8l) ;; *) return ;; esac
    if command -v setarch >/dev/null; then
        if setarch linux32 true; then echo aarch32=yes; else echo aarch32=no; fi
    elif command -v linux32 >/dev/null; then
        if linux32 true; then echo aarch32=yes; else echo aarch32=no; fi
    fi
}

handlers() {
    one binfmt.status /proc/sys/fs/binfmt_misc/status
    for file in /proc/sys/fs/binfmt_misc/*; do
        name=${file##*/}
        case $name in register | status | '*') continue ;; esac
        while IFS= read -r line; do printf 'binfmt=%s %s\n' "$name" "$line"; done <"$file"
    done
}

engine() { # NAME: the program, which may be for another architecture than the rest of the userland
    command -v "$1" >/dev/null || return
    program=$(command -v "$1")
    echo "$1=$program"
    header "elf.$1" "$program"
}

socket() { # KEY PATH: whether it is there, and whether this user may use it
    dir=${2%/*}
    if [ -S "$2" ]; then
        if [ -w "$2" ]; then echo "$1=usable - $2"; else echo "$1=denied $(stat -L -c %G "$2" || echo -) $2"; fi
    elif [ -e "$2" ]; then
        echo "$1=other - $2"
    elif [ -d "$dir" ] && [ ! -x "$dir" ]; then
        echo "$1=denied $(stat -c %G "$dir" || echo -) $2"
    elif [ "$2" = "${FARM_SOCKET:-}" ] || [ "$2" = "${FARM_DOCKER:-}" ]; then
        echo "$1=missing - $2"
    fi
}

user() { # the effective user's number, as uid
    uid=
    while read -r name _ uid _ && [ "$name" != Uid: ]; do :; done </proc/self/status
    uid=${uid:-$(id -u)}
}

sockets() {
    [ -n "${FARM_SOCKET:-}" ] && socket socket "$FARM_SOCKET"
    socket socket /run/buildkit/buildkitd.sock
    user
    runtime=${XDG_RUNTIME_DIR:-/run/user/$uid}
    socket socket "$runtime/buildkit/buildkitd.sock"
    socket socket "$runtime/buildkit/rootless"
    socket socket "$runtime/buildkit-default/buildkitd.sock"
    socket socket /run/buildkit-default/buildkitd.sock
    [ -n "${FARM_DOCKER:-}" ] && socket docker "$FARM_DOCKER"
    socket docker /var/run/docker.sock
    socket docker "$runtime/docker.sock"
    if command -v dockerd >/dev/null && [ ! -e /var/run/docker.sock ] && [ ! -e "$runtime/docker.sock" ]; then
        echo 'docker=missing - /var/run/docker.sock'
    fi
    socket podman /run/podman/podman.sock
    socket podman "$runtime/podman/podman.sock"
    if command -v podman >/dev/null && [ ! -e /run/podman ] && [ ! -e "$runtime/podman/podman.sock" ]; then
        echo 'podman=missing - /run/podman/podman.sock'
    fi
}

probe() {
    LC_ALL=C
    PATH=$PATH:/usr/local/bin:/usr/local/sbin:/usr/sbin:/sbin
    export LC_ALL PATH
    echo 'farm-probe begin'
    # To start a program is most of what this costs, so some run beside what the shell does itself: boards have several
    # CPUs. Each says one line at a time.
    said clock date +%s &
    { header elf.self /proc/self/exe || said packages dpkg --print-architecture; } &
    { engine buildkitd; engine dockerd; } &
    said machine uname -m || one machine /proc/sys/kernel/arch
    aarch32 "${out:-$line}" &
    one kernel /proc/sys/kernel/osrelease || said kernel uname -r
    one packages /etc/apk/arch
    page
    one cpus.online /sys/devices/system/cpu/online || said cpus getconf _NPROCESSORS_ONLN || said cpus nproc
    cpu
    one board /proc/device-tree/model
    handlers
    memory
    one load /proc/loadavg
    one hostname /proc/sys/kernel/hostname
    one machine.id /etc/machine-id || one machine.id /var/lib/dbus/machine-id
    one boot.id /proc/sys/kernel/random/boot_id
    heat
    echo "user=${USER:-${LOGNAME:-}}"
    sockets
    # A table of several lines: nobody else may write meanwhile.
    wait
    disks
    echo 'farm-probe end'
}

# The braces make the shell read all of this before it runs any: no command can eat the rest of the script.
{
    probe </dev/null 2>/dev/null
    exit 0
}
