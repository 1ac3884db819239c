"""Rules about the bundles of blocks in a kit's settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kei_assembler.diagnostics import KeyPath, Severity
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.blocks import split_entry
from kei_assembler.model.inheritance import BUNDLE, is_bundle
from kei_assembler.model.settings import BUNDLE_NAME
from kei_assembler.rules.definition import Fixable, Violation, rule
from kei_assembler.rules.hints import did_you_mean_block, entries_of, meant_entry
from kei_assembler.rules.inheritance import meant_bundle, nearest_bundle
from kei_assembler.rules.remedies import replacing_setting
from kei_assembler.rules.repetitions import repeats
from kei_assembler.validation import fits


def _lists(kit: LoadedKit) -> Iterator[tuple[KeyPath, Sequence[str]]]:
    """Yield the lists of blocks in the settings, with their paths."""
    yield from kit.obligatory_lists()
    for name, entries in kit.settings.bundles.items():
        yield kit.settings_path("bundles", name), entries


@rule("C717", fixable=Fixable.EITHER)
def unknown_bundle_in_settings(kit: LoadedKit) -> Iterable[Violation]:
    """A list of blocks in the settings has a bundle that does not exist.

    Fails::

        # assemble.toml
        [bundles]
        careful = ["baseline"]
        implementer = ["@carefull"]

        # _blocks/baseline.md
        Be honest.

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["@implementer"]

    Passes::

        # assemble.toml
        [bundles]
        careful = ["baseline"]
        implementer = ["@careful"]

        # _blocks/baseline.md
        Be honest.

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["@implementer"]
    """
    for path, entries in _lists(kit):
        for index, entry in enumerate(entries):
            name = entry.removeprefix(BUNDLE)
            if is_bundle(entry) and name not in kit.settings.bundles:
                where, match = (*path, index), nearest_bundle(kit, name)
                remedy = replacing_setting(kit, where, entry, match, entries_of(kit, entry))
                yield Violation(where, f"unknown bundle `{entry}`", meant_bundle(kit, name), remedy=remedy)


@rule("C718")
def circular_bundle(kit: LoadedKit) -> Iterable[Violation]:
    """A bundle contains itself, directly or through other bundles.

    Fails::

        # assemble.toml
        [bundles]
        careful = ["baseline", "@implementer"]
        implementer = ["@careful"]

        # _blocks/baseline.md
        Be honest.

    Passes::

        # assemble.toml
        [bundles]
        careful = ["baseline"]
        implementer = ["@careful"]

        # _blocks/baseline.md
        Be honest.

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["@implementer"]
    """
    bundles = kit.settings.bundles
    finished: set[str] = set()
    for start in bundles:
        if start in finished:
            continue
        # the names on the way to where the search is, each with what is left of its entries
        open_bundles = {start: enumerate(bundles[start])}
        while open_bundles:
            name = next(reversed(open_bundles))
            index, entry = next(open_bundles[name], (0, ""))
            inner = entry.removeprefix(BUNDLE)
            if not entry:
                open_bundles.popitem()
                finished.add(name)
            elif is_bundle(entry) and inner in open_bundles:
                names = list(open_bundles)
                way = " → ".join(f"`{BUNDLE}{each}`" for each in (*names[names.index(inner) :], inner))
                path = kit.settings_path("bundles", name, index)
                yield Violation(path, f"the bundle `{entry}` contains itself: {way}", "remove one of these entries")
            elif is_bundle(entry) and inner in bundles and inner not in finished:
                open_bundles[inner] = enumerate(bundles[inner])


@rule("C727", fixable=Fixable.EITHER)
def unknown_block_in_bundle(kit: LoadedKit) -> Iterable[Violation]:
    """A bundle lists a block that does not exist.

    Fails::

        # assemble.toml
        [bundles]
        careful = ["baselin"]

        # _blocks/baseline.md
        Be honest.

    Passes::

        # assemble.toml
        [bundles]
        careful = ["baseline"]

        # _blocks/baseline.md
        Be honest.

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["@careful"]
    """
    for name, entries in kit.settings.bundles.items():
        for index, entry in enumerate(entries):
            if not is_bundle(entry) and not kit.blocks.files(split_entry(entry)[0]):
                path, hint = kit.settings_path("bundles", name, index), did_you_mean_block(kit, entry)
                remedy = replacing_setting(kit, path, entry, meant_entry(kit, entry), entries_of(kit, entry))
                yield Violation(path, f"unknown block `{entry}`", hint, remedy=remedy)


@rule("C728", fixable=Fixable.SAFELY)
def repeated_in_bundle(kit: LoadedKit) -> Iterable[Violation]:
    """A bundle lists an entry twice, or its name is not valid.

    Fails::

        # assemble.toml
        [bundles]
        careful = ["baseline", "baseline"]

        # _blocks/baseline.md
        Be honest.

    Passes::

        # assemble.toml
        [bundles]
        careful = ["baseline"]

        # _blocks/baseline.md
        Be honest.

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["@careful"]
    """
    for name, entries in kit.settings.bundles.items():
        path = kit.settings_path("bundles", name)
        if not fits(BUNDLE_NAME, name):
            yield Violation(path, f"a bundle must have {BUNDLE_NAME.expects}", f"rename `{name}`")
        yield from repeats(path, entries)


@rule("C729", Severity.NOTE)
def unused_bundle(kit: LoadedKit, used: frozenset[str]) -> Iterable[Violation]:
    """No manifest uses a bundle.

    Only reported when all manifests are checked.

    Fails::

        # assemble.toml
        [bundles]
        careful = ["baseline"]

        # _blocks/baseline.md
        Be honest.

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

    Passes::

        # assemble.toml
        [bundles]
        careful = ["baseline"]

        # _blocks/baseline.md
        Be honest.

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["@careful"]
    """
    for name in kit.settings.bundles:
        if name not in used:
            path = kit.settings_path("bundles", name)
            yield Violation(
                path, f"no manifest uses the bundle `{BUNDLE}{name}`", "list it in a manifest, or delete it"
            )


def used_bundles(kit: LoadedKit, listed: Iterable[str]) -> frozenset[str]:
    """Return the bundles that the obligatory blocks or one of the listed bundles contain, and these bundles."""
    obligatory = (entry for _, entries in kit.obligatory_lists() for entry in entries if is_bundle(entry))
    return bundles_in(kit, (*listed, *(entry.removeprefix(BUNDLE) for entry in obligatory)))


def bundles_in(kit: LoadedKit, listed: Iterable[str]) -> frozenset[str]:
    """Return the bundles that one of the listed bundles contains, and these bundles."""
    waiting = [*listed]
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in found and name in kit.settings.bundles:
            found.add(name)
            waiting += [entry.removeprefix(BUNDLE) for entry in kit.settings.bundles[name] if is_bundle(entry)]
    return frozenset(found)


OF_SETTINGS = (repeated_in_bundle, unknown_bundle_in_settings, circular_bundle, unknown_block_in_bundle)
"""The rules about the bundles, in the order in which they rely on each other."""
