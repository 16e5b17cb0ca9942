"""`images:` of a file that has been checked -> Image of each: whole paths, seconds, bytes."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from farm import platforms
from farm.inventory import board_rules, image_rules
from farm.inventory.convert_values import many, secret
from farm.inventory.image_entries import ImageEntry
from farm.inventory.images import Image
from farm.report import words

_LAYOUT = "oci-layout://"


def images(said: Mapping[str, ImageEntry], path: Callable[[str], Path]) -> dict[str, Image]:
    """Each entry by its name. `path` makes paths whole."""
    return {name: _image(name, entry, path) for name, entry in said.items()}


def _image(name: str, entry: ImageEntry, path: Callable[[str], Path]) -> Image:
    context, dockerfile = _place(entry["context"], path), entry.get("dockerfile")
    if dockerfile and not image_rules.is_url(context):
        dockerfile = str(Path(context) / dockerfile)
    timeout, age, memory = entry.get("timeout"), entry.get("max_age"), entry.get("memory")
    return Image(
        name=name,
        context=context,
        login=secret(entry["login"], path) if "login" in entry else None,
        dockerfile=dockerfile,
        target=entry.get("target"),
        args=entry.get("args") or {},
        contexts={key: _place(value, path) for key, value in (entry.get("contexts") or {}).items()},
        labels=entry.get("labels") or {},
        secrets=tuple(_with_whole_path(each, path) for each in entry.get("secrets", ())),
        ssh=tuple(_with_whole_keys(each, path) for each in entry.get("ssh", ())),
        platforms=tuple(platforms.parse(each) for each in entry.get("platforms", ())),
        references=many(entry.get("image", [])),
        tags=many(entry.get("tags", [])),
        refs=many(entry.get("refs", [])),
        cache=entry.get("cache"),
        timeout=words.read_seconds(timeout) if timeout else None,
        max_age=words.read_age(age) if age else None,
        priority=entry.get("priority", 0),
        memory=board_rules.read_memory(memory) if memory else None,
    )


def _place(text: str, path: Callable[[str], Path]) -> str:
    """A context: a URL and another image as they are, a directory whole."""
    if text.startswith(_LAYOUT):
        return f"{_LAYOUT}{path(text.removeprefix(_LAYOUT))}"
    if image_rules.is_url(text) or text.startswith(image_rules.TARGET):
        return text
    return str(path(text))


def _with_whole_path(secret: str, path: Callable[[str], Path]) -> str:
    """A value of `--secret` in which a relative path is one beside the inventory."""
    return re.sub(r"\b(src|source)=([^,]+)", lambda match: f"{match[1]}={path(match[2])}", secret)


def _with_whole_keys(ssh: str, path: Callable[[str], Path]) -> str:
    name, equals, paths = ssh.partition("=")
    return f"{name}={','.join(str(path(each)) for each in paths.split(','))}" if equals else name
