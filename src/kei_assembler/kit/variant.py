"""A variant of a build: into another folder, or without some blocks. The default is the build of the kit as it is."""

from __future__ import annotations

from kei_assembler.records import NamedTuple


class Variant(NamedTuple):
    """What a run builds instead of the kit as it is.

    `output_dir` is the folder that takes the place of the kit's root, and of the home folder, as a resolved path: the
    outputs have the same paths below it. It is empty if the run builds into the kit's root. `shown_dir` is the folder
    as reports show it: absolute, or relative to the kit. `without` are the names of the blocks that the run leaves out,
    as if no list had them. `options` are those of the command that ask for the variant, each after a space.
    """

    output_dir: str = ""
    shown_dir: str = ""
    without: frozenset[str] = frozenset()
    options: str = ""
