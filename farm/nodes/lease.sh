# Holds one of this node's slots for a build, from when it is free until the input ends. Slots are locks on files in
# /tmp, so that all coordinators meet there, whoever they log in as; the kernel frees what a dead holder held.
#
# Each line of input is a sign of life; the line "take" asks for a slot again. Answers "farm-lease held NUMBER",
# "farm-lease busy HOLDERS" or "farm-lease none REASON". Without a sign of life for 25 to 30 s it ends the connection
# that it came over: a half-open link would keep sshd and, behind its tunnels, a build alive that nobody waits for.
#
# Comes in as variables: FARM_SLOTS, their number, and FARM_HOLDER, one line for whoever else wants a slot. Needs
# flock(1), root for nothing. Kept to POSIX sh, for dash and busybox.

watch() {
    nap=
    trap 'kill "$nap"; exit' TERM
    trap 'alive=yes' USR1
    missed=0
    while [ "$missed" -lt 5 ]; do
        alive=
        sleep 5 &
        nap=$!
        # A signal ends `wait` but not the nap.
        while kill -0 "$nap"; do wait "$nap"; done
        kill -0 "$$" || exit
        if [ "$alive" ]; then missed=0; else missed=$((missed + 1)); fi
    done
    # With its process for this connection the SSH server closes all tunnels; BuildKit then cancels what came through.
    IFS= read -r name <"/proc/$PPID/comm"
    case $name in sshd* | dropbear*) kill "$PPID" ;; esac
    kill "$$"
}

leave() {
    # While the lock still holds: whoever opened the file before finds out that it has no name any more.
    [ "$text" ] && rm -f "$file" "$text"
    kill "$watch"
}

# In /tmp anybody may have put anything under a name. So farm writes into no file there: it makes empty ones, and links
# that lead nowhere and whose target is the text. `command` keeps a shell alive whose built-in fails.

holder() { # FILE: who says to have locked it; the newest word counts, as killed ones could not take theirs back
    # Only with -l does busybox look at a link itself.
    newest=$(ls -tld "$1".* | head -n 1)
    case $newest in
    *' -> '*) printf '%s\n' "${newest#* -> }" ;;
    *) echo 'somebody who does not say who it is' ;;
    esac
}

sign() { # says who has locked $file
    text=$file.${USER:-$(id -u)}
    [ -L "$text" ] && rm -f "$text"
    ln -sn -- "$FARM_HOLDER" "$text"
}

open_slot() { # opens $file as 9
    [ -e "$file" ] || command : >"$file"
    [ -f "$file" ] && [ ! -L "$file" ] && command exec 9<"$file"
}

take() {
    command -v flock >/dev/null || { echo 'farm-lease none it has no program flock' && return; }
    holders= number=0
    while [ "$number" -lt "$FARM_SLOTS" ]; do
        file=/tmp/farm-slot-$number
        if open_slot; then
            flock -n 9
            case $? in
            0)
                # Its last holder may have removed it between our opening and locking it.
                [ /proc/self/fd/9 -ef "$file" ] || continue
                sign
                echo "farm-lease held $number"
                return
                ;;
            1) holders="$holders${holders:+; }$(holder "$file")" ;;
            esac
        fi
        number=$((number + 1))
    done
    exec 9<&-
    if [ "$holders" ]; then
        printf 'farm-lease busy %s\n' "$holders"
    else
        echo 'farm-lease none its /tmp holds no lock'
    fi
}

# The braces make the shell read all of this before it runs any: the lines after it are for `read`.
{
    exec 2>/dev/null
    PATH=$PATH:/usr/local/bin:/usr/local/sbin:/usr/sbin:/sbin
    umask 022
    set -C
    text=
    # Ignored until the watch listens to it: a signal that came before would end it.
    trap '' USR1
    watch </dev/null >/dev/null &
    watch=$!
    trap leave EXIT
    trap exit HUP INT TERM
    take
    while IFS= read -r line; do
        kill -USR1 "$watch"
        [ "$line" = take ] && take
    done
    exit 0
}
