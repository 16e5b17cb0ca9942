"""The README says what the program does, or this says where it does not."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from farm.cli.main import farm
from farm.errors import Exit
from farm.inventory import load

ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "README.md").read_text()


def test_help_texts_are_those_of_the_program() -> None:
    done = subprocess.run([ROOT / "scripts/docs", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("code", list(Exit))
def test_every_exit_code_is_explained(code: Exit) -> None:
    assert re.search(rf"^\| {int(code)} \| .+ \|$", README, re.MULTILINE)


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target


def test_the_images_of_the_nightly_chapter_can_be_read(tmp_path: Path) -> None:
    chapter = README.partition("\n## Every night\n")[2].partition("\n## ")[0]
    said = chapter.partition("```yaml\n")[2].partition("```")[0]
    inventory = tmp_path / "inventory.yaml"
    inventory.write_text(f"nodes: {{pi4: {{host: pi4.lan}}}}\n{said}")

    found = load(inventory)

    assert list(found.images) == ["web", "app"]
    assert found.notify is not None
    assert found.housekeeping is not None


def test_every_option_in_an_example_exists() -> None:
    known = {"--help", "--version"}
    for name in farm.commands or farm.list_commands(farm.make_context("farm", [], resilient_parsing=True)):
        context = farm.make_context("farm", [], resilient_parsing=True)
        command = farm.get_command(context, name)
        assert command is not None
        known |= {flag for parameter in command.params for flag in (*parameter.opts, *parameter.secondary_opts)}
    for line in re.findall(r"^ {4}(?:\$ )?(farm .*)$", README, re.MULTILINE):
        for flag in re.findall(r"(?<!\S)--[a-z-]+", line.partition("|")[0]):
            assert flag in known, f"{flag} in: {line}"
