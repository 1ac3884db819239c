"""Compile the package's template only once, because that takes longer than the rest of a run on a small kit."""

from __future__ import annotations

from functools import partial
from types import CodeType

from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket

from kei_assembler.render import templates


class _Compiled(BytecodeCache):
    """Compiled templates, by name and checksum."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType | None] = {}

    def get_source_checksum(self, source: object) -> str:
        # a tree is only compiled for an environment that changes the code
        return super().get_source_checksum(source) if isinstance(source, str) else ""

    def load_bytecode(self, bucket: Bucket) -> None:
        if not _changes_code(bucket.environment):
            bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if not _changes_code(bucket.environment):
            self._codes[bucket.key, bucket.checksum] = bucket.code


def _changes_code(environment: Environment) -> bool:
    """Return whether an environment compiles templates to other code than that of the package's template."""
    return bool(environment.extensions or environment.finalize)


def compile_once() -> None:
    """Let this process compile the package's template only once, no matter how many kits it builds."""
    vars(templates).update(Environment=partial(Environment, bytecode_cache=_Compiled()))
