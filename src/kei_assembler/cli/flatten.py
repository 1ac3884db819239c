"""`assemble flatten`: print manifests with all that they inherit, or replace them with that."""

from __future__ import annotations

from collections.abc import Sequence

import click

from kei_assembler.build.result import Request, RunResult
from kei_assembler.cli import completion, console
from kei_assembler.cli.commands import COMMANDS, write
from kei_assembler.cli.options import kit_option
from kei_assembler.diagnostics import Diagnostic
from kei_assembler.kit import LoadedKit
from kei_assembler.loader import load_kit
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.paths import display_path
from kei_assembler.report import text_report
from kei_assembler.scaffold.flat_manifest import FlatManifest, flatten, replace
from kei_assembler.selection import files_of, locate_kits
from kei_assembler.suggestions import counted

Flattened = list[tuple[LoadedKit, list[FlatManifest]]]


@click.command("flatten")
@click.argument("manifests", nargs=-1, metavar="MANIFEST...", shell_complete=completion.manifests)
@click.option("--all", "all_", is_flag=True, help="Flatten all manifests of the kit.")
@click.option("--write", "writes", is_flag=True, help="Replace the manifests instead of printing their flat versions.")
@kit_option
def command(manifests: Sequence[str], all_: bool, writes: bool, folder: str | None) -> int:
    """Print manifests with all that they inherit, so that they need no bases, bundles or defaults.

    A flat manifest generates the same files. A comment after each value says where it comes from. The manifest's own
    comments are dropped, except those before its first key. A manifest that is already flat stays as it is.

    \b
    Examples:
      assemble flatten agents/critic.toml
      assemble flatten --write agents/critic.toml
    """
    if all_ and manifests:
        raise click.UsageError("--all flattens all manifests; name manifests or use --all, not both")
    if not all_ and not manifests:
        raise click.UsageError("name the manifests to flatten, or use --all")
    flattened: Flattened = []
    reports: list[str] = []
    kits = locate_kits(manifests, folder, COMMANDS)
    for located, named in kits.items():
        kit = load_kit(located)
        flat, found = flatten(kit, files_of(kit, named, COMMANDS) or kit.manifests, to_write=writes)
        flattened.append((kit, flat))
        if found:
            reports.append(_report(display_path(located) if len(kits) > 1 else "", found))
    if reports:
        write("", "".join(reports))
        return 1
    _write(flattened) if writes else _print(flattened)
    return 0


def _report(heading: str, found: Sequence[Diagnostic]) -> str:
    request = Request(heading=heading, colours=console.colours())
    return text_report.render(RunResult(request, tuple(found)))[1]


def _print(flattened: Flattened) -> None:
    texts = [(display_path(kit.path(one.file)), one.text) for kit, flat in flattened for one in flat]
    if len(texts) > 1:
        texts = [(path, f"# {shown(path)}\n{text}") for path, text in texts]
    out = "\n".join(text for _, text in texts)
    write(text_report.escaped(out) if console.acts_on_text() else out)


def _write(flattened: Flattened) -> None:
    count = sum(len(flat) for _, flat in flattened)
    changed = [display_path(kit.path(file)) for kit, flat in flattened for file in replace(kit, flat)]
    rest = count - len(changed)
    parts = [f"{number:,} {word}" for number, word in ((len(changed), "updated"), (rest, "unchanged")) if number]
    lines = "".join(f"updated {shown(path)}\n" for path in changed)
    write(lines, f"{counted(count, 'manifest')}{': ' if parts else ''}{', '.join(parts)}\n")
