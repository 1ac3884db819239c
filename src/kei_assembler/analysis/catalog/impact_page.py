"""The page about the impact of a change."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from kei_assembler.analysis.catalog.contents import Contents
from kei_assembler.analysis.catalog.html import Html, element, joined
from kei_assembler.analysis.catalog.site import Page, headings, section, table
from kei_assembler.analysis.impact import phrases
from kei_assembler.analysis.impact.results import CHANGED, DELETED, Effect, Impact, Item
from kei_assembler.analysis.impact.text import cropped, generated

_MAX_LINES = 500
_MAX_NAMES = 20
_SIGNS = {"+": "added", "-": "removed", "@": "place"}


def impact_page(contents: Contents, impact: Impact) -> Page:
    """Return the page about what a change does to the agents of the kit."""
    parts = (
        _heading(impact),
        _rights(impact),
        _causes(contents, impact),
        _agents(contents, impact),
        *(_change(index, effect) for index, effect in enumerate(impact.effects)),
        _unused(impact),
    )
    return Page("impact.html", "Impact", joined(filter(None, parts), "\n"), "Impact")


def _heading(impact: Impact) -> Html:
    ends = ("From ", element("code", impact.since), " to ", element("code", impact.until), ": ")
    heading = element("p", *ends, phrases.summary(impact), ".", class_="quiet")
    missing = phrases.incomparable(impact)
    return joined((heading, element("p", element("strong", missing, "."))), "\n") if missing else heading


def _rights(impact: Impact) -> Html | None:
    found = phrases.rights(impact)
    if not found:
        return None
    items = (element("li", element("strong", right.text()) if right.is_gain else right.text()) for right in found)
    return section("rights", "Rights", element("ul", list(items)))


def _agent(contents: Contents, name: str) -> Html | str:
    return contents.item_link(name, "") if contents.has_page(name) else name


def _causes(contents: Contents, impact: Impact) -> Html | None:
    if not impact.effects:
        return None
    columns = headings(("Cause", ""), ("Lines", "number"), ("Affects", "wide"), ("Tokens", "wide"), ("Agents", ""))
    rows = [
        element(
            "tr",
            element("th", element("a", effect.change.cause.name, href=f"#change-{index}"), scope="row"),
            element("td", _lines(effect), class_="number"),
            element("td", phrases.reach(effect), class_="wide"),
            element("td", phrases.growth(effect) or "–", class_="wide"),
            element("td", _users(contents, effect.labels)),
        )
        for index, effect in enumerate(impact.effects)
    ]
    return section("causes", "Causes", table(columns, rows, "Changed sources"))


def _users(contents: Contents, names: Sequence[str]) -> Html:
    more = [f"and {len(names) - _MAX_NAMES:,} more"] if len(names) > _MAX_NAMES else []
    return joined((*(_agent(contents, name) for name in names[:_MAX_NAMES]), *more), ", ")


def _lines(effect: Effect) -> str:
    lines = phrases.lines(effect.change)
    return f"{lines}{phrases.status(effect.change)}" if lines else "–"


def _agents(contents: Contents, impact: Impact) -> Html | None:
    tables = []
    for kind, items in phrases.by_kind(impact.items):
        columns = headings((kind.name.capitalize(), ""), ("Change", ""), ("Tokens", ""), ("Clients", "wide"))
        rows = [_row(contents, item) for item in items]
        tables.append(section(kind.folder, kind.folder.capitalize(), table(columns, rows, f"Affected {kind.folder}")))
    return joined(tables, "\n") if tables else None


def _row(contents: Contents, item: Item) -> Html:
    name = item.named.label if item.status == DELETED else _agent(contents, item.named.label)
    return element(
        "tr",
        element("th", name, element("span", "; ".join(phrases.details(item)), class_="about"), scope="row"),
        element("td", item.status),
        element("td", phrases.tokens(item)),
        element("td", phrases.labels(item.targets), class_="wide"),
    )


def _change(index: int, effect: Effect) -> Html:
    """What a cause changes: the diff of the source, or the generated lines where that says more."""
    heading, lines = generated(effect)
    texts = [*_paper(effect.change.diff)]
    texts += [element("p", heading, class_="quiet"), *_paper(lines)] if heading else []
    note = "The whole source." if effect.change.status != CHANGED else "No line of a file."
    return section(f"change-{index}", effect.change.cause.name, *(texts or [element("p", note, class_="quiet")]))


def _paper(lines: Iterable[str]) -> Iterator[Html]:
    kept = [*cropped(lines, _MAX_LINES)]
    if kept:
        marked = (element("span", line, class_=_SIGNS.get(line[:1])) for line in kept)
        yield element("pre", Html("\n"), joined(marked, "\n"), class_="paper")


def _unused(impact: Impact) -> Html | None:
    if not impact.unused:
        return None
    items = (element("li", element("code", change.cause.name)) for change in impact.unused)
    return section("unused", "Changed without any effect", element("ul", list(items)))
