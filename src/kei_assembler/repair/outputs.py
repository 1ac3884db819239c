"""Let the outputs of a kit follow a change of its sources, each in the state that it is in.

An output that was up to date is up to date again, at its new path. One that was missing or out of date stays so. One
that somebody has edited is not touched: if the change concerns it, that is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kei_assembler.build.changes import DRIFT, PROTECTED, Change, FileStatus
from kei_assembler.build.kit_plan import plan_kit
from kei_assembler.build.run import Policy
from kei_assembler.diagnostics import AssembleError, Diagnostic, Severity, has_errors
from kei_assembler.kit import LoadedKit
from kei_assembler.loader import refuse_home
from kei_assembler.markdown.stamped_sections import edited, insertion, layout, removal, with_digest_of
from kei_assembler.records import NamedTuple
from kei_assembler.repair.draft import Draft, Move

_LEFTOVERS = (FileStatus.ORPHAN, FileStatus.UNMANAGED)


class Check(NamedTuple):
    """What a check of a whole kit finds: the findings about its sources and files, and the states of its outputs."""

    sources: tuple[Diagnostic, ...]
    files: tuple[Diagnostic, ...]
    changes: tuple[Change, ...]

    @property
    def found(self) -> tuple[Diagnostic, ...]:
        """All findings, except those that an output is out of date."""
        return (*self.sources, *self.files)

    @property
    def passes(self) -> bool:
        """Whether `assemble --all --check` exits with status 0."""
        return not has_errors(self.found) and not self.drift

    @property
    def drift(self) -> list[str]:
        """What is out of date: files, and sections of files."""
        return [change.shown for change in self.changes if change.status in DRIFT]

    def own(self, manifest: str) -> list[Change]:
        """Return the outputs of a manifest, in the order in which it is built. "" stands for none."""
        return [each for each in self._present if manifest and each.manifest == manifest]

    def others(self, manifest: str) -> list[Change]:
        """Return the outputs of all other manifests, and the schemas."""
        return [each for each in self._present if not manifest or each.manifest != manifest]

    @property
    def _present(self) -> Iterator[Change]:
        return (each for each in self.changes if each.status not in _LEFTOVERS)


def check(kit: LoadedKit) -> Check:
    """Check a whole kit. Nothing is written.

    Raises:
        AssembleError: a folder cannot be read, or the kit needs the home folder and may not use it.
    """
    refuse_home(kit)
    policy = Policy.of(kit)
    plan = plan_kit(kit, kit.manifests, True, policy.ignore)
    return Check(tuple(policy.weigh(plan.diagnostics)), tuple(policy.weigh(plan.about_files)), plan.changes)


def checked(kit: LoadedKit, doing: str) -> Check:
    """Return what `check` returns for a kit without errors in its sources.

    Raises:
        AssembleError: it has errors, which are in the error's diagnostics. `doing` says what they prevent.
    """
    found = check(kit)
    if has_errors(found.sources):
        raise AssembleError(f"the kit has errors; {doing}", "correct them first", found.sources)
    return found


class _Pair(NamedTuple):
    """An output before and after the change of the sources. `before` is None for a schema that was up to date."""

    before: Change | None
    after: Change

    @property
    def is_moved(self) -> bool:
        before, after = self
        return before is not None and (before.path, before.section) != (after.path, after.section)

    @property
    def is_changed(self) -> bool:
        """Whether the generated text differs."""
        before, after = self
        if before is None or before.status is FileStatus.UNCHANGED:
            return after.status is not FileStatus.UNCHANGED
        return after.status is not FileStatus.UNCHANGED and _generated(before) != _generated(after)


def _generated(change: Change) -> bytes | None:
    return change.edit.text if change.edit else change.after


def _pairs(before: Check, after: Check, old: str, new: str) -> Iterator[_Pair]:
    """Yield the outputs before and after the manifest `old` has become `new`. Both are empty if none has."""
    own = before.own(old), after.own(new)
    if old and len(own[0]) == len(own[1]):
        yield from map(_Pair, *own)
    known = {(each.path, each.section): each for each in before.others(old)}
    for each in after.others(new):
        previous = known.get((each.path, each.section))
        if previous or each.is_schema:
            yield _Pair(previous, each)


def changed_paths(before: Check, after: Check) -> list[str]:
    """Return the outputs whose generated text differs although no manifest got another name."""
    pairs = _pairs(before, after, "", "")
    return [pair.after.shown for pair in pairs if pair.is_changed and not pair.after.is_schema]


def follow(draft: Draft, before: Check, after: Check, old: str = "", new: str = "") -> list[str]:
    """Write and move the outputs in a draft. Return the paths of those that were out of date, and still are.

    `before` and `after` are the checks of the kit without and with the changes of its sources. The manifest `old` is
    then called `new`.

    Raises:
        AssembleError: an output that has to change was edited, or there is already a file at its new path.
    """
    left = []
    for pair in _pairs(before, after, old, new):
        status = pair.before.status if pair.before else FileStatus.UNCHANGED
        is_concerned = pair.is_moved or pair.is_changed
        if status in PROTECTED and is_concerned:
            raise _edited(pair)
        if status is FileStatus.UPDATE:
            left.append(pair.after.shown)
        if is_concerned and status in (FileStatus.UPDATE, FileStatus.UNCHANGED):
            _write(draft, pair, status is FileStatus.UPDATE)
    return left


def _edited(pair: _Pair) -> AssembleError:
    change = pair.before or pair.after
    what = "was edited by hand" if change.status is FileStatus.EDITED else "was not generated by this kit"
    hint = f"take what is right into the sources, then run: {change.fix_command()}"
    return AssembleError(f"{change.shown} {what}, and has to change", hint)


def _write(draft: Draft, pair: _Pair, is_stale: bool) -> None:
    """Write or move an output. A stale one only gets its new path and name."""
    before, after = pair
    if after.section:
        if pair.is_moved or not is_stale:
            _write_section(draft, pair, is_stale)
        return
    if pair.is_moved and before:
        draft.move(Move(before.path, after.path))
    if not is_stale:
        draft.put(after.path, after.after)


def _write_section(draft: Draft, pair: _Pair, is_stale: bool) -> None:
    content = draft.content(pair.after.path) or b""
    file, name = layout(content), pair.before.section if pair.before else pair.after.section
    generated = layout(pair.after.after or b"").sections[pair.after.section]
    section = (pair.after.after or b"")[generated.start : generated.end].replace(b"\r\n", b"\n")
    section = section if section.endswith(b"\n") else section + b"\n"
    if is_stale and (present := file.sections.get(name)):
        begin, end = with_digest_of(generated, present), section[:-1].rpartition(b"\n")[2]
        section = begin + b"\n" + present.text + end + b"\n"
    draft.put(pair.after.path, edited(content, [insertion(file, name, section)]))


def delete(draft: Draft, before: Check, manifest: str, force: bool) -> None:
    """Delete the outputs of a manifest in a draft. What this kit did not generate stays.

    Raises:
        AssembleError: an output was edited, and `force` is not set.
    """
    for change in before.own(manifest):
        if change.status is FileStatus.EDITED and not force:
            hint = "take what is right into other sources, then use --force to delete it"
            raise AssembleError(f"{change.shown} was edited by hand", hint)
        if change.status not in (FileStatus.CREATE, FileStatus.FOREIGN):
            _remove(draft, change)


def delete_orphans(draft: Draft, before: Check, after: Check) -> None:
    """Delete the intact outputs in a draft that are orphans only in the second check, such as imports of a section."""
    known = {(each.path, each.section) for each in before.changes if each.status is FileStatus.ORPHAN}
    for change in after.changes:
        is_new = change.status is FileStatus.ORPHAN and (change.path, change.section) not in known
        if is_new and change.intact:
            _remove(draft, change)


def _remove(draft: Draft, change: Change) -> None:
    if not change.section:
        draft.delete(change.path)
        return
    file = layout(draft.content(change.path) or b"")
    if change.section in file.sections:
        draft.put(change.path, edited(file.content, [removal(file, change.section)]))


def new_findings(before: Check, after: Check, renamed: Sequence[tuple[str, str]] = ()) -> list[Diagnostic]:
    """Return the errors and warnings of a check that the one before did not have.

    `renamed` are words that messages of the first check would now have differently.
    """
    known = [_signature(one, renamed) for one in before.found]
    found = []
    for one in after.found:
        signature = _signature(one, ())
        if signature in known:
            known.remove(signature)
        elif one.severity is not Severity.NOTE:
            found.append(one)
    return found


def settled(draft: Draft, before: Check, refusal: str, renamed: Sequence[tuple[str, str]] = ()) -> list[Diagnostic]:
    """Return the errors and warnings that the kit has only with a draft.

    Raises:
        AssembleError: they have errors, or a check of the kit passes only without the draft. `refusal` says so, if any.
    """
    after = check(draft.kit_with())
    found = new_findings(before, after, renamed)
    if refusal and (has_errors(found) or before.passes > after.passes):
        details = [f"{path} would be out of date" for path in after.drift if path not in before.drift]
        raise AssembleError(refusal, "", found, details)
    return found


def _signature(diagnostic: Diagnostic, renamed: Iterable[tuple[str, str]]) -> tuple[str, str]:
    message = diagnostic.message
    for old, new in renamed:
        message = message.replace(old, new)
    return diagnostic.code, message
