"""buildkitd as a service of its own, as root or as the user who logs in. Pure."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from shlex import quote

from farm.inventory import Limits, Node
from farm.nodes.settings import buildkitd_toml, proxy_env
from farm.nodes.settings.buildkitd_toml import PATH, SOCKET
from farm.provision import access, apt, registries, service
from farm.provision.board import Board
from farm.provision.step import Step, Upload

_UNIT = "buildkit.service"
_SLICE = "buildkit.slice"
_PROXY = "/etc/farm/buildkit-proxy.env"
_UNITS = "/etc/systemd/system"
PROGRAMS = ("buildkitd", "buildctl")
FOLDER = "/usr/local/bin"
# What a rootless BuildKit keeps, so that it needs no home that can be written to.
_STATE = "buildkit/rootless"
_GROUP = "buildkit"


def steps(
    node: Node, board: Board, certificates: Mapping[str, str], programs: Sequence[Upload], *, rootless: bool
) -> tuple[Step, ...]:
    """`certificates` are the CAs in PEM by registry; `programs` are `PROGRAMS` for the node's architecture."""
    places = {name: buildkitd_toml.certificate(name) for name in certificates}
    config = _config(node, places, rootless=rootless)
    proxy = proxy_env.environment_file(node.proxy)
    unit = _rootless_unit(board.user) if rootless else _unit()
    slice_ = _slice(node.limits)
    hash_ = service.settings_hash(unit, slice_, config, proxy)
    wanted = ["ca-certificates", "procps", "runc", *(("rootlesskit", "uidmap") if rootless else ())]
    files = {f"{_UNITS}/{_SLICE}": slice_, f"{_UNITS}/{_UNIT}": _with(unit, node.limits, hash_, has_proxy=bool(proxy))}
    return (
        apt.packages("packages", wanted, environment=proxy_env.environment(node.proxy)),
        binaries(programs),
        *((_namespaces(), _subordinate_ids(board.user)) if rootless else (access.group(_GROUP, board.user),)),
        *((registries.certificates(certificates, places),) if certificates else ()),
        service.files("buildkit-config", f"write {PATH}", {PATH: config}),
        _units(files, proxy),
        service.running("buildkit-service", _UNIT, SOCKET, settings=hash_, program=f"{FOLDER}/buildkitd"),
    )


def _config(node: Node, certificates: Mapping[str, str], *, rootless: bool) -> str:
    text = buildkitd_toml.render(node.registries, limits=node.limits, certificates=certificates)
    if rootless:
        return text  # a user's steps stay in the unit's own group
    import tomli_w

    document = tomllib.loads(text)
    # BuildKit as root runs steps beside its own unit: this brings them below the slice that has the limits.
    document["worker"]["oci"]["defaultCgroupParent"] = f"/{_SLICE}"
    return tomli_w.dumps(document)


def binaries(programs: Sequence[Upload]) -> Step:
    """Put the programs where they belong, each as a whole: a running daemon keeps the file that it was started from."""
    check, apply = "", ""
    for each in programs:
        name = each.source.name
        place = quote(f"{FOLDER}/{name}")
        same = f"echo {quote(f'{each.sha256}  {FOLDER}/{name}')} | sha256sum --check --status 2>/dev/null"
        check += f"[ -x {place} ] || needed {quote(f'{name} is not there')}\n"
        check += f"{same} || needed {quote(f'{name} is another one')}\n"
        fresh, came = quote(f"{FOLDER}/{name}.farm"), quote(each.target)
        sum_ = quote(f"{each.sha256}  {FOLDER}/{name}.farm")
        # Root's copy is what is judged: the one that came is still its user's.
        apply += f"""install -o root -g root -m 755 {came} {fresh}
rm -f {came}
echo {sum_} | sha256sum --check --status || fail {quote(f"{name} did not arrive as it was sent: try again")}
{fresh} --version >/dev/null || fail {quote(f"{name} does not run on this board")}
mv -f {fresh} {place}
"""
    return Step(
        name="buildkit",
        describe=f"bring {' and '.join(each.source.name for each in programs)} to {FOLDER}",
        check=check,
        apply=apply,
        uploads=tuple(programs),
        within=600.0,
    )


def _units(files: Mapping[str, str], proxy: str) -> Step:
    written = f"write {' and '.join(files)}"
    if not proxy:
        return service.files("buildkit-unit", written, files, unwanted=(_PROXY,))
    return service.files("buildkit-unit", f"{written}, and its proxy", files, secret={_PROXY: proxy})


def _unit() -> str:
    # Its steps run beside the service, below the slice: to end it is not to end them.
    return f"""Type=notify
ExecStart={FOLDER}/buildkitd --addr unix://{SOCKET} --group {_GROUP} --config {PATH}
KillMode=process
"""


def _rootless_unit(user: str) -> str:
    """As a user, but no user's service: nobody need be logged in, and no home is written to.

    Its steps use the network of the board, as those of a BuildKit of root do: a network of their own
    (slirp4netns) costs a small board much and does not know its names.
    """
    run = SOCKET.rpartition("/")[0]
    return f"""Type=exec
User={user}
RuntimeDirectory=buildkit
RuntimeDirectoryMode=0700
StateDirectory={_STATE}
Environment=HOME=/var/lib/{_STATE} XDG_RUNTIME_DIR={run}
ExecStart=/usr/bin/rootlesskit --state-dir={run}/rootlesskit {FOLDER}/buildkitd --rootless \\
    --addr unix://{SOCKET} --root /var/lib/{_STATE} --config {PATH}
"""


def _with(unit: str, limits: Limits, hash_: str, *, has_proxy: bool) -> str:
    nice = f"Nice={limits.nice}\n" if limits.nice is not None else ""
    io = f"IOSchedulingClass={limits.io}\n" if limits.io else ""
    proxy = f"EnvironmentFile={_PROXY}\n" if has_proxy else ""
    return f"""# Written by farm provision.
[Unit]
Description=BuildKit
Documentation=https://github.com/moby/buildkit
After=network-online.target
Wants=network-online.target

[Service]
{unit}Environment={service.MARK}={hash_}
{proxy}{nice}{io}Slice={_SLICE}
Delegate=yes
Restart=always
RestartSec=2
LimitNOFILE=1048576
TasksMax=infinity

[Install]
WantedBy=multi-user.target
"""


def _slice(limits: Limits) -> str:
    """What BuildKit and all builds together may take. Without a word of the inventory a board stays reachable."""
    memory = f"MemoryMax={limits.memory}" if limits.memory else "MemoryHigh=80%\nMemoryMax=90%"
    cpus = f"CPUQuota={round(limits.cpus * 100)}%\n" if limits.cpus else ""
    return f"""# Written by farm provision.
[Unit]
Description=BuildKit and its builds

[Slice]
{memory}
{cpus}"""


def _namespaces() -> Step:
    return Step(
        name="user-namespaces",
        describe="let ordinary users have user namespaces",
        # The switch is Debian's own, until 10 off and gone since the kernel of 12.
        check="""switch=/proc/sys/kernel/unprivileged_userns_clone
[ ! -r $switch ] || [ "$(cat $switch)" = 1 ] || needed kernel.unprivileged_userns_clone is 0
most=/proc/sys/user/max_user_namespaces
[ -r $most ] || by_hand its kernel has no user namespaces
[ "$(cat $most)" != 0 ] || needed user.max_user_namespaces is 0
""",
        apply="""file=/etc/sysctl.d/90-farm.conf
: >$file
[ ! -e /proc/sys/kernel/unprivileged_userns_clone ] || echo kernel.unprivileged_userns_clone=1 >>$file
[ "$(cat /proc/sys/user/max_user_namespaces)" != 0 ] || echo user.max_user_namespaces=28633 >>$file
sysctl --quiet --load=$file
""",
    )


def _subordinate_ids(user: str) -> Step:
    name = quote(user)
    listed = f"cut -d : -f 1 %s 2>/dev/null | grep -qxF -e {name}"
    in_uids, in_gids = (listed % file for file in ("/etc/subuid", "/etc/subgid"))
    return Step(
        name="subordinate-ids",
        describe=f"give {user} 65536 users and groups of its own",
        check=f"""{in_uids} || needed {quote(f"{user} is not in /etc/subuid")}
{in_gids} || needed {quote(f"{user} is not in /etc/subgid")}
""",
        apply=f"""touch /etc/subuid /etc/subgid
first=$(cat /etc/subuid /etc/subgid | awk -F : 'BEGIN {{ n = 100000 }} $2 + $3 > n {{ n = $2 + $3 }} END {{ print n }}')
range=$first-$((first + 65535))
{in_uids} || usermod --add-subuids "$range" {name}
{in_gids} || usermod --add-subgids "$range" {name}
""",
    )
