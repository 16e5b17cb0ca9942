"""Rules that hold for every machine, whatever it says of itself."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from farm.nodes.probe.binfmt import Handler
from farm.nodes.probe.native import Machine, emulated, native
from farm.platforms import Platform, parse

# The machine may be busy, and tests leave nothing behind.
ARCHITECTURES = ["amd64", "386", "arm64", "arm", "riscv64", "ppc64le", "s390x", "loong64"]

handlers = st.builds(
    Handler,
    architecture=st.sampled_from(ARCHITECTURES),
    interpreter=st.just("/usr/bin/qemu"),
    in_containers=st.booleans(),
)
machines = st.builds(
    Machine,
    kernel=st.sampled_from(["x86_64", "aarch64", "armv7l", "armv6l", "armv8l", "i686", "riscv64", "sparc64", ""]),
    userland=st.sampled_from([None, *ARCHITECTURES]),
    engine=st.sampled_from([None, *ARCHITECTURES]),
    aarch32=st.sampled_from([None, True, False]),
    page_size=st.sampled_from([None, 4096, 16384, 65536]),
    features=st.frozensets(st.sampled_from(["cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3", "avx2"])),
    parts=st.lists(st.tuples(st.just("0x41"), st.sampled_from(["0xd03", "0xd08", "0xd48"])), max_size=2).map(tuple),
    handlers=st.lists(handlers, max_size=3).map(tuple),
)


@given(machines)
def test_no_platform_is_both_native_and_emulated_or_there_twice(machine: Machine) -> None:
    both = native(machine) + emulated(machine)
    assert len(set(both)) == len(both)


@given(machines)
def test_every_platform_is_in_normal_form(machine: Machine) -> None:
    for platform in native(machine) + emulated(machine):
        assert parse(str(platform)) == platform


@given(machines)
def test_a_newer_variant_brings_the_older_ones(machine: Machine) -> None:
    found = native(machine)
    if Platform("linux", "arm", "v7") in found:
        assert Platform("linux", "arm", "v6") in found
    if any(platform.architecture == "amd64" for platform in found):
        assert Platform("linux", "amd64") in found


@given(machines, handlers)
def test_a_further_emulator_never_makes_anything_native(machine: Machine, further: Handler) -> None:
    more = Machine(
        kernel=machine.kernel,
        userland=machine.userland,
        engine=machine.engine,
        aarch32=machine.aarch32,
        page_size=machine.page_size,
        features=machine.features,
        parts=machine.parts,
        handlers=(*machine.handlers, further),
    )
    assert set(native(more)) <= set(native(machine))


def test_a_shell_under_the_32_bit_personality_sees_the_same_machine() -> None:
    assert native(Machine(kernel="armv8l", userland="arm64", aarch32=True)) == native(
        Machine(kernel="aarch64", userland="arm64", aarch32=True)
    )


def test_an_emulated_userland_says_nothing_of_the_machine() -> None:
    assert native(Machine(kernel="aarch64", userland="amd64", aarch32=True)) == native(
        Machine(kernel="aarch64", aarch32=True)
    )


def test_no_word_about_32_bit_programs_is_no_promise() -> None:
    assert native(Machine(kernel="aarch64")) == (Platform("linux", "arm64"),)
