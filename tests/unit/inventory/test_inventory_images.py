"""What `images:` of an inventory means, and each mistake in it with the line that its user reads."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from farm import platforms
from farm.inventory.check import parse
from farm.inventory.image_entries import ImageEntry
from farm.inventory.images import Image
from farm.inventory.mistakes import InventoryError
from farm.inventory.secret import Secret

CONTEXT = "a directory, or a git URL such as https://git.lan/me/app.git"
OTHER = "a directory, a git URL, docker-image://IMAGE, or target:NAME of another image here"
HIDDEN = "a text that is not shown here, for it may hold a password"
LOGIN = "$NAME of an environment variable, or file:PATH, that holds a token or user:token"
KEEP = "write the token into a file and its path here, or name a variable: it is not to stand in the inventory"
REFERENCE = "a repository such as registry.lan:5000/app, without a tag"
TAG = "a tag, the name of a tag rule, or a template"
AGE = "an age such as 12h, 30d or 2w"
SECRET = "id=NAME,src=FILE or id=NAME,env=VARIABLE"
GIT = "https://git.lan/me/app.git"

EVERYTHING = """
nodes: {a: {host: a}}
images:
  base: {context: ~/base}
  app:
    context: ../app
    dockerfile: docker/Dockerfile
    target: final
    args: {VERSION: "1.10", EMPTY: ""}
    contexts: {base: "target:base", more: more, alpine:3: docker-image://alpine:3.20, dir: oci-layout://out, g: GIT}
    labels: {org.example.team: home}
    secrets: ["id=npm,src=secrets/npm", "id=key,env=KEY", "src=/abs,id=abs"]
    ssh: [default, "git=~/.ssh/id,key"]
    platforms: [arm64, linux/arm]
    image: [registry.lan:5000/app, me/app]
    tags: [latest, "{major}.{minor}-alpine"]
    cache: true
    timeout: 2h
    max_age: 30d
    priority: -5
    memory: 1500M
  from-git:
    context: GIT#main:docker
    login: $TOKEN
    dockerfile: docker/Dockerfile
    image: me/other
    tags: version
    refs: [main, v*, "!v1.*"]
""".replace("GIT", GIT, 2)


def images(text: str) -> dict[str, Image]:
    return {**parse(text, "f.yaml", base=Path("/farm"), home=Path("/home/me")).images}


def test_every_key_of_an_image_arrives() -> None:
    found = images(EVERYTHING)
    assert [*found] == ["base", "app", "from-git"]
    assert found["base"] == Image(name="base", context="/home/me/base")
    assert found["app"] == Image(
        name="app",
        context="/farm/../app",
        dockerfile="/farm/../app/docker/Dockerfile",
        target="final",
        args={"VERSION": "1.10", "EMPTY": ""},
        contexts={
            "base": "target:base",
            "more": "/farm/more",
            "alpine:3": "docker-image://alpine:3.20",
            "dir": "oci-layout:///farm/out",
            "g": GIT,
        },
        labels={"org.example.team": "home"},
        secrets=("id=npm,src=/farm/secrets/npm", "id=key,env=KEY", "src=/abs,id=abs"),
        ssh=("default", "git=/home/me/.ssh/id,/farm/key"),
        platforms=(platforms.parse("linux/arm64"), platforms.parse("linux/arm/v7")),
        references=("registry.lan:5000/app", "me/app"),
        tags=("latest", "{major}.{minor}-alpine"),
        cache=True,
        timeout=7200,
        max_age=30 * 86400,
        priority=-5,
        memory=1500 * 2**20,
    )
    assert found["from-git"] == Image(
        name="from-git",
        context=f"{GIT}#main:docker",
        login=Secret(variable="TOKEN"),
        dockerfile="docker/Dockerfile",
        references=("me/other",),
        tags=("version",),
        refs=("main", "v*", "!v1.*"),
    )


def test_what_a_file_may_say_is_what_an_image_holds() -> None:
    names = ["references" if key == "image" else key for key in ImageEntry.__annotations__]
    assert names == [field.name for field in fields(Image) if field.name != "name"]


@pytest.mark.parametrize("context", [".", "/srv/app", "~/app", GIT, "git@git.lan:me/app.git#v1", "ssh://git@git.lan/a"])
def test_contexts_that_are_right(context: str) -> None:
    assert images(f"nodes: {{a: {{host: a}}}}\nimages: {{app: {{context: '{context}'}}}}")["app"].context


def test_a_login_in_a_file_is_read_when_it_is_needed() -> None:
    text = f"nodes: {{a: {{host: a}}}}\nimages: {{app: {{context: {GIT}, login: file:token}}}}"
    assert images(text)["app"].login == Secret(file=Path("/farm/token"))


# What an image says of itself begins at column 29 of line 2.
ENTRY = "nodes: {a: {host: a}}\nimages: {app: {context: ., %s}}"
VALUES = [
    ("tag: [a]", "28: image app: unknown key `tag` - did you mean `tags`?"),
    ("target: a b", "36: image app: `target` is 'a b' - expected the name of a stage"),
    ("args: [A]", "34: image app: `args` is a list - expected a mapping"),
    ("args: {A: 1}", '38: image app: args: `A` is the number 1 - expected a text - put it in quotes: "1"'),
    ("args: {A: }", "37: image app: args: `A` is empty - expected a text"),
    ("args: {A-B: x}", "35: the build argument name 'A-B' cannot be used - expected letters, digits and `_`"),
    ("contexts: {a=b: .}", "39: the context name 'a=b' cannot be used - expected a name without spaces and `=`"),
    (
        "contexts: {a: ~b}",
        f"42: image app: contexts: `a` is '~b' - expected {OTHER} - only `~/` is expanded; write the whole path",
    ),
    (
        "contexts: {a: 'https://u:secret@g/a.git'}",
        (
            f"42: image app: contexts: `a` is {HIDDEN} - expected {OTHER}"
            " - only the first context can have a login; use ssh://"
        ),
    ),
    (
        "labels: {'a b': c}",
        "37: the label name 'a b' cannot be used - expected a name such as org.opencontainers.image.title",
    ),
    ("secrets: npm", f"37: image app: `secrets` is 'npm' - expected a list of secrets, each {SECRET}"),
    (
        "secrets: [npm]",
        f"38: image app: `secrets` holds 'npm' - expected {SECRET} - write `id=npm,src=FILE` or `id=npm,env=VARIABLE`",
    ),
    ("secrets: ['src=a']", f"38: image app: `secrets` holds 'src=a' - expected {SECRET}"),
    ("ssh: default", "33: image app: `ssh` is 'default' - expected a list such as [default] - write `[default]`"),
    (
        "platforms: [arm65]",
        (
            "40: image app: `platforms` holds 'arm65'"
            " - expected a platform such as linux/arm64 or linux/arm/v7 - did you mean `arm64`?"
        ),
    ),
    ("platforms: [arm64, aarch64]", "47: image app: `platforms` holds linux/arm64 twice - remove one of them"),
    (
        "image: reg/app:1",
        f"35: image app: `image` is 'reg/app:1' - expected {REFERENCE} - write `reg/app` here and `1` at `tags:`",
    ),
    ("image: [me/a, app]", f"42: image app: `image` holds 'app' - expected {REFERENCE}"),
    ("image: [me/a, me/a]", "42: image app: `image` holds me/a twice - remove one of them"),
    (
        "image: https://reg/app",
        f"35: image app: `image` is 'https://reg/app' - expected {REFERENCE} - write it without `https://`",
    ),
    (
        "image: reg.lan:5000",
        (
            f"35: image app: `image` is 'reg.lan:5000' - expected {REFERENCE}"
            " - name the repository there, such as `reg.lan:5000/app`"
        ),
    ),
    ("image: Me/App", f"35: image app: `image` is 'Me/App' - expected {REFERENCE} - did you mean `me/app`?"),
    (
        f"image: me/a@sha256:{'0' * 64}",
        (
            f"35: image app: `image` is 'me/a@sha256:{'0' * 47}...'"
            f" - expected {REFERENCE} - leave the digest out: it is what a build makes"
        ),
    ),
    ("image: {a: b}", f"35: image app: `image` is a mapping - expected {REFERENCE}"),
    ("image: me/a, tags: 1.10", f'47: image app: `tags` is the number 1.1 - expected {TAG} - put it in quotes: "1.10"'),
    (
        "image: me/a, tags: [reg/a:b]",
        f"48: image app: `tags` holds 'reg/a:b' - expected {TAG} - write `b` here, and the repository at `image:`",
    ),
    ("image: me/a, tags: [-x]", f"48: image app: `tags` holds '-x' - expected {TAG}"),
    (
        f"image: me/a, tags: {'x' * 129}",
        f"47: image app: `tags` is '{'x' * 59}...' - expected {TAG} - at most 128 characters",
    ),
    ("image: me/a, tags: [a, a]", "51: image app: `tags` holds a twice - remove one of them"),
    ("tags: [a]", "28: image app: `tags` has no meaning without `image` - name the repository at `image`"),
    (
        "refs: main",
        "28: image app: `refs` has no meaning with the directory . - remove `refs`, or name a git URL at `context`",
    ),
    (
        "login: $TOKEN",
        (
            "28: image app: `login` has no meaning without a git URL at https://"
            " - remove it; ssh takes the keys of your agent"
        ),
    ),
    (
        "cache: app",
        "35: image app: `cache` is 'app' - expected a repository such as registry.lan:5000/buildcache, or true",
    ),
    ("timeout: 90", "37: image app: `timeout` is the number 90 - expected a time such as 5s, 2m or 1h - write `90s`"),
    ("max_age: 30", f"37: image app: `max_age` is the number 30 - expected {AGE} - add the unit: h, d or w"),
    ("max_age: 30 days", f"37: image app: `max_age` is '30 days' - expected {AGE} - write `30d`"),
    ("max_age: 0d", f"37: image app: `max_age` is '0d' - expected {AGE}"),
    ("priority: high", "38: image app: `priority` is 'high' - expected a whole number from -100 to 100"),
    ("priority: 101", "38: image app: `priority` is the number 101 - expected a whole number from -100 to 100"),
    (
        "memory: 1500",
        (
            "36: image app: `memory` is the number 1500 - expected an amount of at least 128M, such as 1500M"
            " or 1G - add the unit: K, M or G"
        ),
    ),
]

FARM = "nodes: {a: {host: a}}\n%s"
FILES = [
    ("images: [app]", ["2:9: `images` is a list - expected names of images, each with a mapping"]),
    ("images: {app: ./app}", ["2:15: image app is './app' - expected a mapping - write `{context: ./app}`"]),
    ("images: {app: }", ["2:14: image app is empty - expected a mapping"]),
    ("images: {app: {}}", [f"2:15: image app: `context` is missing - expected {CONTEXT}"]),
    (
        "images: {app: {contxt: .}}",
        [
            f"2:15: image app: `context` is missing - expected {CONTEXT}",
            "2:16: image app: unknown key `contxt` - did you mean `context`?",
        ],
    ),
    *(
        (
            f"images: {{'{name}': {{context: .}}}}",
            [f"2:10: the image name '{name}' cannot be used - expected {tell}"],
        )
        for name, tell in (
            ("a@b", "at most 63 of a-z, 0-9, `-`, `_` and `.`, beginning with a letter or digit - did you mean `a-b`?"),
            ("./a", "at most 63 of a-z, 0-9, `-`, `_` and `.`, beginning with a letter or digit - did you mean `a`?"),
            ("..", "at most 63 of a-z, 0-9, `-`, `_` and `.`, beginning with a letter or digit"),
        )
    ),
    *(
        (
            f"images: {{app: {{context: '{context}'}}}}",
            [f"2:25: image app: `context` is {found} - expected {CONTEXT}{hint}"],
        )
        for context, found, hint in (
            ("https://git.lan/app", "'https://git.lan/app'", " - a git URL ends in .git"),
            ("htps://git.lan/app.git", "'htps://git.lan/app.git'", " - did you mean `https`?"),
            ("https://git.lan:99999/a.git", "'https://git.lan:99999/a.git'", ""),
            (
                "https://tok@git.lan/a.git",
                HIDDEN,
                " - say the token at `login:`, as $NAME of a variable or file:PATH",
            ),
            ("ssh://u:secret@g/a.git", HIDDEN, " - say the token at `login:`, as $NAME of a variable or file:PATH"),
            ("~you/app", "'~you/app'", " - only `~/` is expanded; write the whole path"),
            ("", "''", ""),
        )
    ),
    (
        f"images: {{app: {{context: {GIT}, login: ghp_secret}}}}",
        [f"2:60: image app: `login` is {HIDDEN} - expected {LOGIN} - {KEEP}"],
    ),
    (
        f"images: {{app: {{context: {GIT}, refs: [a b]}}}}",
        ["2:60: image app: `refs` holds 'a b' - expected a branch or a tag, or a pattern such as v* or `v* newest 3`"],
    ),
    (
        (
            "registries: {reg.lan: {push: false}, docker.io: {push: false}}\n"
            "images: {app: {context: ., image: [reg.lan/app, me/app]}}"
        ),
        [
            (
                "3:36: image app: `image` is in registry reg.lan, which says `push: false`"
                " - choose another registry, or remove `push: false`"
            ),
            (
                "3:49: image app: `image` is in registry docker.io, which says `push: false`"
                " - choose another registry, or remove `push: false`"
            ),
        ],
    ),
    (
        (
            "images:\n  a: {context: a, image: me/app}\n"
            "  b: {context: b, image: [docker.io/me/app, r/b], tags: [x, latest]}\n"
            f"  c: {{context: {GIT}, image: me/app, tags: [edge, version]}}\n"
            "  d: {context: d, image: me/app, tags: default}\n  e: {context: e, image: me/app, tags: edge}"
        ),
        [
            (
                "4:61: image b pushes docker.io/me/app:latest, as image a does"
                " - give one of them another tag or another repository"
            ),
            "6:40: image d pushes me/app:latest, as image a does - give one of them another tag or another repository",
            "7:40: image e pushes me/app:edge, as image d does - give one of them another tag or another repository",
        ],
    ),
    (
        "images:\n  a: {context: a, image: me/app}\n  b: {context: b, image: me/app}",
        ["4:3: image b pushes me/app:latest, as image a does - give one of them another tag or another repository"],
    ),
    (
        (
            "images:\n  app: {context: ., contexts: {x: 'target:bse', y: 'target:zzz', z: 'target:'}}\n"
            "  base: {context: .}"
        ),
        [
            "3:35: image app: contexts: `x` names the image bse, which is not there - did you mean `base`?",
            "3:52: image app: contexts: `y` names the image zzz, which is not there - expected one of app, base",
            "3:69: image app: contexts: `z` names the image of no name, which is not there - expected one of app, base",
        ],
    ),
    (
        "images: {app: {context: ., contexts: {x: 'target:app'}}}",
        ["2:42: image app: contexts: `x` closes a circle: app -> app - remove one of these contexts"],
    ),
    (
        (
            "images:\n  a: {context: ., contexts: {x: 'target:b'}}\n  b: {context: ., contexts: {x: 'target:c'}}\n"
            "  c: {context: ., contexts: {x: 'target:b'}}"
        ),
        ["4:33: image b: contexts: `x` closes a circle: b -> c -> b - remove one of these contexts"],
    ),
]


def mistakes(text: str) -> list[str]:
    with pytest.raises(InventoryError) as caught:
        parse(text, "f")
    return str(caught.value).splitlines()


@pytest.mark.parametrize(("said", "expected"), VALUES, ids=lambda text: text[:40])
def test_what_an_image_says_wrong(said: str, expected: str) -> None:
    assert mistakes(ENTRY % said) == [f"f:2:{expected}"]


@pytest.mark.parametrize(("said", "expected"), FILES, ids=lambda text: text[:60] if isinstance(text, str) else "")
def test_what_is_said_wrong_of_images(said: str, expected: list[str]) -> None:
    assert mistakes(FARM % said) == [f"f:{line}" for line in expected]


def test_no_message_shows_a_token_of_an_image() -> None:
    for said in (
        "context: 'https://ghp_secret@g/a.git'",
        "context: 'https://u:secret@g/a'",
        f"context: {GIT}, login: secret",
        f"context: {GIT}, login: ['secret']",
        f"context: {GIT}, contexts: {{a: 'https://u:secret@g/a.git'}}",
        "context: ., image: 'https://u:secret@reg/app'",
    ):
        assert "secret" not in "".join(mistakes(FARM % f"images: {{app: {{{said}}}}}")), said
