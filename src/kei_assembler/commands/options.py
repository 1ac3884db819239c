"""Options that several commands have, and the choices of which a mistyped one gets the nearest as a hint."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kei_assembler.commands import completing
from kei_assembler.suggestions import did_you_mean
from kei_assembler.targets import TARGETS

if TYPE_CHECKING:
    _Choice = click.Choice[str]
else:
    _Choice = click.Choice  # older ones than 8.4 take no type

Function = TypeVar("Function", bound=Callable[..., Any])


class OneOf(_Choice):
    """One of some words."""

    def __init__(self, words: Iterable[str]) -> None:
        super().__init__(list(words))

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the word. Raises click.BadParameter for any other, with the nearest one if there is one."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            hint = did_you_mean(str(value), self.choices)
            self.fail(f"{error.message.rstrip('.')}; {hint}" if hint else error.message, param, ctx)


def several(
    option: str, key: str, metavar: str, what: str, complete: Callable[..., Any]
) -> Callable[[Function], Function]:
    """Let a command have an option that may be given several times, `key` in its arguments."""
    words = f"{what}; may be given several times."
    return click.option(option, key, multiple=True, metavar=metavar, help=words, shell_complete=complete)


def target_option(function: Function) -> Function:
    """Let a command keep to some targets, `targets`."""
    words = "Keep to one AI tool; may be given several times. `assemble targets` lists them."
    return click.option("--target", "targets", multiple=True, type=OneOf(TARGETS), metavar="NAME", help=words)(function)


def kit_option(function: Function) -> Function:
    """Let a command be about the kit in a `folder`."""
    words = "The kit's folder, instead of the nearest one upwards."
    return click.option("--kit", "folder", metavar="DIR", help=words, shell_complete=completing.folders)(function)
