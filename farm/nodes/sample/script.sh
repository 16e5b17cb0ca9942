# Says how this node is now, as lines "key=value" between two marker lines. It is asked every few seconds of a board that
# is busy building, so it starts one program, df, and two where a Pi's firmware has to be asked by another.

slowed() { # how often each core was slowed down for its heat since the start
    for file in /sys/devices/system/cpu/cpu*/thermal_throttle/core_throttle_count; do one slowed "$file"; done
}

sample() {
    LC_ALL=C
    PATH=$PATH:/usr/local/bin:/usr/sbin:/sbin:/opt/vc/bin
    export LC_ALL PATH
    echo 'farm-probe begin'
    memory
    one load /proc/loadavg
    heat
    throttled
    slowed
    disks
    echo 'farm-probe end'
}

# The braces make the shell read all of this before it runs any: no command can eat the rest of the script.
{
    sample </dev/null 2>/dev/null
    exit 0
}
