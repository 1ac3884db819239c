"""The names that a kit gives: of manifests, blocks, bundles and values. They can be renamed and removed."""

from __future__ import annotations

import os
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from itertools import chain, count

from kei_assembler.diagnostics import AssembleError
from kei_assembler.kit import LoadedKit, stem
from kei_assembler.kit.blocks import SECTION_MARK, VARIANT_MARK
from kei_assembler.model.inheritance import BUNDLE
from kei_assembler.model.kinds import AGENT, ItemName
from kei_assembler.model.kinds import KINDS as MANIFEST_KINDS
from kei_assembler.model.manifest import NAME as MANIFEST_NAME
from kei_assembler.model.settings import BLOCK_NAME, BUNDLE_NAME
from kei_assembler.model.values import value_tables
from kei_assembler.paths import normalize
from kei_assembler.records import NamedTuple
from kei_assembler.selection import files_named
from kei_assembler.suggestions import did_you_mean, listed
from kei_assembler.validation import Shape, fits, matching

BLOCK, BUNDLE_KIND, VALUE = "block", "bundle", "value"

_VALUE_NAME = matching(r"[A-Z0-9_]+", "capitals, digits and `_`")


class Name(NamedTuple):
    """Something that a kit names. `kind` is that of a manifest, or one of the kinds above.

    `file` is the manifest, or "" for everything else.
    """

    kind: str
    name: str
    file: str = ""

    @property
    def label(self) -> str:
        """The name as the command line takes it, such as `critic`, `instructions/house` or `block:honesty`."""
        return ItemName(self.kind, self.name).label if self.kind in MANIFEST_KINDS else f"{self.kind}:{self.name}"

    @property
    def noun(self) -> str:
        """What messages call it."""
        return MANIFEST_KINDS[self.kind].noun if self.kind in MANIFEST_KINDS else self.kind

    @property
    def one(self) -> str:
        """What messages call one of its kind: "an agent" or "a block"."""
        return f"{'an' if self.noun[0] in 'ai' else 'a'} {self.noun}"


class _Row(NamedTuple):
    """A kind of names with a prefix: the names of a kit, what a name must be, and what it can be written with."""

    known: Callable[[LoadedKit], Iterable[str]]
    shape: Shape
    mark: str = ""


def value_names(kit: LoadedKit) -> Iterator[str]:
    """Yield the names of the values that the settings and the manifests set. They can repeat."""
    tables = [kit.settings_table, *(kit.read_manifest(file).data for file in kit.manifests)]
    return chain.from_iterable(names for data in tables for _, names in value_tables(data))


_ROWS: Mapping[str, _Row] = {
    BLOCK: _Row(lambda kit: kit.block_names, BLOCK_NAME),
    BUNDLE_KIND: _Row(lambda kit: kit.settings.bundles, BUNDLE_NAME, BUNDLE),
    VALUE: _Row(value_names, _VALUE_NAME),
}


def known_names(kit: LoadedKit) -> Iterator[str]:
    """Yield the labels of everything that a kit names."""
    for kind in MANIFEST_KINDS.values():
        yield from (ItemName(kind.name, name).label for name in kit.manifest_files.named(kind))
    for prefix, row in _ROWS.items():
        yield from (f"{prefix}:{name}" for name in dict.fromkeys(row.known(kit)))


def named(kit: LoadedKit, text: str) -> Name:
    """Return what a text such as `critic`, `instructions/house` or `block:honesty` names in a kit.

    A manifest can also be given by its path, and with `agent:`, or another kind, before its name.

    Raises:
        AssembleError: it names nothing, or several manifests.
    """
    prefix, colon, rest = text.partition(":")
    if colon and prefix in _ROWS:
        name = _without_mark(prefix, rest)
        if name in _ROWS[prefix].known(kit):
            return Name(prefix, name)
        raise _unknown(kit, Name(prefix, name))
    if colon and prefix in MANIFEST_KINDS:
        text = f"{MANIFEST_KINDS[prefix].folder}/{rest}"
    elif colon:
        known = (*_ROWS, *MANIFEST_KINDS)
        hint = did_you_mean(prefix, known, "write the name of an agent, or block:NAME, bundle:NAME or value:NAME")
        raise AssembleError(f"`{text}` has an unknown kind, `{prefix}`", hint)
    files = files_named(kit, text)
    if len(files) > 1:
        names = (file.removesuffix(".toml") for file in files)
        raise AssembleError(f"several manifests have the name `{text}`", f"write {listed(names, joint='or')}")
    if not files:
        folder, _, name = text.rpartition("/")
        kind = next((each.name for each in MANIFEST_KINDS.values() if each.folder == folder), "")
        raise _unknown(kit, Name(kind, name) if kind else Name(AGENT.name, text))
    return _of_manifest(kit, files[0])


def _of_manifest(kit: LoadedKit, file: str) -> Name:
    kind = kit.manifest_files.kind_of(file)
    if same := kit.manifest_files.namesakes(kind).get(stem(file)):
        raise AssembleError(f"several manifests have the name `{stem(file)}`: {', '.join(same)}", "rename one by hand")
    return Name(kind.name, stem(file), file)


def _without_mark(prefix: str, name: str) -> str:
    mark = _ROWS[prefix].mark if prefix in _ROWS else ""
    return name.removeprefix(mark) if mark else name


def _unknown(kit: LoadedKit, name: Name) -> AssembleError:
    known = frozenset(known_names(kit))
    alike = [each for each in sorted(known) if each.rpartition(":")[2].rpartition("/")[2] == name.name]
    hint = f"did you mean `{alike[0]}`?" if alike else did_you_mean(name.label, known)
    if name.kind == BLOCK and (mark := next((each for each in (SECTION_MARK, VARIANT_MARK) if each in name.name), "")):
        whole = f"{BLOCK}:{name.name.partition(mark)[0]}"
        what = "a section is named by its heading" if mark == SECTION_MARK else "a variant is named like its block"
        return AssembleError(f"`{name.label}` is not a whole block", f"{what}; name the block: `{whole}`")
    options = f" --kind {name.kind}" if name.kind in MANIFEST_KINDS and name.kind != AGENT.name else ""
    hint = hint or f"`assemble list{options}` lists what the kit has"
    return AssembleError(f"unknown {name.noun} `{name.name}`", hint)


def new_name(kit: LoadedKit, old: Name, text: str) -> Name:
    """Return the new name of something, given as for `named` or without a kind.

    Raises:
        AssembleError: the name is invalid, taken, or of another kind.
    """
    prefix, colon, rest = text.partition(":")
    if colon and prefix != old.kind:
        raise AssembleError(f"`{old.label}` cannot become `{text}`", f"{old.one} stays {old.one}")
    name = _without_mark(old.kind, rest if colon else text)
    if old.file:
        name = name.removeprefix(f"{MANIFEST_KINDS[old.kind].folder}/")
    file = normalize(f"{os.path.dirname(old.file)}/{name}.toml") if old.file else ""
    new = Name(old.kind, name, file)
    shape = _ROWS[old.kind].shape if old.kind in _ROWS else MANIFEST_NAME
    if not fits(shape, name) or (old.file and name.endswith(".toml")):
        raise AssembleError(f"`{name}` is not a valid name for {old.one}: it must be {_expects(old)}")
    if name == old.name:
        raise AssembleError(f"`{old.label}` already has this name")
    if reason := _taken(kit, new):
        raise AssembleError(f"the {old.noun} cannot be called `{name}`: {reason}", "choose another name")
    return new


def _expects(name: Name) -> str:
    return _ROWS[name.kind].shape.expects if name.kind in _ROWS else f"{MANIFEST_NAME.expects}, and without `.toml`"


def unused_name(wanted: str, taken: Container[str]) -> str:
    """Return a name that is not taken: the wanted one, or the first with a number, from 2."""
    return next(name for name in chain([wanted], (f"{wanted}-{number}" for number in count(2))) if name not in taken)


def _taken(kit: LoadedKit, new: Name) -> str:
    """Why something cannot get a name in a kit, or "" if it can."""
    if new.kind in MANIFEST_KINDS:
        file = kit.manifest_files.named(MANIFEST_KINDS[new.kind]).get(new.name)
        if new.kind == "agent" and new.name in kit.settings.external_agents:
            return "the setting `external-agents` has an agent of this name"
        return f"{file} has this name" if file else ""
    if new.name in _ROWS[new.kind].known(kit):
        return f"there is already a {new.noun} of this name"
    if new.kind == BLOCK and (variants := kit.blocks.clients(new.name)):
        return f"{next(iter(variants.values()))} would become a variant of it"
    return ""
