"""scripts/lab run: a pushed image runs as it would in a container engine."""

import subprocess
import sys
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.run import run
from tests.farm.boards import Lab

# Files come, go, come back under another kind, and a whole directory is replaced.
DOCKERFILE = """\
ARG BASE
FROM ${BASE}
RUN mkdir -p /d/old /link-target && touch /kept /gone /d/old/x /d/y && ln -s /link-target /swapped
RUN rm -r /gone /d /swapped && mkdir -p /d /swapped && touch /d/new /swapped/inside
ENV WHO=image
CMD ["sh", "-c", "uname -m; ls /d /swapped /link-target; ls /kept /gone; echo $WHO $PATH $HOME"]
"""


@pytest.fixture(scope="module")
def image(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> str:
    context = tmp_path_factory.mktemp("context")
    (context / "Dockerfile").write_text(DOCKERFILE)
    name = f"{lab.registry}/lab-run:1"
    farm = str(Path(sys.prefix) / "bin" / "farm")
    build = [
        farm,
        "build",
        str(context),
        "-i",
        str(lab.inventory),
        "-t",
        name,
        "--platform",
        "linux/amd64,linux/arm/v7",
    ]
    subprocess.run([*build, "--build-arg", f"BASE={lab.registry}/base:1"], check=True)
    return name


@pytest.mark.parametrize(("platform", "machine"), [("linux/amd64", "x86_64"), ("linux/arm/v7", "armv7l")])
def test_an_image_runs_with_its_layers_laid_over_each_other(
    image: str, platform: str, machine: str, capfd: pytest.CaptureFixture[str]
) -> None:
    code = run(image, platform)

    said = capfd.readouterr()
    assert code == 0, said.err
    assert said.out.splitlines() == [
        *(machine, "/d:", "new", "", "/link-target:", "", "/swapped:", "inside"),
        *("/kept", "image /usr/sbin:/usr/bin"),
    ]
    assert said.err == "ls: /gone: No such file or directory\n"


def test_an_image_without_that_platform_is_refused(image: str) -> None:
    with pytest.raises(LabError, match=r"no linux/arm64 in .*: it has linux/amd64, "):
        run(image, "linux/arm64")


@pytest.mark.parametrize("name", ["hello", "127.0.0.1:1/hello", "127.0.0.1:1/hello:latest"])
def test_an_image_that_is_not_there_is_said(name: str) -> None:
    with pytest.raises(LabError):
        run(name, "linux/amd64")
