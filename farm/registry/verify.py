"""Whether the registry holds what was built: read back from there, never taken from local state."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from farm.errors import VerificationError
from farm.platforms import Platform
from farm.registry import layers, manifests
from farm.registry.client import Client, Manifest, NotThereError
from farm.registry.feed import Read, in_thread
from farm.registry.manifests import Descriptor
from farm.registry.program import Search
from farm.registry.reference import Reference

LAYER_BYTES = 64 * 1024 * 1024
"""How many (compressed) bytes of an image's layers are read at most to find a program."""

# What a layer counts for that cannot be read: of those that are made to take long, a few are enough.
_UNREADABLE_BYTES = LAYER_BYTES // 8
_LARGEST_CONFIG = 4 * 1024 * 1024
_NO_PROGRAM = (_NO_LAYERS, _NO_ELF) = ("it has no layers", "it holds no ELF program")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """An image that is right for its platform.

    `elf` says for what the program at path `program` was made. Both are None where there was none to look at; `note`
    says why: an image of scripts or data is fine.
    """

    platform: Platform
    digest: str
    elf: str | None
    program: str | None
    note: str = ""

    @property
    def doubt(self) -> str:
        """Why there may be a program that was not looked at, in words; empty where there is no such doubt."""
        return "" if self.note in _NO_PROGRAM else self.note


async def image(
    client: Client,
    repository: Reference,
    platform: Platform,
    digest: str,
    known: Mapping[str, Checked] = MappingProxyType({}),
) -> Checked:
    """Check one image manifest: its config's platform, and the machine of a program in it.

    `known` holds earlier results by digest; content under a digest never changes, so it is not read twice. Raises
    VerificationError that names the platform, what was expected and what was found.
    """
    earlier = known.get(digest)
    if earlier and earlier.platform == platform:
        return earlier
    try:
        manifest = manifests.image((await client.manifest(repository.with_digest(digest))).raw)
        config = manifests.config(await whole(client, repository, manifest.config))
        if config.platform != platform:
            raise _wrong(platform, repository, digest, f"its config says {config.platform}")
        search = Search(config, platform)
        note = await _look(client, repository, manifest.layers, search)
    except NotThereError as error:
        raise _wrong(platform, repository, digest, f"the registry lacks a part of it ({error.what})") from error
    if not search.found:
        return Checked(platform=platform, digest=digest, elf=None, program=None, note=note)
    path, program = search.found
    path = path.encode(errors="surrogateescape").decode(errors="replace")  # a layer's names need not be UTF-8
    if not program.runs_natively_on(platform):
        raise _wrong(platform, repository, digest, f"its program {path} is made for {program}")
    return Checked(platform=platform, digest=digest, elf=str(program), program=path)


async def index(
    client: Client, repositories: Sequence[Reference], expected: Mapping[Platform, str], digest: str
) -> Manifest:
    """Check that every repository holds the index of that digest, with exactly the images that were built; return it.

    `expected` maps each planned platform to the digest of its image manifest. No tag is looked at. Raises
    VerificationError with one line of detail for each thing that is wrong.
    """
    found = await asyncio.gather(*(_index(client, repository, digest) for repository in repositories))
    wrong = [
        f"{repository.repository}: it lacks {digest}"
        for repository, manifest in zip(repositories, found, strict=True)
        if manifest is None
    ]
    there = next((manifest for manifest in found if manifest is not None), None)
    if there is not None:
        wrong += _differences(there.raw, expected)
    if there is None or wrong:
        raise VerificationError(
            f"{repositories[0].repository}: the registry does not hold what was built",
            fix="build again: what is built is cached",
            details=tuple(wrong),
        )
    return there


async def tags(client: Client, references: Sequence[Reference], digest: str) -> None:
    """Check that every tag stands for the digest. Raises VerificationError that names those that do not."""
    digests = await asyncio.gather(*(client.digest(reference) for reference in references))
    wrong = tuple(
        f"{reference}: {found or 'not in the registry'}, expected {digest}"
        for reference, found in zip(references, digests, strict=True)
        if found != digest
    )
    if wrong:
        raise VerificationError(
            f"{references[0]}: the tag does not stand for what was built",
            fix="another push may have come in between; build again",
            details=wrong,
        )


async def whole(client: Client, repository: Reference, descriptor: Descriptor) -> bytes:
    """A config, as the registry holds it. Raises VerificationError for one that is far too large."""
    body = bytearray()
    async with contextlib.aclosing(client.blob(repository, descriptor.digest)) as chunks:
        async for chunk in chunks:
            body += chunk
            if len(body) > _LARGEST_CONFIG:
                raise VerificationError(f"{repository.repository}@{descriptor.digest}: a config this large is none")
    return bytes(body)


async def _index(client: Client, repository: Reference, digest: str) -> Manifest | None:
    try:
        return await client.manifest(repository.with_digest(digest))
    except NotThereError:
        return None


def _differences(raw: bytes, expected: Mapping[Platform, str]) -> list[str]:
    """One line for each difference between an index and the plan."""
    if not manifests.is_index(raw):  # one platform without attestations is pushed as a bare image
        found = manifests.digest_of(raw)
        if list(expected.values()) == [found]:
            return []
        return [f"it is one image ({found}), expected an index of {_words(expected)}"]
    entries = manifests.entries(raw)
    images = [entry for entry in entries if entry.attestation_for is None]
    counts = Counter(entry.platform for entry in images)
    wrong = [f"{platform}: it is missing" for platform in expected if not counts[platform]]
    wrong += [f"{platform}: it was not planned" for platform in counts if platform not in expected]
    wrong += [f"{platform}: it is there {count} times" for platform, count in counts.items() if count > 1]
    wrong += [
        f"{entry.platform}: its digest is {entry.digest}, expected {expected[entry.platform]}"
        for entry in images
        if entry.platform in expected and entry.digest != expected[entry.platform]
    ]
    there = {entry.digest for entry in images}
    wrong += [
        f"attestation {entry.digest} speaks of {entry.attestation_for}, which is not in the index"
        for entry in entries
        if entry.attestation_for is not None and entry.attestation_for not in there
    ]
    return wrong


def _words(expected: Mapping[Platform, str]) -> str:
    return ", ".join(str(platform) for platform in expected)


def _wrong(platform: Platform, repository: Reference, digest: str, found: str) -> VerificationError:
    return VerificationError(
        f"{platform}: the pushed image is not for this platform: {found}",
        fix="check the final stage of the Dockerfile: its FROM and what it copies must be for the target platform",
        details=(f"{repository.repository}@{digest}",),
    )


async def _look(client: Client, repository: Reference, found: Sequence[Descriptor], search: Search) -> str:
    """Show a search the layers from the top down; the answer is a note on what could not be read, if anything."""

    def show(read: Read) -> None:
        for item in layers.walk(read):
            search.see(item)
            if search.is_over:
                break

    left = LAYER_BYTES
    note = "" if found else _NO_LAYERS
    for layer in reversed(found):
        async with contextlib.aclosing(client.blob(repository, layer.digest)) as chunks:
            try:
                left -= await in_thread(chunks, left, show)
            except layers.UnreadableLayerError as error:
                left -= _UNREADABLE_BYTES
                note = f"layer {layer.digest[:19]} could not be read: {error}"
        if search.is_over:
            break
        if left <= 0:
            note = f"no program within the first {LAYER_BYTES // 2**20} MiB of its layers"
            break
    return note or _NO_ELF
