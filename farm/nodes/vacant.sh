# Says whether a build holds one of this node's slots: "farm-vacant yes", "farm-vacant no", or "farm-vacant unknown" where
# it has no flock. The slots are the locks of lease.sh; other inventories may count more of them for this node.
{
    exec 2>/dev/null
    PATH=$PATH:/usr/local/bin:/usr/local/sbin:/usr/sbin:/sbin
    command -v flock >/dev/null || { echo 'farm-vacant unknown' && exit; }
    vacant=yes
    for file in /tmp/farm-slot-*; do
        # Beside each slot lies a link that says who has it.
        [ -f "$file" ] && [ ! -L "$file" ] && command exec 9<"$file" || continue
        flock -n 9 || vacant=no
        exec 9<&-
    done
    echo "farm-vacant $vacant"
    exit 0
}
