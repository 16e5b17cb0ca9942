"""Who logs in to the nodes: the person who runs the lab, also where root rights came through sudo."""

import os
import pwd
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user of this machine, and the same user's entries on a board that knows nobody else but root."""

    name: str
    uid: int
    gid: int
    home: str

    def passwd(self) -> str:
        """An /etc/passwd with root, sshd's own user and the account, whose shell is one that every Debian has."""
        root = "root:x:0:0:root:/root:/bin/bash\n" if self.uid else ""
        own = f"{self.name}:x:{self.uid}:{self.gid}:{self.name}:{self.home}:/bin/bash\n"
        nobody = "/usr/sbin/nologin"
        return f"{root}{own}sshd:x:101:65534::/run/sshd:{nobody}\nnobody:x:65534:65534::/:{nobody}\n"

    def shadow(self) -> str:
        """An /etc/shadow without any password: ``*`` lets nobody in by one, and unlike ``!`` locks no account."""
        return "".join(f"{name}:*:19000:0:99999:7:::\n" for name in sorted({"root", self.name}))

    def group(self) -> str:
        """An /etc/group for the same."""
        names = {0: "root", 65534: "nogroup"}
        names.setdefault(self.gid, self.name)
        return "".join(f"{name}:x:{gid}:\n" for gid, name in names.items())

    def give(self, *paths: Path) -> None:
        """Let the person own files that root made for them."""
        for path in paths:
            os.chown(path, self.uid, self.gid)


def current() -> Account:
    """The person behind this process."""
    entry = pwd.getpwuid(int(os.environ.get("SUDO_UID") or os.getuid()))
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, home=entry.pw_dir)
