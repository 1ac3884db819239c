"""Rules about paths that texts name in backticks."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache, partial

from kei_assembler import lazy_re
from kei_assembler.diagnostics import Severity
from kei_assembler.files.sparse_checkout import is_left_out
from kei_assembler.files.work_tree import git_top
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.outputs import up_to_root
from kei_assembler.paths import is_inside
from kei_assembler.rules.definition import Fixable, Remedy, Violation, rule
from kei_assembler.rules.mentions import PATH, Mention, Naming, outside_of_code
from kei_assembler.suggestions import Certainty, certainty, misspelled


@rule("B220", Severity.NOTE, fixable=Fixable.UNSAFELY)
def unknown_path(naming: Naming) -> Iterable[Violation]:
    """A text has the path of a file in backticks that exists nowhere in the work tree.

    This covers blocks, roles and other texts of manifests, except in code blocks. Paths have a folder and a suffix.
    They are looked up from the folders of the kit and of the generated files, and from those around the kit up to its
    root. If the root is not the whole work tree, only a path that resembles one in the same folder is reported.

    Otherwise, a path is not reported if a build of the kit writes the file, or if the sentence says that somebody
    writes it, that it may be missing, or that it is an example. The same goes for a path with a placeholder, in a
    folder of what builds make, such as `dist`, or in a sentence about a folder of another tool, such as `.circleci`.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        role = "You review code by the rules in `docs/reveiw.md`. Write what you find to `docs/findings.md`."

        # docs/review.md
        Be honest.

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        role = "You review code by the rules in `docs/review.md`. Write what you find to `docs/findings.md`."

        # docs/review.md
        Be honest.
    """
    kit = naming.kit
    mentions = outside_of_code(naming, PATH)[:_MAX_PATHS]
    if not mentions:
        return
    is_missing, similar = cache(partial(_is_missing, naming)), cache(partial(_similar, kit))
    for mention in mentions:
        if not is_missing(mention.name):
            continue
        match = similar(mention.name)
        if match or _is_reported(naming, mention):
            where = naming.locate(mention.start, mention.end)
            remedy = Remedy("written", where, (mention.name, match), is_safe=False) if match else None
            hint = f"did you mean `{match}`?" if match else "correct the path, or leave out the backticks"
            yield Violation(where, f"there is no file `{mention.name}`", hint, remedy=remedy)


_MAX_PATHS = 100
"""How many paths of a text are looked up."""

_MIN_STEM = 6
"""The least characters of a file's name without its suffix: short names are often similar."""


def _is_missing(naming: Naming, path: str) -> bool:
    """Return whether no folder that a path can be meant from has the file, and no build of the kit writes it."""
    kit = naming.kit
    if any(not kit.holds(os.path.join(top, path)) for top in (kit.folder, kit.root)):
        return False
    if any(kit.files.exists(os.path.join(top, path)) for top in (kit.folder, kit.root)):
        return False
    return not any(_exists(kit, folder, path) for folder in _folders(naming)) and path not in kit.placement.outputs


def _folders(naming: Naming) -> Iterator[str]:
    """Yield the folders around the kit up to its root, and those of the outputs. They are relative to the kit."""
    yield from up_to_root(naming.kit, ".")
    yield from dict.fromkeys(os.path.dirname(output) for output in naming.outputs())


def _exists(kit: LoadedKit, folder: str, path: str) -> bool:
    full = kit.output_path(os.path.join(folder, path))
    is_known = not folder.startswith(("/", "~")) and kit.holds(full)
    return not is_known or kit.files.exists(full) or is_left_out(kit.files, full)


def _similar(kit: LoadedKit, path: str) -> str | None:
    """Return the path of the file whose name a path probably misspells, or None. This reads the path's folder."""
    folder, _, name = path.rpartition("/")
    word, _, suffix = name.rpartition(".")
    if len(word) < _MIN_STEM:
        return None
    for top in dict.fromkeys((kit.folder, kit.root)):
        with suppress(OSError):
            files = [entry.name.rpartition(".") for entry in kit.files.list(os.path.join(top, folder))]
            stems = frozenset(stem for stem, _, other in files if other == suffix)
            match = misspelled(word, stems)
            if match and word.rstrip("s") != match.rstrip("s") and certainty(word, match, stems) is Certainty.CLEAR:
                return f"{folder}/{match}.{suffix}"
    return None


_TOLD = lazy_re.compile(
    r"(?i:(?<![a-z])(?:creat|writ|wrote|sav|stor|generat|produc|emit|output|append|record|log|add|put|cop|mov|renam"
    r"|export|dump|draft|example|such as|e\.g\.|instead of|if |any |each |optional|may |might |could |would ))"
)
"""What says that a file is still to be written, may be missing, or is an example."""

_END = lazy_re.compile(r"[.!?][ \n]|\n\n")
_PLACEHOLDER = lazy_re.compile(
    r"(?<![A-Za-z])(?:N{2,}|X{2,}|Y{2,}|MM|DD|NAME|DATE|ID|SLUG|TITLE|VERSION|TOPIC|PATH|FILE)(?![A-Za-z])"
    r"|(?i:(?<![a-z])(?:foo|bar|baz|example|examples|sample|your|my|some|path/to)(?![a-z]))"
)
_OF_TOOL = lazy_re.compile(r"`(\.[A-Za-z0-9_-]++)/")
_DOMAIN = lazy_re.compile(r"(?:[a-z0-9-]+\.)+[a-z]+/")
_MADE = frozenset(("build", "coverage", "dist", "node_modules", "out", "target", "tmp", "venv"))
"""Folders of what builds make, which git usually ignores."""

_MAX_SENTENCE = 240
"""How much of a sentence before and after a path is looked at."""


def _is_reported(naming: Naming, mention: Mention) -> bool:
    """Return whether a missing file should exist, and would be found if it existed."""
    kit, path = naming.kit, os.path.normpath(mention.name).replace(os.sep, "/")
    top = path.partition("/")[0]
    if _PLACEHOLDER.search(path) or _DOMAIN.match(path) or top in _MADE or "/" not in path:
        return False
    before = _END.split(naming.text[max(mention.start - _MAX_SENTENCE, 0) : mention.start])[-1]
    after = _END.split(naming.text[mention.end : mention.end + _MAX_SENTENCE])[0]
    if _TOLD.search(before) or _TOLD.search(after):
        return False
    folders = _OF_TOOL.findall(f"{before}{path}{after}")
    if any(not kit.files.is_folder(os.path.join(kit.root, folder)) for folder in folders):
        return False  # the sentence is about tools that others may have
    tree = git_top(kit.folder, kit.files)
    return tree is None or is_inside(kit.files.resolve(tree), kit.root)
