"""What a real server or client needs from the machine, and what to say when it is missing."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import NoReturn

import pytest

CACHE = Path("~/.cache/mailproxy-tests").expanduser()


def missing(what: str) -> NoReturn:
    """Skip the test, or fail it where ``MAILPROXY_REQUIRE_SERVERS=1`` says that nothing may be missing."""
    if os.environ.get("MAILPROXY_REQUIRE_SERVERS") == "1":
        pytest.fail(what, pytrace=False)
    pytest.skip(what)


def need_program(name: str, package: str, *places: Path) -> Path:
    """The path of a program: the first of ``places`` that exists, else what PATH finds."""
    for place in places:
        if place.is_file():
            return place
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if not found:
        missing(f"{name} is not here; install the Debian package {package}")
    return Path(found)


def need_root(server: str) -> None:
    """Mail servers change their user id, which only root can."""
    if os.geteuid() != 0:
        missing(f"{server} has to be started by root; run the tests as root, e.g. in a container")


def need_user(name: str, package: str) -> pwd.struct_passwd:
    """A system user that a server insists on."""
    try:
        return pwd.getpwnam(name)
    except KeyError:
        missing(f"the system user {name} is not here; the Debian package {package} makes it, as does .ci/run")


def need_libraries(program: Path, environment: dict[str, str], package: str) -> None:
    """A program from an unpacked package may lack shared libraries: say which."""
    listed = subprocess.run(
        ["ldd", str(program)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    absent = sorted({line.split()[0] for line in listed.stdout.splitlines() if "not found" in line})
    if absent:
        missing(f"{program} lacks {', '.join(absent)}; unpack {package} again with .ci/run")


def copy_unpacked(root: Path, folder: Path) -> Path:
    """A copy of unpacked packages for servers that give up root's rights: they cannot enter root's home."""
    copy = folder / "unpacked"
    shutil.copytree(root / "usr", copy / "usr", symlinks=True, ignore=shutil.ignore_patterns("share"))
    if (root / "lib").is_dir():
        shutil.copytree(root / "lib", copy / "lib", symlinks=True, ignore=shutil.ignore_patterns("systemd"))
    return copy


def unpacked_libraries(root: Path) -> dict[str, str]:
    """The environment in which programs unpacked below ``root`` find their libraries."""
    folders = [
        str(folder) for where in ("usr/lib", "lib") for folder in sorted(root.glob(f"{where}/*-linux-gnu*"))
    ]
    return {"LD_LIBRARY_PATH": ":".join(folders)} if folders else {}


def need_node_modules(name: str) -> Path:
    """The folder in which Node finds that package: one of ``$NODE_PATH``, or where ``.ci/run`` puts it."""
    own = CACHE / "node" / "node_modules"
    for folder in (*filter(None, os.environ.get("NODE_PATH", "").split(":")), str(own)):
        if (Path(folder) / name).is_dir():
            return Path(folder)
    missing(f"Node's package {name} is not here: npm install --prefix {own.parent} {name}")
