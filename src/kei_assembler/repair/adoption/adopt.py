"""Adopt edits of generated files: find the edits of the sources, check that they are enough, and write them.

Afterwards, a build reproduces each of the edited files, except for its stamp. If that is not possible, nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from kei_assembler import lazy_re
from kei_assembler.build.changes import FileStatus
from kei_assembler.build.classify import classify, comment_of, text_of
from kei_assembler.build.kit_plan import plan_kit
from kei_assembler.build.ownership import digest_of, owns
from kei_assembler.build.run import Policy
from kei_assembler.build.section_files import classify_section
from kei_assembler.build.writer import OutputFiles
from kei_assembler.diagnostics import AssembleError, Diagnostic, Severity
from kei_assembler.files.write_record import Part
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.owners import Owned, generated_at
from kei_assembler.markdown import stamp
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.markdown.stamp import DIGITS
from kei_assembler.markdown.stamped_sections import layout
from kei_assembler.records import NamedTuple
from kei_assembler.render.renderer import Artifact
from kei_assembler.repair.adoption.changes import Candidate
from kei_assembler.repair.adoption.keys import ReadBack, changed_keys
from kei_assembler.repair.adoption.search import Left, search
from kei_assembler.repair.adoption.splitting import for_agent, for_target
from kei_assembler.repair.adoption.state import Generated, State, lines_of
from kei_assembler.repair.adoption.words import merged
from kei_assembler.repair.edits import FileChange, content_of, written

ONLY_HERE: Mapping[str, Callable[[State, Owned], State]] = {"agent": for_agent, "target": for_target}
"""What edits of shared blocks can be kept to, each with the function that does it."""

_DIGEST = lazy_re.compile(rf"sha256:(?P<digest>[0-9a-f]{{{DIGITS}}})")


class EditedOutput(NamedTuple):
    """An output that somebody has edited, the bytes of its file, and its lines, without the stamp.

    `generated` is what the sources generate, before any of them is edited.
    """

    one: Owned
    content: bytes
    lines: list[str]
    generated: Generated


class Refusal(NamedTuple):
    """Lines of a file that no source can be edited for, from `line` up to `last`, and why.

    Lines count from 1. If `last` is 0, there were lines before `line` that are gone.
    """

    path: str
    line: int
    last: int
    reason: str


class Adoption(NamedTuple):
    """The changes of sources, and those of the edited files, whose stamps change unless they are plain.

    `kit` has these changes. `digests` are those of the adopted parts. `errors` are new ones that a build would report.
    If there are `refusals`, only errors that explain them are.
    """

    kit: LoadedKit
    changes: tuple[FileChange, ...] = ()
    outputs: tuple[FileChange, ...] = ()
    digests: Mapping[Part, str] = {}
    refusals: tuple[Refusal, ...] = ()
    errors: tuple[Diagnostic, ...] = ()


def edited_outputs(kit: LoadedKit) -> list[Owned]:
    """Return the outputs of a kit that somebody has edited.

    Raises:
        AssembleError: a folder of the kit cannot be read, or the run may not use the home folder that it needs.
    """
    plan = plan_kit(kit, kit.manifests, True, Policy.of(kit).ignore)
    changes = [each for each in plan.changes if each.status is FileStatus.EDITED and not each.is_schema]
    return [
        one
        for each in changes
        for one in generated_at(kit, [each.path])
        if (one.output.path, one.output.section) == (each.path, each.section) and not one.output.imports
    ]


def adopt(
    kit: LoadedKit, outputs: Sequence[Owned], only_here: str = "", read_back: ReadBack = lambda *_: {}
) -> Adoption:
    """Return how the edits of some outputs can be adopted. Nothing is written. `only_here` is a key of `ONLY_HERE`.

    Without `read_back`, no keys of manifests are added or removed. Outputs that nobody has edited are left out.

    Raises:
        AssembleError: an output does not exist or was not generated, its sources have errors or have changed since, or
            a source cannot be read.
    """
    start = State(kit)
    edited = [each for one in outputs if (each := _edited(start, one))]
    state, refusals, errors = start, list[Refusal](), list[Diagnostic]()
    for each in edited:
        wanted = _goal(state, each)
        found = search(state, each.one, wanted, partial(_changed_keys, each, only_here, read_back), bool(only_here))
        refusals += (_refusal(each, left) for left in found.left)
        errors += found.errors
        state = found.state if not found.left else state
    if refusals:
        return Adoption(kit, refusals=tuple(refusals), errors=tuple(errors))
    if only_here and edited:
        state = ONLY_HERE[only_here](state, edited[0].one)
    if any(state.generated(each.one) is None for each in edited):
        return Adoption(kit, errors=_new_errors(kit, state))
    made = [_reproduced(state, each) for each in edited]
    changes = [FileChange(file, _before(kit, file), content) for file, content in sorted(state.contents.items())]
    changes = [each for each in changes if each.before != each.after]
    stamped = tuple(_stamped(state.kit, edited, made))
    digests = {(each.path, each.section): digest_of(each) for each in made}
    return Adoption(state.kit, tuple(changes), stamped, digests, errors=_new_errors(kit, state))


def write(kit: LoadedKit, adoption: Adoption) -> None:
    """Write the changed sources and the edited files with their new stamps: all of them, or none.

    Raises:
        AssembleError: a file cannot be written, or somebody else has changed it.
    """
    stamped = (each for each in adoption.outputs if each.before != each.after)
    with written(kit, [*adoption.changes, *stamped]):
        if kit.settings.has_plain_stamps:
            kit.writes.update(adoption.digests)


def _changed_keys(edited: EditedOutput, only_here: str, read_back: ReadBack, state: State) -> Iterator[Candidate]:
    """Yield the candidates for the keys in which an edited output differs from what a state generates."""
    one, generated = edited.one, state.generated(edited.one)
    if generated:
        before, after = (read_back(state.kit, one, each) for each in (generated.artifact.content, edited.content))
        yield from changed_keys(state.texts.source(one.manifest), one, before, after, only_here)


def _before(kit: LoadedKit, file: str) -> bytes | None:
    return content_of(kit, file) if kit.files.exists(kit.path(file)) else None


def _edited(state: State, one: Owned) -> EditedOutput | None:
    """Return an output with its edited lines, or None if nobody has edited it."""
    kit, path = state.kit, one.output.path
    generated = state.generated(one)
    if generated is None:
        raise AssembleError(f"`{one.manifest}` has errors, so nothing is generated from it")
    try:
        content = OutputFiles(kit).read(path)
    except OSError as error:
        raise AssembleError(f"`{path}` cannot be read: {error.strerror}") from error
    status = _status(kit, generated.artifact, content)
    if status is FileStatus.CREATE or content is None:
        raise AssembleError(f"`{path}` has not been generated yet", f"run: assemble{kit.command_options} --all")
    if status is FileStatus.FOREIGN:
        raise AssembleError(f"`{path}` was not generated from `{one.manifest}`")
    if status is not FileStatus.EDITED:
        return None
    if b"\0" in content or content.decode(errors="replace").encode() != content:
        raise AssembleError(f"`{path}` is not UTF-8 text")
    if not _is_up_to_date(kit, generated.artifact, content):
        raise AssembleError(
            f"the edit of `{path}` cannot be told from changes of its sources since it was generated",
            "undo the changes of the sources, adopt the edit, and make the changes again",
        )
    return EditedOutput(one, content, lines_of(generated.artifact, content), generated)


def _status(kit: LoadedKit, artifact: Artifact, content: bytes | None) -> FileStatus:
    if not artifact.section:
        return classify(kit, artifact, content).status
    change, problems = classify_section(kit, artifact, content)
    if any(each.severity is Severity.ERROR for each in problems):
        raise AssembleError(f"`{artifact.path}` cannot have generated sections as it is", diagnostics=problems)
    return change.status


def _is_up_to_date(kit: LoadedKit, artifact: Artifact, content: bytes) -> bool:
    """Return whether the sources still generate what they did before somebody edited the file or section."""
    if artifact.section:
        section = layout(content).sections[artifact.section]
        line, is_plain = section.begin.decode(errors="replace"), section.is_plain
    else:
        text, comment = text_of(content), comment_of(artifact.kind, artifact.target)
        mark, line = stamp.find(text, comment), stamp.split(text, comment)[0] or ""
        is_plain = mark is not None and mark.is_plain
    digest = digest_of(artifact)
    if is_plain:
        return owns(kit, (artifact.path, artifact.section), artifact.manifest, digest)
    found = [*_DIGEST.finditer(line)]
    return bool(found) and digest.startswith(found[-1]["digest"])


def _goal(state: State, edited: EditedOutput) -> list[str]:
    """Return the lines that an output is to get: the edited ones, with what edits of other files change in them."""
    generated = state.generated(edited.one)
    if generated is None or generated.lines == edited.generated.lines:
        return edited.lines
    goal = merged(edited.generated.lines, edited.lines, generated.lines)
    if goal is None:
        raise AssembleError(
            f"the edit of `{edited.one.output.path}` contradicts that of another file; nothing was changed",
            "name one of the files",
        )
    return goal


def _reproduced(state: State, edited: EditedOutput) -> Artifact:
    """Return the artifact of an edited output, which has all its edits.

    Raises:
        AssembleError: it has not.
    """
    generated = state.generated(edited.one)
    before, path = edited.generated.lines, edited.one.output.path
    if generated is None or merged(before, edited.lines, generated.lines) != generated.lines:
        raise AssembleError(f"a build would not reproduce the edit of `{path}`; nothing was changed")
    return generated.artifact


def _stamped(kit: LoadedKit, edited: Sequence[EditedOutput], made: Sequence[Artifact]) -> Iterator[FileChange]:
    """Yield the changes of the edited files, one for each file."""
    contents: dict[str, tuple[bytes, bytes]] = {}
    for each, artifact in zip(edited, made, strict=True):
        path = each.one.output.path
        before, present = contents.get(path, (each.content, each.content))
        change = classify_section(kit, artifact, present)[0] if artifact.section else classify(kit, artifact, present)
        contents[path] = before, present if change.after is None else change.after
    yield from (FileChange(path, *pair) for path, pair in contents.items())


def _new_errors(kit: LoadedKit, state: State) -> tuple[Diagnostic, ...]:
    """Return the errors that a build would report since the edits."""
    before, after = (_errors(each) for each in (kit, state.kit))
    known = {(each.code, each.location.file, each.message) for each in before}
    return tuple(each for each in after if (each.code, each.location.file, each.message) not in known)


def _errors(kit: LoadedKit) -> list[Diagnostic]:
    policy = Policy.of(kit)
    found = policy.weigh(plan_kit(kit, kit.manifests, True, policy.ignore).diagnostics)
    return [each for each in found if each.severity is Severity.ERROR]


def _refusal(edited: EditedOutput, left: Left) -> Refusal:
    """Return why a search could not reproduce some lines of an edited file."""
    path, numbers = edited.one.output.path, [_line(edited, number) for number in left.numbers]
    if left.written:
        text = shown(" ⏎ ".join(left.written)[:_MAX_SHOWN])
        return Refusal(path, _line(edited, left.numbers.start), max(numbers, default=0), f"a build writes here: {text}")
    if not numbers:
        return Refusal(path, _line(edited, left.numbers.start), 0, f"removed lines: {_reason(left)}")
    return Refusal(path, numbers[0], numbers[-1], _reason(left))


_MAX_SHOWN = 200


def _reason(left: Left) -> str:
    part = left.generated[0].parts[0] if left.generated else None
    if part and part.kind == "template":
        return f"text of the template {part.file}:{part.line}"
    values = [each.key for line in left.generated for each in line.parts if each.kind == "value"]
    if values and part and part.kind != "value":
        return f"no edit of {part.file}:{part.line} or {values[0]} gives exactly this text"
    if part and part.file:
        return f"no edit of {part.file}:{part.line} gives exactly this text"
    return "part of the format of the client"


def _line(edited: EditedOutput, number: int) -> int:
    """Return the number of a line of a file, from 1, for one without the stamp, from 0."""
    artifact = edited.generated.artifact
    if artifact.section:
        return layout(edited.content).sections[artifact.section].line + 1 + number
    text = text_of(edited.content)
    rest = stamp.split(text, comment_of(artifact.kind, artifact.target))[1]
    whole, without = text.split("\n"), rest.split("\n")
    before = next((at for at, pair in enumerate(zip(whole, without, strict=False)) if pair[0] != pair[1]), 0)
    return number + 1 + (number >= before)
