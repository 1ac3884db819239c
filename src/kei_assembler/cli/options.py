"""Options that several commands share, and choices that suggest the nearest word for a mistyped one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kei_assembler.cli import completion
from kei_assembler.targets import TARGETS, did_you_mean_target
from kei_assembler.targets.groups import GROUPS

if TYPE_CHECKING:
    _Choice = click.Choice[str]
else:
    _Choice = click.Choice  # before click 8.4, it is not generic

Function = TypeVar("Function", bound=Callable[..., Any])


class OneOf(_Choice):
    """A choice that suggests the nearest word for a mistyped one."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the word.

        Raises:
            click.BadParameter: it is not one of the choices. The message suggests the nearest one.
        """
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter as error:
            hint = did_you_mean_target(str(value), self.choices)
            self.fail(f"{error.message.rstrip('.')}; {hint}" if hint else error.message, param, ctx)


class OptionalValues(click.Command):
    """A command with options whose value can be left out: `--share` is short for `--share=exact`.

    `click` would take the next argument for the value.
    """

    def __init__(self, *args: Any, defaults: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.defaults = defaults

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments with the default values of options that have none."""
        end = args.index("--") if "--" in args else len(args)
        whole = (f"{arg}={self.defaults[arg]}" if arg in self.defaults else arg for arg in args[:end])
        return super().parse_args(ctx, [*whole, *args[end:]])


def printing(names: Sequence[str], words: str, text: Callable[[click.Context], str]) -> click.Option:
    """Return an option that prints a text instead of the run.

    Those of `click` look for translations of their help, which every run would wait for.
    """

    def show(ctx: click.Context, _: click.Parameter, is_given: bool) -> None:
        if is_given and not ctx.resilient_parsing:
            click.echo(text(ctx), color=ctx.color)
            ctx.exit()

    return click.Option(names, is_flag=True, expose_value=False, is_eager=True, help=words, callback=show)


class WithHelp(click.Command):
    """A command with an option `--help` for which nothing looks for a translation."""

    @cached_property
    def _own_help(self) -> click.Option:
        return printing(["--help", "-h"], "Show this message and exit.", lambda ctx: ctx.get_help())

    def get_help_option(self, ctx: click.Context) -> click.Option:  # noqa: ARG002 - click's signature
        """Return the option."""
        return self._own_help


def several(option: str, metavar: str, what: str, complete: Callable[..., Any]) -> Callable[[Function], Function]:
    """Return a decorator that adds a repeatable option."""
    words = f"{what}. Can be repeated."
    return click.option(option, multiple=True, metavar=metavar, help=words, shell_complete=complete)


exclude_option = several(
    "--exclude", "GLOB", "With --recursive, skip the folders that match the pattern", completion.folders
)
"""Adds the option `--exclude`, which the command gets as the argument `exclude`."""

NEEDS_RECURSIVE = "--exclude requires --recursive"

_TARGET_HELP = "Build only for this client or group. Can be repeated. `assemble targets` lists the clients."
target_option = click.option(
    "--target", "targets", multiple=True, type=OneOf((*TARGETS, *GROUPS)), metavar="NAME", help=_TARGET_HELP
)
"""Adds the option `--target`, which the command gets as the argument `targets`."""

user_option = click.option(
    "--user", "for_user", is_flag=True, help="Allow the settings of this kit to write to your home folder."
)
"""Adds the option `--user`, which the command gets as the argument `for_user`."""

home_option = click.option(
    "--user", "for_user", is_flag=True, help="Allow the settings of this kit to name files in your home folder."
)
"""Adds the option `--user` to a command that only reads, which gets it as the argument `for_user`."""

_KIT_HELP = "Use the kit in this folder instead of searching upwards for one."
kit_option = click.option("--kit", "folder", metavar="DIR", help=_KIT_HELP, shell_complete=completion.folders)
"""Adds the option `--kit`, which the command gets as the argument `folder`."""
