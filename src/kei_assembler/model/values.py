"""The values of a manifest, and its texts filled with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from kei_assembler.diagnostics import KeyPath
from kei_assembler.markdown.placeholders import (
    Filling,
    Value,
    Values,
    fill_plain,
    line_value,
    may_have_placeholders,
)
from kei_assembler.model.manifest import Manifest, References

if TYPE_CHECKING:
    from kei_assembler.markdown.filling import MarkdownText

WORD = "x"
"""What an invalid value counts as, so that it is reported only once."""

_MAX_CACHED = 100_000

Fill = Callable[[str, Values], Filling]


def values_for(manifest: Manifest, target: str) -> Values:
    """Return the values that fill a manifest's texts for a target."""
    own = own_values(manifest, target)
    return _Converted({**manifest.values, **own} if own else manifest.values)


class _Converted(Mapping[str, Value]):
    """Values as parsed from TOML, each converted when it is used: a manifest can inherit many, and use few."""

    def __init__(self, parsed: Mapping[str, Any]) -> None:
        self._parsed = parsed
        self._converted: dict[str, Value] = {}

    def __getitem__(self, name: str) -> Value:
        if name not in self._converted:
            self._converted[name] = as_value(self._parsed[name])
        return self._converted[name]

    def __contains__(self, name: object) -> bool:
        return name in self._parsed

    def __iter__(self) -> Iterator[str]:
        return iter(self._parsed)

    def __len__(self) -> int:
        return len(self._parsed)


def values_by_target(manifest: Manifest, targets: Iterable[str]) -> Mapping[str, Values]:
    """Return the values for the targets with values of their own, and for "" those for all other targets."""
    own = [target for target in targets if own_values(manifest, target)] if manifest.target else ()
    return {"": values_for(manifest, ""), **{target: values_for(manifest, target) for target in own}}


def own_values(manifest: Manifest, target: str) -> Mapping[str, Any]:
    """Return the values that a manifest only has for a target, as parsed from TOML."""
    return _table(manifest.target.get(target, {}).get("values")) if manifest.target else {}


def path_of_value(manifest: Manifest, target: str, name: str) -> KeyPath:
    """Return the key path of the value that fills placeholders of this name for a target."""
    return ("target", target, "values", name) if name in own_values(manifest, target) else ("values", name)


def value_tables(data: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Mapping[str, Any]]]:
    """Yield the tables of values in a manifest as parsed from TOML, with their key paths, the general one first."""
    targets = _table(data.get("target")).items() if "target" in data else ()
    tables: list[tuple[KeyPath, Any]] = [(("values",), data.get("values"))]
    tables += [(("target", target, "values"), _table(table).get("values")) for target, table in targets]
    yield from ((path, table) for path, table in tables if isinstance(table, Mapping))


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def as_value(value: Any) -> Value:
    """Return a value as parsed from TOML in the form in which it fills texts."""
    if isinstance(value, str):
        return line_value(value) or WORD
    if isinstance(value, list | tuple):
        return tuple(entry if isinstance(entry, str) and entry else WORD for entry in value)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else WORD


def texts_of(manifest: Manifest) -> Iterator[tuple[KeyPath, str, Fill]]:
    """Yield the texts of a manifest that values can fill, with their key paths and the functions that fill them."""
    yield ("description",), manifest.description, fill_plain
    yield ("role",), manifest.role, fill_markdown
    for index, handoff in enumerate(manifest.handoff):
        yield ("handoff", index, "trigger"), handoff.trigger, _fill_line
    for key in ("domain_in", "forbidden_domain"):
        yield from _entries((key,), getattr(manifest, key), _fill_entry)
    yield from _entries(("output_extra_fields",), manifest.output_extra_fields, _fill_plain_entry)
    yield from _entries(("references", "extra"), manifest.references.extra, _fill_entry)
    for key, value in manifest.extra.items():
        if isinstance(value, str):
            yield (key,), value, _fill_line
        elif isinstance(value, tuple):
            yield from _entries((key,), value, _fill_entry)


def _entries(path: KeyPath, entries: tuple[Any, ...], fill: Fill) -> Iterator[tuple[KeyPath, str, Fill]]:
    for index, entry in enumerate(entries):
        if isinstance(entry, str):
            yield (*path, index), entry, fill


def has_placeholders(manifest: Manifest) -> bool:
    """Return whether a text of a manifest could have placeholders."""
    texts = [
        manifest.description,
        manifest.role,
        *manifest.domain_in,
        *manifest.forbidden_domain,
        *manifest.output_extra_fields,
        *manifest.references.extra,
        *[handoff.trigger for handoff in manifest.handoff],
    ]
    if manifest.extra:
        texts += [text for _, text, _ in texts_of(manifest)]
    return may_have_placeholders("\n".join(texts))  # one search is faster than one for each text


def _fill_line(text: str, values: Values) -> Filling:
    from kei_assembler.markdown.filling import fill_entry  # few manifests have placeholders

    return fill_entry(text, values)


def _fill_entry(text: str, values: Values) -> Filling:
    from kei_assembler.markdown.filling import fill_entry

    return fill_entry(text, values, is_entry=True)


def _fill_plain_entry(text: str, values: Values) -> Filling:
    return fill_plain(text, values, is_entry=True)


PLAIN = (fill_plain, _fill_plain_entry)
"""The functions that fill texts which are not Markdown, so that they have no code."""


def fill_markdown(text: str, values: Values) -> Filling:
    """Return a Markdown text, such as a block, filled with values."""
    return markdown_text(text).fill(values)


def markdown_text(text: str) -> MarkdownText:
    """Return a Markdown text, split at its placeholders. Those of the last texts are kept."""
    return _markdown_text(text) if len(text) <= _MAX_CACHED else _long_markdown_text(text)


@lru_cache(maxsize=128)
def _markdown_text(text: str) -> MarkdownText:
    from kei_assembler.markdown.filling import MarkdownText

    return MarkdownText(text)


@lru_cache(maxsize=1)
def _long_markdown_text(text: str) -> MarkdownText:
    return _markdown_text.__wrapped__(text)


def filled(manifest: Manifest, values: Values) -> Manifest:
    """Return a manifest whose texts are filled with values. A placeholder that cannot be filled stays.

    A manifest without placeholders is returned as it is.
    """
    if not has_placeholders(manifest):
        return manifest

    def of(text: str, fill: Fill) -> tuple[str, ...]:
        return fill(text, values).texts if may_have_placeholders(text) else (text,)

    def entries(texts: tuple[str, ...], fill: Fill) -> tuple[str, ...]:
        if not may_have_placeholders("".join(texts)):
            return texts
        return tuple(each for text in texts for each in of(text, fill))

    def of_extra(value: Any) -> Any:
        if isinstance(value, str):
            return of(value, _fill_line)[0]
        is_list = isinstance(value, tuple) and all(isinstance(entry, str) for entry in value)
        return entries(value, _fill_entry) if is_list else value

    return manifest._replace(
        description=of(manifest.description, fill_plain)[0],
        role=of(manifest.role, fill_markdown)[0],
        domain_in=entries(manifest.domain_in, _fill_entry),
        forbidden_domain=entries(manifest.forbidden_domain, _fill_entry),
        output_extra_fields=entries(manifest.output_extra_fields, _fill_plain_entry),
        handoff=tuple(each._replace(trigger=of(each.trigger, _fill_line)[0]) for each in manifest.handoff),
        references=References(entries(manifest.references.extra, _fill_entry)),
        extra={key: of_extra(value) for key, value in manifest.extra.items()},
    )


def filled_description(manifest: Manifest, target: str) -> str:
    """Return the description of a manifest for a target."""
    text = manifest.description
    return fill_plain(text, values_for(manifest, target)).text if may_have_placeholders(text) else text
