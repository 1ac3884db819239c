"""The installed distribution that the running code belongs to, as its installer recorded it."""

from __future__ import annotations

import os

from kei_assembler.records import NamedTuple

NAME = "kei-assembler"

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


class Distribution(NamedTuple):
    """What an installer recorded next to the code.

    `installer` is the first line of the file `INSTALLER`, and `direct_url` is the text of `direct_url.json`. An
    installer writes the latter for everything that was not installed by its name from an index; see "Recording the
    Direct URL Origin of installed distributions" in the Python packaging specifications. Both are empty if the file
    does not exist. `folder` is where the distribution is installed, and `package` the folder of the running code.
    """

    version: str
    installer: str
    direct_url: str
    folder: str
    package: str


def installed() -> Distribution | None:
    """Return the record of the distribution with this name, or None if there is none or it cannot be read."""
    from importlib import metadata

    try:
        found = metadata.distribution(NAME)
        installer = (found.read_text("INSTALLER") or "").partition("\n")[0].strip(" \t\r")
        direct_url = found.read_text("direct_url.json") or ""
        folder = os.path.realpath(str(found.locate_file("")))
        return Distribution(found.version or "", installer, direct_url, folder, os.path.realpath(_PACKAGE))
    except (metadata.PackageNotFoundError, OSError, ValueError, KeyError):
        return None
