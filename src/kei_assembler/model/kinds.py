"""The kinds of manifests: what is generated from each, its usual folder, and its keys."""

from __future__ import annotations

from collections.abc import Mapping

from kei_assembler.records import NamedTuple


class Kind(NamedTuple):
    """A kind of manifest. A manifest in a folder named `folder` is of this kind unless it says otherwise.

    `noun` is what one of them is called. `keys` are the keys that its manifests can have, and `required` those that
    they must have; for agents, the fields and the settings say that.
    """

    name: str
    folder: str
    noun: str
    keys: tuple[str, ...] = ()
    required: tuple[str, ...] = ("name",)


AGENT = Kind("agent", "agents", "agent")
INSTRUCTIONS = Kind(
    "instructions",
    "instructions",
    "instruction manifest",
    (
        "name",
        "kind",
        "extends",
        "abstract",
        "unset",
        "role",
        "blocks",
        "targets",
        "folder",
        "paths",
        "values",
        "target",
    ),
)
SKILL = Kind(
    "skill",
    "skills",
    "skill",
    tuple("name kind description extends abstract unset tools role blocks targets values target".split()),
    ("name", "description"),
)

KINDS: Mapping[str, Kind] = {kind.name: kind for kind in (AGENT, INSTRUCTIONS, SKILL)}
"""All kinds by name."""


class ItemName(NamedTuple):
    """The name of what a manifest is compiled to. It is unique within its kind."""

    kind: str
    name: str

    @property
    def label(self) -> str:
        """The name as reports show it: `critic` for an agent, `instructions/house` for instructions."""
        return self.name if self.kind == AGENT.name else f"{KINDS[self.kind].folder}/{self.name}"


def usual_kind(folder: str) -> Kind:
    """Return the kind of the manifests in a folder of the setting `manifests`: the one whose name the folder has."""
    name = folder.rpartition("/")[2]
    return next((kind for kind in KINDS.values() if kind.folder == name), AGENT)
