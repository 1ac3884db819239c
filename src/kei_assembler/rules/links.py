"""Rules about links in the text of generated files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from kei_assembler.diagnostics import KeyPath, Location, Severity, Span
from kei_assembler.kit import LoadedKit
from kei_assembler.kit.blocks import Block
from kei_assembler.markdown.links import may_have_links, relative_links
from kei_assembler.paths import is_inside
from kei_assembler.records import NamedTuple
from kei_assembler.rules.definition import Violation, rule
from kei_assembler.rules.kit_usage import KitUsage
from kei_assembler.rules.manifest_context import ManifestContext
from kei_assembler.toml.source import span_of


class Writing(NamedTuple):
    """A text in a source, and the outputs that it is written to, one for each folder.

    `origin` is what the text belongs to, and `locate` returns the span of a part of it. `is_output` says whether a path
    is that of an output, which may not exist yet. `is_printed` says whether the
    part of the text at an offset is written.
    """

    kit: LoadedKit
    text: str
    origin: str
    file: str
    outputs: Iterable[str]
    locate: Callable[[int, int], Span | Location]
    is_output: Callable[[str], bool]
    is_printed: Callable[[int], bool] = lambda _: True


@rule("B210", Severity.NOTE)
def unresolved_link(writing: Writing) -> Iterable[Violation]:
    """A relative link in a block, a manifest or a role file does not lead to a file from where its text is written.

    Clients and readers resolve a link from the folder of the generated file, not from that of the source.

    Fails::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md
        Be honest, and [safe](safety.md).

    Passes::

        # agents/critic.toml
        name = "critic"
        description = "Reviews code."
        blocks = ["baseline"]

        # _blocks/baseline.md
        Be honest; [this rule](../_blocks/baseline.md) has no exceptions.
    """
    for path, start, end in relative_links(writing.text):
        for output in writing.outputs if writing.is_printed(start) else ():
            if not _exists(writing, os.path.normpath(os.path.join(os.path.dirname(output), path))):
                is_beside = _exists(writing, os.path.normpath(os.path.join(os.path.dirname(writing.file), path)))
                from_output = f"links are resolved from the generated file, not from the {writing.origin}"
                message = f"the link `{path}` leads nowhere from `{output}`"
                yield Violation(writing.locate(start, end), message, from_output if is_beside else "correct the path")
                break


def _exists(writing: Writing, path: str) -> bool:
    """Return whether a path exists or will be written. What is outside the root is not looked at, and also counts."""
    kit = writing.kit
    real = os.path.normpath(kit.path(path))
    if not is_inside(real, kit.root) or not kit.holds(real):
        return True
    return kit.files.exists(real) or writing.is_output(path.replace(os.sep, "/"))


def of_block(usage: KitUsage, block: Block) -> Writing:
    """Return the text of a block."""
    text = block.source.text

    def is_output(path: str) -> bool:
        return path in usage.outputs

    is_used = block.name in usage.blocks and may_have_links(text)
    outputs = tuple(usage.outputs_with(block)) if is_used else ()
    is_printed = partial(usage.is_printed, block)
    return Writing(usage.kit, text, "block", block.source.file, outputs, partial(span_of, text), is_output, is_printed)


def of_manifest(context: ManifestContext) -> Iterator[Writing]:
    """Yield the Markdown texts of a manifest that are written to its outputs as Markdown."""
    if not any(may_have_links(source.text) or source.has_escapes for source in context.sources()):
        return
    kit, file = context.kit, context.source.file
    targets = dict.fromkeys((*kit.targets_of(context.manifest), *kit.settings.targets))
    outputs = tuple({os.path.dirname(path): path for path in reversed([*context.outputs()])}.values())

    def is_output(path: str) -> bool:
        return any(kit.placement.is_output(target, path) for target in targets)

    for path, text in texts_of(context):
        role = context.role if path == ("role",) else None
        origin, written_in = ("role file", role.file) if role else ("manifest", context.resolved.origin(path).file)
        # other manifests can use the same text: the finding must be the same for all outputs of a folder
        places = outputs if written_in == file else tuple(f"{os.path.dirname(each) or '.'}/" for each in outputs)
        locate = partial(context.locate_text, path, text)
        yield Writing(kit, text, origin, written_in, places, locate, is_output)


def texts_of(context: ManifestContext) -> Iterator[tuple[KeyPath, str]]:
    """Yield the texts of a manifest that are written to its outputs as Markdown, with their paths."""
    data = context.data
    if context.fits("role") and isinstance(data.get("role"), str):
        yield ("role",), data["role"]
    for key in ("domain_in", "forbidden_domain"):
        if context.fits(key):
            yield from (((key, index), text) for index, text in enumerate(data.get(key, ())))
    if context.fits("handoff"):
        handoffs = enumerate(data.get("handoff", ()))
        yield from ((("handoff", index, "trigger"), handoff["trigger"]) for index, handoff in handoffs)


def joined_texts(context: ManifestContext) -> str:
    """Return the texts of `texts_of` in one. Texts that are not valid can be in it, too."""
    manifest = context.manifest
    triggers = [handoff.trigger for handoff in manifest.handoff]
    return "\0".join([manifest.role, *manifest.domain_in, *manifest.forbidden_domain, *triggers])
