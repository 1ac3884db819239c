"""A kit whose texts try to run in the pages of its catalog, and a reader of these pages."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import NamedTuple

TOOL = "Bash(<script>alert(1)</script>:*)"
SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(1)>"
LINK = "javascript:alert(1)"


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


_DESCRIPTION = f"{SCRIPT} </title> \u202e bidi \u2028"
_ROLE = f"You are {{{{WHO}}}}. </script><script>alert(2)</script> --> ]]> [x]({LINK}) \u2028"
_TRIGGER = "'\"><script>alert(4)</script></svg></title>"


def _agent(name: str, other: str) -> str:
    return f"""\
name = "{name}"
description = {_text(f"{name} {_DESCRIPTION}")}
model = "opus"
tools = ["Read", {_text(TOOL)}]
role = {_text(_ROLE)}
blocks = ["@core", "house-rules#alert6"]
domain_in = [{_text(SCRIPT)}, "plain {{{{WHO}}}}"]

[[handoff]]
target = "{other}"
trigger = {_text(_TRIGGER)}

[[handoff]]
target = "stranger"
trigger = {_text(LINK)}
"""


HOSTILE_KIT = {
    "assemble.toml": f"""\
targets = ["claude-code", "codex", "opencode"]
ignore = ["K126", "K127", "O627"]
external-agents = ["stranger"]
allow-characters = {{ "U+2028" = "a test", "U+202E" = "a test" }}

[values]
WHO = {_text("</pre><script>alert(3)</script>")}

[bundles]
core = ["policy/no-push"]
""",
    "agents/critic.toml": _agent("critic", "a_b.c"),
    "agents/a_b.c.toml": _agent("a_b.c", "critic"),
    "agents/x--y.toml": _agent("x--y", "critic"),
    "_blocks/policy/no-push.md": "# NO PUSH\n\n<script>alert(5)</script></pre>\u202e\n",
    "_blocks/policy/no-push@codex.md": "# NO PUSH\n\n</pre><script>alert(7)</script>\n",
    "_blocks/policy-no-push.md": "# NO PUSH\n",
    "_blocks/house-rules.md": "# HOUSE RULES\n\n## <script>alert(6)</script>\n\nTest first.\n",
}
"""Files of a kit without errors."""

ELEMENTS = frozenset(
    """a b body button caption code dd defs div dl dt footer g h1 h2 h3 head header html input kbd li link main mark
    marker meta nav p path pre rect script search section small span svg table tbody td text th thead title tr ul
    """.split()
)
"""The elements that a page can have."""
_VOID = frozenset("circle input link meta path rect".split())
_URLS = ("href", "src", "action", "formaction", "data", "xlink:href", "srcset", "poster", "background")


class Tag(NamedTuple):
    """A start tag, and the tags around it, from the outside to the inside."""

    name: str
    attributes: dict[str, str]
    around: tuple[str, ...]


class Document(HTMLParser):
    """A page of a catalog: its tags, which have to be balanced, and its texts, each with the tags around it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[Tag] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self.declarations: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names))
        self.tags.append(Tag(tag, {name: value or "" for name, value in attrs}, tuple(self._open)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append((tuple(self._open), data))

    def handle_comment(self, data: str) -> None:
        self.declarations.append(data)

    def handle_decl(self, decl: str) -> None:
        self.declarations.append(decl)

    def text(self, name: str) -> str:
        """Return the text in all elements of this name."""
        return "".join(text for around, text in self.texts if name in around)

    def urls(self) -> list[str]:
        """Return what the page links to or loads."""
        return [tag.attributes[name] for tag in self.tags for name in _URLS if name in tag.attributes]
