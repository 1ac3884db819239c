"""All rules by their codes, and their documentation as `assemble explain` prints it."""

from __future__ import annotations

import inspect
import re
import textwrap
from importlib import import_module
from pkgutil import iter_modules

from kei_assembler import rules
from kei_assembler.diagnostics import Diagnostic
from kei_assembler.kit import LoadedKit
from kei_assembler.records import NamedTuple
from kei_assembler.rules.definition import Rule
from kei_assembler.rules.runner import run_rule
from kei_assembler.rules.settings import unknown_ignore
from kei_assembler.targets.sentences import SENTENCES

FAMILIES = {
    "S": "Syntax",
    "K": "Keys and types",
    "E": "Bases and bundles",
    "B": "Blocks",
    "H": "Handoffs",
    "T": "Text safety",
    "V": "Values",
    "R": "Rights",
    "L": "Limits",
    "O": "Outputs",
    "C": "Settings",
    "I": "Import",
}


class Documentation(NamedTuple):
    """A rule's documentation: the problem in one sentence, more about it, and an example that fails and that passes."""

    title: str
    text: str
    fails: str
    passes: str


def documentation(rule: Rule) -> Documentation:
    """Return a rule's documentation, read from the docstring of its check."""
    whole = inspect.getdoc(rule.check) or ""
    prose, fails, passes = (part.strip("\n") for part in re.split(r"^(?:Fails|Passes)::\n", whole, flags=re.MULTILINE))
    title, _, text = prose.partition("\n\n")
    text = "\n\n".join(map(_with_clients, text.split("\n\n")))
    return Documentation(" ".join(title.split()), text, inspect.cleandoc(fails), inspect.cleandoc(passes))


def _with_clients(paragraph: str) -> str:
    """Put lists of clients in a paragraph where it names them."""
    joined = paragraph.replace("\n", " ")
    for name, text in SENTENCES.items():
        joined = joined.replace(f"<{name}>", text)
    return paragraph if joined == paragraph.replace("\n", " ") else textwrap.fill(joined, 116, break_on_hyphens=False)


def explain(rule: Rule) -> str:
    """Return a rule's documentation as Markdown."""
    title, text, fails, passes = documentation(rule)
    parts = [
        f"## {rule.code} {rule.name}",
        f"*{rule.severity.word}* · {title}",
        text,
        str(rule.fixable),
        "You can silence it with the setting `ignore`." if rule.may_ignore else "You cannot silence it.",
        f"Fails:\n\n{_fenced(fails)}",
        f"Passes:\n\n{_fenced(passes)}",
    ]
    return "\n\n".join(filter(None, parts)) + "\n"


def _fenced(example: str) -> str:
    return f"````text\n{example}\n````"


def reference() -> str:
    """Return the documentation of all rules as one Markdown page."""
    pages = ["# Diagnostics\n", _PREFACE]
    for letter, family in FAMILIES.items():
        members = [rule for code, rule in RULES.items() if code.startswith(letter)]
        pages += [f"# {family}\n", *map(explain, members)]
    return "\n".join(pages)


_PREFACE = """\
Every finding has a code. `assemble explain CODE` prints its section of this page. If there is an *error*, nothing is
written. A *warning* only prevents writing with `--strict`, and a *note* never does. `make docs` generates this page.

Some findings have a [fix](fixes.md): `assemble --fix` turns the example that fails into the one that passes, if the
section mentions the option. A code can have other findings without a fix.

In the examples, a line `# PATH` starts a file of the kit. An example without such a line is `agents/critic.toml`.
"""


# a rule is found by being in a module of this package: a new one does not have to be listed anywhere
_FAMILY_MODULES = {module.name for module in iter_modules(rules.__path__)} - {"catalog"}
_FAMILY_VALUES = [vars(import_module(f"{rules.__name__}.{name}")).values() for name in _FAMILY_MODULES]

RULES: dict[str, Rule] = dict(
    sorted((value.code, value) for values in _FAMILY_VALUES for value in values if isinstance(value, Rule))
)
"""Every rule by its code."""


def check_ignore(kit: LoadedKit) -> list[Diagnostic]:
    """Return the diagnostics for the setting `ignore`, which is checked here because it can name any rule."""
    return run_rule(unknown_ignore, kit.settings_source, kit, RULES) if kit.settings_source else []
