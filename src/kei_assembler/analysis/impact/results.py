"""The impact of a change as plain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kei_assembler.diagnostics import Diagnostic
from kei_assembler.model.kinds import AGENT, ItemName
from kei_assembler.records import NamedTuple

NEW, DELETED, CHANGED, MOVED = "new", "deleted", "changed", "moved"
"""What happened to an agent or to a file. A file that moved can have another text, too."""

WORK_TREE = "the work tree"
"""The name of the state that is not a commit."""

SEVERAL = "several"
"""The kind of the cause of lines that cannot be told to come from a single one."""


class Cause(NamedTuple):
    """A source that changed: its kind, its file and, in the settings, the key.

    The kinds are `manifest`, `base`, `block`, `role`, `template`, `bundle`, `value` and `setting`. The kind `several`
    has no file.
    """

    kind: str
    file: str = ""
    key: str = ""

    @property
    def name(self) -> str:
        """The cause in a few words: its file, and its key if there is one."""
        return f"{self.file}: {self.key}" if self.key else self.file or "several causes"


class Share(NamedTuple):
    """The lines of an output that come from one cause, and about how many tokens they add; negative if fewer."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    tokens: int = 0


class Output(NamedTuple):
    """A generated file, or a section of a file, that changes.

    `named` is the item that it belongs to, and `targets` are the clients that read it. `path` is its path after the
    change, and `old_path` the one before. They are empty for a file that there is not. `keys` are the keys of the front
    matter that change, including those that are new or gone. `section` is the name of the section, or empty.
    """

    named: ItemName
    targets: tuple[str, ...]
    status: str
    path: str
    old_path: str
    shares: Mapping[Cause, Share] = {}
    keys: tuple[str, ...] = ()
    section: str = ""

    @property
    def target(self) -> str:
        """The first of its clients."""
        return self.targets[0]

    @property
    def present_path(self) -> str:
        """The path after the change or, for a deleted file, the one before it."""
        return self.path or self.old_path


class Gain(NamedTuple):
    """What an agent may do in a client: one of its tools, or a right such as `hooks: PostToolUse`."""

    name: str
    target: str


def targets_by_name(gains: Iterable[Gain]) -> dict[str, list[str]]:
    """Return the targets of the gains with each name, in their order."""
    targets: dict[str, list[str]] = {}
    for gain in gains:
        targets.setdefault(gain.name, []).append(gain.target)
    return targets


class Difference(NamedTuple):
    """What an agent has gained and lost."""

    added: tuple[Gain, ...] = ()
    removed: tuple[Gain, ...] = ()


class Model(NamedTuple):
    """A client's model for an agent before and after the change; empty for the client's default."""

    target: str
    before: str
    after: str


class Handoffs(NamedTuple):
    """The agents that an agent hands off to since the change, no longer, or for another reason."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()


class Item(NamedTuple):
    """An agent, or something else that a manifest is compiled to, that the change affects.

    `before` and `after` are about how many tokens its largest output has.
    """

    named: ItemName
    status: str
    outputs: tuple[Output, ...]
    before: int = 0
    after: int = 0
    tools: Difference = Difference()
    rights: Difference = Difference()
    models: tuple[Model, ...] = ()
    handoffs: Handoffs = Handoffs()

    @property
    def name(self) -> str:
        """Its name, which is unique within its kind."""
        return self.named.name

    @property
    def kind(self) -> str:
        """Its kind."""
        return self.named.kind

    @property
    def targets(self) -> tuple[str, ...]:
        """The clients whose files change."""
        return tuple(dict.fromkeys(target for output in self.outputs for target in output.targets))

    @property
    def causes(self) -> tuple[Cause, ...]:
        """The causes of the changes of its files, sorted."""
        return tuple(sorted({cause for output in self.outputs for cause in output.shares}))


class Change(NamedTuple):
    """A source that changed.

    `status` is `new`, `deleted` or `changed`. `diff` has the changed lines and some around them, as in a unified diff.
    It is empty for a source that is new or deleted. `added` and `removed` count lines of the source. `line` is the
    first changed line of the file as it is now, from 1.
    """

    cause: Cause
    status: str
    added: int
    removed: int
    diff: tuple[str, ...] = ()
    line: int = 1


class Effect(NamedTuple):
    """A change of a source and the outputs that it affects, sorted."""

    change: Change
    outputs: tuple[Output, ...]

    @property
    def items(self) -> tuple[ItemName, ...]:
        """The names of what it affects, sorted, agents first."""
        return tuple(sorted({output.named for output in self.outputs}))

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of what it affects as reports show them."""
        return tuple(named.label for named in self.items)

    @property
    def agents(self) -> tuple[str, ...]:
        """The names of the agents that it affects, sorted."""
        return tuple(named.name for named in self.items if named.kind == AGENT.name)

    @property
    def targets(self) -> tuple[str, ...]:
        """The clients whose files it affects, sorted."""
        return tuple(sorted({target for output in self.outputs for target in output.targets}))

    def share(self, output: Output) -> Share:
        """Return its share of an output."""
        return output.shares[self.change.cause]

    @property
    def tokens(self) -> int:
        """About how many tokens it adds to each output, on average."""
        total = sum(self.share(output).tokens for output in self.outputs)
        return round(total / len(self.outputs)) if self.outputs else 0


class Impact(NamedTuple):
    """The impact of the change between two states of a kit, `since` and `until`.

    Both are sorted: the `effects` by their causes, and the `items` by their names. `unused` are the changes of sources
    that affect no output. `errors` are those of items that cannot be built, which are `incomparable`, and `broken` are
    the names of those that could not be built before. These count as new. `kinds` are the kinds of items of the kit.
    """

    since: str
    until: str
    effects: tuple[Effect, ...]
    items: tuple[Item, ...]
    unused: tuple[Change, ...] = ()
    errors: tuple[Diagnostic, ...] = ()
    incomparable: tuple[ItemName, ...] = ()
    broken: tuple[ItemName, ...] = ()
    kinds: tuple[str, ...] = (AGENT.name,)
