"""Every rule about a node. Each is a function whose docstring states the real fault that it stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from farm.doctor.coordinator import Coordinator
from farm.doctor.examined import Examined
from farm.doctor.finding import Finding, Judgement, NotChecked, Severity, Verdicts
from farm.doctor.rules import (
    clock,
    coordinator,
    disk,
    engine,
    identity,
    kernel,
    memory,
    platforms,
    power,
    registries,
    sshd,
)

Rule = Callable[[Examined], Verdicts]

RULES: tuple[Rule, ...] = (
    engine.engine_missing,
    engine.socket_denied,
    engine.image_store_off,
    engine.engine_silent,
    engine.engine_too_old,
    engine.settings_not_held,
    identity.named_twice,
    identity.card_copied,
    clock.clock_skew,
    disk.disk_space,
    disk.disk_inodes,
    disk.disk_read_only,
    memory.memory_free,
    memory.swap_missing,
    memory.memory_cgroup,
    memory.cgroup_version,
    platforms.page_size,
    platforms.no_aarch32,
    platforms.cpu_level,
    platforms.emulator_registered,
    platforms.platform_not_native,
    platforms.emulators_bundled,
    kernel.overlayfs,
    kernel.seccomp_too_old,
    sshd.sshd_sessions,
    sshd.sshd_startups,
    sshd.sshd_forwarding,
    power.under_voltage,
    power.throttled,
    power.temperature,
    registries.registry_name,
    registries.registry_connection,
    registries.registry_trust,
    registries.registry_failing,
    registries.proxy_dead,
    registries.mirror_for_docker_only,
)

# Steps of which nothing is seen before the board starts anew.
_COUNT_AFTER_A_RESTART = frozenset({"memory-cgroup"})


def name(rule: Callable[..., object]) -> str:
    """The name of a rule as people read it: `disk-space`."""
    return rule.__name__.replace("_", "-")


def judge(it: Examined) -> Judgement:
    """What the rules say of a node."""
    judgement = _sorted((name(rule), rule(it)) for rule in RULES)
    return replace(judgement, findings=tuple(_provisioned(finding, it) for finding in judgement.findings))


def _provisioned(finding: Finding, it: Examined) -> Finding:
    """With the command of the coordinator that mends it; this machine itself is nobody's to provision."""
    if not finding.mend or it.node.engine == "local":
        return replace(finding, mend=())
    steps = "".join(f" --step {step}" for step in finding.mend)
    restart = " --reboot" if _COUNT_AFTER_A_RESTART.intersection(finding.mend) else ""
    return replace(finding, fix=f"farm provision {it.node.name}{steps}{restart}", is_fixed_there=False)


def judge_coordinator(it: Coordinator) -> Judgement:
    """What the rules say of the coordinator."""
    return _sorted((name(rule), rule(it)) for rule in coordinator.RULES)


def _sorted(said: Iterable[tuple[str, Verdicts]]) -> Judgement:
    named = [replace(each, check=check) for check, verdicts in said for each in verdicts]
    findings = [each for each in named if isinstance(each, Finding)]
    # Sorting keeps the order of the rules among what is alike.
    findings.sort(key=lambda each: each.severity is not Severity.ERROR)
    return Judgement(
        findings=tuple(findings), not_checked=tuple(each for each in named if isinstance(each, NotChecked))
    )
