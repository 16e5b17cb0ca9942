"""What `farm trigger` does once its flags are read."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from farm.cli.json_error import told_as_json
from farm.errors import Exit, UsageError
from farm.nightly import spool
from farm.nightly.trigger import Trigger, from_diun, from_words


def trigger(flags: Mapping[str, Any]) -> Exit:
    """Put the wish into the spool, and say so."""
    from farm.workflow.run import state_home

    with told_as_json(document=flags["as_json"]):
        wish = _wish(flags)
        waits = spool.put(state_home() / "triggers", wish, time.time()) if wish else None
    if flags["as_json"]:
        click.echo(json.dumps({"trigger": asdict(waits) if waits else None}, indent=2))
    elif waits is None:
        click.echo("nothing has changed: nothing waits")
    else:
        again = f" (asked for {waits.count} times)" if waits.count > 1 else ""
        click.echo(f"{waits.subject} waits for the next `farm nightly`{again}")
    return Exit.DONE


def _wish(flags: Mapping[str, Any]) -> Trigger | None:
    if flags["source"] == "diun":
        if flags["subject"]:
            raise UsageError("farm trigger diun takes no reference", fix="it reads Diun's variables: leave it out")
        return from_diun(os.environ)
    if not flags["subject"]:
        raise UsageError("farm trigger image: which one?", fix="give the name of an image, or a reference")
    from farm.inventory import load

    return from_words(flags["subject"], load(flags["inventory"]).images)
