# Times a fixed piece of integer work, less than a second on a small board, by the CPU's time that it takes: whatever
# else the node does counts little. MD5 for there is no hardware for it, as there is for SHA on some boards and not on
# others; gzip because compilers, too, look things up in memory. It reads and writes nothing but its own pipes.

low() { if command -v nice >/dev/null; then nice -n 10 "$@"; else "$@"; fi; }

zeros() { low dd if=/dev/zero bs=65536 count=384; }

benchmark() {
    LC_ALL=C
    export LC_ALL
    echo 'farm-probe begin'
    if command -v dd && command -v gzip && command -v md5sum; then
        zeros | low md5sum
        zeros | low gzip -c -6 | low md5sum
        done=yes
    fi >/dev/null
    # Not in a subshell, which would speak of itself. Two lines: what this shell has used, and what all that it started.
    [ "$done" ] && echo times= && times
    echo 'farm-probe end'
}

# The braces make the shell read all of this before it runs any: no command can eat the rest of the script.
{
    done=
    benchmark </dev/null 2>/dev/null
    exit 0
}
