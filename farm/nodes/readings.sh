# What several of the scripts for nodes read, and how: sent in front of them (farm.nodes.shell). Each function prints
# lines "key=value", and nothing where there is nothing to be found out. POSIX sh, for busybox.

one() { # KEY FILE: the first line of a file
    line=
    [ -r "$2" ] && { IFS= read -r line <"$2" || [ -n "$line" ]; } && printf '%s=%s\n' "$1" "$line"
}

lines() { # KEY FILE: every line of a file
    [ -r "$2" ] && while IFS= read -r line || [ "$line" ]; do printf '%s=%s\n' "$1" "$line"; done <"$2"
}

said() { # KEY COMMAND...: the output of a command that exists and succeeds
    key=$1
    shift
    command -v "$1" >/dev/null && out=$("$@") && printf '%s=%s\n' "$key" "$out"
}

tell() { # KEY COMMAND...: every line that a command prints, if it is there
    key=$1
    shift
    command -v "$1" >/dev/null && "$@" | while IFS= read -r line; do printf '%s=%s\n' "$key" "$line"; done
}

memory() {
    while IFS= read -r line; do
        case $line in MemTotal:* | MemFree:* | MemAvailable:* | Cached:*) printf 'memory=%s\n' "$line" ;; esac
    done </proc/meminfo
}

heat() {
    for zone in /sys/class/thermal/thermal_zone*; do
        kind= value=
        [ -r "$zone/type" ] && IFS= read -r kind <"$zone/type"
        [ -r "$zone/temp" ] && IFS= read -r value <"$zone/temp" && printf 'heat=%s %s\n' "$value" "$kind"
    done
}

throttled() { # what a Raspberry Pi's firmware says of its supply and its heat; other boards say nothing
    lines throttled.sysfs /sys/devices/platform/soc/soc:firmware/get_throttled || tell throttled vcgencmd get_throttled
}

holding() { # DIRECTORY: it, or what would hold it: the nearest directory above that is there
    dir=$1
    while [ -n "$dir" ] && [ ! -d "$dir" ]; do dir=${dir%/*}; done
    dir=${dir:-/}
}

disks() { # of the caches of a rootful and of a rootless BuildKit, and of a rootful Docker, in this order
    holding /var/lib/buildkit
    rootful=$dir
    holding "${XDG_DATA_HOME:-${HOME:-}/.local/share}/buildkit"
    rootless=$dir
    holding /var/lib/docker
    said disk df -P -k "$rootful" "$rootless" "$dir"
}
