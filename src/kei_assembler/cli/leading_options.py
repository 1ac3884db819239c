"""Options before the name of a command, as in `assemble --kit . schema`: the command gets those that it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import click
from click.core import ParameterSource

from kei_assembler.cli.commands import COMMANDS, command_named


def with_command_first(default: click.Command, args: Sequence[str], ctx: click.Context) -> list[str]:
    """Return the arguments with the command first: the first argument that is not an option, or the default command.

    If that is an option of the group, such as `--version`, only it counts.

    Raises:
        click.UsageError: an option in front of the command's name does nothing there.
    """
    options, given, end = _options(default), [], 0
    while end < len(args) and (option := options.get(_name(args[end]))):
        size = 1 if option.is_flag or "=" in args[end] else 1 + option.nargs
        given.append(args[end : end + size])
        end += size
    command = args[end] if end < len(args) else ""
    if any(command in parameter.opts for parameter in ctx.command.get_params(ctx)):
        return [command]
    if command not in (default.name, *COMMANDS):
        return [str(default.name), *args]
    if command != default.name and not ctx.resilient_parsing:
        known = _options(command_named(command)) if given else {}
        given = [option for option in given if option[0] in known or option[0] not in _TRUE_OF_ALL]
        for name in map(_name, (option[0] for option in given)):
            if name not in known:
                own = click.Context(command_named(command), ctx, command)
                raise click.UsageError(f"`{name}` does not apply to `assemble {command}`", own)
    return [command, *(word for option in given for word in option), *args[end + 1 :]]


_TRUE_OF_ALL = ("--no-cache",)
"""Options that say what all other commands do anyway."""


def commands_after(ctx: click.Context) -> Iterator[str]:
    """Yield the names of the commands that can follow what is given so far: options that they have, and no argument."""
    given = [parameter for parameter in ctx.command.params if _is_given(ctx, str(parameter.name))]
    if all(isinstance(parameter, click.Option) for parameter in given):
        names = {parameter.opts[0] for parameter in given}
        yield from (name for name in COMMANDS if names <= _options(command_named(name)).keys())


def _is_given(ctx: click.Context, name: str) -> bool:
    return bool(ctx.params.get(name)) and ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


def _options(command: click.Command) -> Mapping[str, click.Option]:
    return {name: each for each in command.params if isinstance(each, click.Option) for name in each.opts}


def _name(argument: str) -> str:
    return argument.partition("=")[0]
