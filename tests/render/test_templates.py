"""The limits of a kit's templates: no access beyond their values, bounded output, no files outside their folder."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import Run, Workbench

MANIFEST = 'name = "a"\ndescription = "Does a."\n'
TEMPLATE = "templates/agent.md.j2"

# Published payloads with their sources. All of them try to reach one of a few things: a special attribute, `format`, a
# global, an internal object of Jinja2, or a file.
ATTACKS = [
    ("CVE-2016-10745", "{{ '{0.__class__.__mro__}'.format(42) }}"),
    ("CVE-2016-10745", "{{ '{0.__class__.__init__.__globals__}'.format(self) }}"),
    ("CVE-2016-10745", "{{ ('a{x.__class__}' | e).format(x=42) }}"),
    ("CVE-2019-10906", "{{ '{a.__class__}'.format_map({'a': 42}) }}"),
    ("CVE-2019-10906", "{{ 'x'['format_map']({}) }}"),
    ("CVE-2024-56326", "{% set f = '{0.__class__}'.format %}{{ f(42) }}"),
    ("CVE-2024-56326", "{{ ['{0.__class__}'] | map(attribute='format') | list }}"),
    ("CVE-2024-56326", "{{ '{0.__class__}' | map('format', 42) | list }}"),
    ("CVE-2025-27516", "{{ ('{0.__class__}' | attr('format'))(42) }}"),
    ("CVE-2025-27516", "{{ ['{0.__class__}'] | map('attr', 'format') | first }}"),
    ("CVE-2024-22195", "{{ {'a onclick=x': 1} | xmlattr }}"),
    ("CVE-2024-34064", "{{ {'a/onclick': 1} | xmlattr }}"),
    ("PayloadsAllTheThings", "{{ ''.__class__.__mro__[1].__subclasses__() }}"),
    ("PayloadsAllTheThings", "{{ ''.__class__.mro()[1].__subclasses__()[396]('id', shell=True) }}"),
    ("PayloadsAllTheThings", "{{ [].__class__.__base__.__subclasses__() }}"),
    ("PayloadsAllTheThings", "{{ {}.__class__.__bases__[0] }}"),
    ("PayloadsAllTheThings", "{% for x in ().__class__.__base__.__subclasses__() %}{{ x.__name__ }}{% endfor %}"),
    ("PayloadsAllTheThings", "{{ self.__init__.__globals__.__builtins__ }}"),
    ("PayloadsAllTheThings", "{{ self.__init__.__globals__.__builtins__.__import__('os').popen('id').read() }}"),
    ("PayloadsAllTheThings", "{{ self._TemplateReference__context }}"),
    ("PayloadsAllTheThings", "{{ self._TemplateReference__context.cycler.__init__.__globals__.os.popen('id') }}"),
    ("PayloadsAllTheThings", "{{ x.__init__.__builtins__.exec('1') }}"),
    ("PayloadsAllTheThings", "{{ config.items() }}"),
    ("PayloadsAllTheThings", "{{ config.__class__.__init__.__globals__['os'].popen('ls').read() }}"),
    ("PayloadsAllTheThings", "{{ config.from_pyfile('/tmp/evil.cfg') }}"),
    ("PayloadsAllTheThings", "{{ get_flashed_messages.__globals__.__builtins__.open('/etc/passwd').read() }}"),
    ("PayloadsAllTheThings", "{{ request['__class__'] }}"),
    ("PayloadsAllTheThings", "{{ request | attr(['__', 'class', '__'] | join) }}"),
    ("PayloadsAllTheThings", "{{ request | attr('application') | attr('\\x5f\\x5fglobals\\x5f\\x5f') }}"),
    ("PayloadsAllTheThings", "{{ '%s%sclass%s%s' | format('_', '_', '_', '_') }}"),
    ("PayloadsAllTheThings", "{{ '_' * 2 }}"),
    ("PayloadsAllTheThings", "{% debug %}"),
    ("podalirius.net", "{{ cycler.__init__.__globals__.os.popen('id').read() }}"),
    ("podalirius.net", "{{ joiner.__init__.__globals__.os.popen('id').read() }}"),
    ("podalirius.net", "{{ namespace.__init__.__globals__.os.popen('id').read() }}"),
    ("podalirius.net", "{{ lipsum.__globals__['os'].popen('id').read() }}"),
    ("HackTricks", "{{ request.application.__globals__.__builtins__.__import__('os') }}"),
    ("HackTricks", "{{ dict.__mro__[-1] }}"),
    ("HackTricks", "{{ dict.mro()[-1] }}"),
    ("HackTricks", "{{ url_for.__globals__ }}"),
    ("HackTricks", "{{ g.pop.__globals__.__builtins__ }}"),
    ("HackTricks", "{{ '' | attr('__class__') }}"),
    ("HackTricks", "{{ ''['__class__'] }}"),
    ("HackTricks", "{{ ''['\\x5f\\x5fclass\\x5f\\x5f'] }}"),
    ("HackTricks", "{{ ''['__cla' ~ 'ss__'] }}"),
    ("HackTricks", "{{ ''[['__', 'class', '__'] | join] }}"),
    ("HackTricks", "{{ ''['__ssalc__' | reverse] }}"),
    ("HackTricks", "{{ ''['__CLASS__' | lower] }}"),
    ("HackTricks", "{{ ([''] | map(attribute='__class__') | first).mro() }}"),
    ("HackTricks", "{{ [''] | map(attribute='__class__.__mro__') | list }}"),
    ("HackTricks", "{{ [''] | groupby('__class__') }}"),
    ("HackTricks", "{{ [''] | sort(attribute='__class__.__name__') }}"),
    ("HackTricks", "{{ [''] | join(attribute='__class__') }}"),
    ("HackTricks", "{{ [''] | selectattr('__class__') | list }}"),
    ("HackTricks", "{{ ''.__getattribute__('__class__') }}"),
    ("HackTricks", "{{ ''.__format__ }}"),
    ("HackTricks", "{{ ''.__doc__ }}"),
    ("HackTricks", "{% set x = ''.__class__ %}{{ x }}"),
    ("HackTricks", "{% with x = ''.__class__ %}{{ x.__mro__ }}{% endwith %}"),
    ("HackTricks", "{% if ''.__class__.__mro__[1].__subclasses__() %}yes{% endif %}"),
    ("HackTricks", "{% include ''.__class__.__name__ %}"),
    ("jinja.sandbox", "{{ ([1] | map('string')).gi_frame.f_globals }}"),
    ("jinja.sandbox", "{{ ([1] | map('string')).gi_code }}"),
    ("jinja.sandbox", "{{ ([1] | select).gi_frame.f_back.f_globals }}"),
    ("jinja.sandbox", "{{ range.__call__ }}"),
    ("jinja.sandbox", "{{ range.__wrapped__ }}"),
    ("jinja.sandbox", "{{ ''.upper.__self__ }}"),
    ("jinja.sandbox", "{{ agent.description.upper }}"),
    ("jinja.sandbox", "{{ agent._replace(name='x').name }}"),
    ("jinja.sandbox", "{{ agent._asdict() }}"),
    ("jinja.sandbox", "{{ agent._fields }}"),
    ("jinja.sandbox", "{{ extra.__dict__ }}"),
    ("jinja.sandbox", "{{ [1].append(2) }}"),
    ("jinja.sandbox", "{{ {}.update({1: 2}) }}"),
    ("jinja.sandbox", "{{ agent.target.setdefault('a', 1) }}"),
    ("jinja.runtime", "{{ nothing._undefined_obj }}"),
    ("jinja.runtime", "{{ nothing._fail_with_undefined_error.__globals__ }}"),
    ("jinja.runtime", "{{ nothing.__class__ }}"),
    ("jinja.runtime", "{{ agent.nothing.__init__ }}"),
    ("jinja.runtime", "{{ ''.__class__ | default('x') ~ ''.__class__ }}"),
    ("jinja.runtime", "{% for x in [1] %}{{ loop._iterable }}{% endfor %}"),
    ("jinja.runtime", "{% for x in [1] %}{{ loop.cycle.__func__.__globals__ }}{% endfor %}"),
    ("jinja.runtime", "{% for x in [1] %}{{ loop.__init__.__globals__ }}{% endfor %}"),
    ("jinja.runtime", "{% for x in [1] %}{{ loop }}{% endfor %}"),
    ("jinja.runtime", "{% for x in [1] %}{{ loop | string }}{% endfor %}"),
    ("jinja.runtime", "{% macro m() %}{% endmacro %}{{ m._func.__globals__ }}"),
    ("jinja.runtime", "{% macro m() %}{% endmacro %}{{ m._environment }}"),
    ("jinja.runtime", "{% macro m() %}{% endmacro %}{{ m.__call__.__func__ }}"),
    ("jinja.runtime", "{% macro m() %}{% endmacro %}{{ m ~ '' }}"),
    ("jinja.runtime", "{% macro m() %}{{ caller._func }}{% endmacro %}{% call m() %}{% endcall %}"),
    ("jinja.runtime", "{% block b %}{{ self.b._context }}{% endblock %}"),
    ("jinja.runtime", "{% block b %}{% endblock %}{{ self.b._stack }}"),
    ("jinja.runtime", "{% block b %}{% endblock %}{{ self.b | string }}"),
    ("jinja.runtime", "{% block b %}{% endblock %}{{ [self.b] | string }}"),
    ("jinja.runtime", "{{ self }}"),
    ("jinja.runtime", "{{ self | string }}"),
    ("jinja.runtime", "{{ context.environment }}"),
    ("jinja.runtime", "{{ environment.loader }}"),
    ("jinja.runtime", "{{ [] | map }}"),
    ("jinja.runtime", "{% import 'os' as os %}{{ os.name }}"),
    ("jinja.globals", "{{ dict() }}"),
    ("jinja.globals", "{{ lipsum() }}"),
    ("jinja.globals", "{{ joiner(', ') }}"),
    ("jinja.globals", "{{ cycler('a', 'b') }}"),
    ("jinja.globals", "{% set n = namespace(x=1) %}{{ n.x }}"),
    ("jinja.filters", "{{ [1, 2] | random }}"),
    ("jinja.filters", "{{ self | pprint }}"),
    ("jinja.filters", "{{ agent | tojson }}"),
]


def _render(bench: Workbench, template: str, **others: str) -> Run:
    bench.write({"agents/a.toml": MANIFEST, TEMPLATE: template})
    bench.write({f"templates/{name}.md.j2": text for name, text in others.items()})
    return bench.run("--all")


def _is_refused(run: Run, location: str) -> bool:
    return (run.status, run.stdout, run.stderr.count("error[")) == (1, "", 1) and run.stderr.startswith(
        f"{location}: error[O603] "
    )


@pytest.mark.parametrize(("source", "payload"), ATTACKS)
def test_published_attack_is_refused(bench: Workbench, source: str, payload: str) -> None:
    run = _render(bench, f"You.\n\n{payload}\n")
    assert _is_refused(run, f"{TEMPLATE}:3:1"), (source, run)
    message = run.stderr.replace(payload, "")
    leaks = ("Traceback", "<class", "<function", "<module", "<built-in", "object at 0x", "builtins", "uid=", "root:")
    assert not [leak for leak in leaks if leak in message]
    assert not (bench.folder / "agents/a.md").exists()


def test_template_name_cannot_inject_code(bench: Workbench) -> None:
    """CVE-2024-56201: the name of a template became part of a format string in the compiled code."""
    name = "{environment.__class__.__name__}"
    evil = {name: "\n{% from 'm.md.j2' import nothing %}{{ nothing }}", "m": "M."}
    run = _render(bench, f"{{% include '{name}.md.j2' %}}", **evil)
    assert _is_refused(run, f"templates/{name}.md.j2:2:1")
    assert "Sandbox" not in run.stderr


def _doubled(first: str, step: str, last: str = "") -> str:
    """Return a template that doubles a value forty times: each step computes `{new}` from `{old}`."""
    steps = (step.replace("{new}", f"x{n + 1}").replace("{old}", f"x{n}") for n in range(40))
    return first + "".join(steps) + last


BIG = "{% set big = 'a' | indent(300000, first=true) %}"
SET = "{% set x0 = 'abc' %}"
EXPLOSIVE = {
    "lists that share": _doubled("{% set x0 = [1] %}", "{% set {new} = [{old}, {old}] %}", "{{ x40 }}"),
    "tuples that share": _doubled("{% set x0 = (1,) %}", "{% set {new} = ({old}, {old}) %}", "{{ {x40: 1} }}"),
    "dicts that share": _doubled("{% set x0 = {} %}", "{% set {new} = {1: {old}, 2: {old}} %}", "{{ x40 | string }}"),
    "lists that share, compared": _doubled(
        "{% set x0 = [1] %}", "{% set {new} = [{old}, {old}] %}", "{{ x40 == x39 }}"
    ),
    "lists that share, by a filter": _doubled(
        "{% set x0 = [1] %}", "{% set {new} = ['', ''] | map('default', {old}, true) | list %}"
    ),
    "arguments that share": "{% macro m(n) %}{% if n %}{{ m(n - 1, varargs, varargs) }}{% else %}"
    "{{ varargs == varargs }}{% endif %}{% endmacro %}{{ m(40, 'x') }}",
    "named arguments that share": "{% macro m(n) %}{% if n %}{{ m(n - 1, a=kwargs, b=kwargs) }}{% else %}"
    "{{ kwargs | string }}{% endif %}{% endmacro %}{{ m(40, c='x') }}",
    "+": _doubled(SET, "{% set {new} = {old} + {old} %}"),
    "+ of lists": _doubled("{% set x0 = [1] %}", "{% set {new} = {old} + {old} %}"),
    "~": _doubled(SET, "{% set {new} = {old} ~ {old} %}"),
    "~ of many": BIG + "{{ " + " ~ ".join(["big"] * 9000) + " }}",
    "join": _doubled(SET, "{% set {new} = [{old}, {old}] | join %}"),
    "replace": _doubled(SET, "{% set {new} = {old} | replace('a', {old}) | replace('b', {old}) %}"),
    "a block's text": _doubled(SET, "{% set {new} %}{{ {old} }}{{ {old} }}{% endset %}"),
    "macros": _doubled(
        "{% macro x0() %}{% endmacro %}", "{% macro {new}() %}{{ {old}() }}{{ {old}() }}{% endmacro %}", "{{ x40() }}"
    ),
    "callers": "{% macro m() %}{{ caller() }}{{ caller() }}{% endmacro %}"
    + "{% call m() %}" * 40
    + "x"
    + "{% endcall %}" * 40,
    "numbers": _doubled("{% set x0 = 12345 %}", "{% set {new} = {old} * {old} %}"),
    "many texts": BIG + "".join(f"{{% set y{n} = big | upper %}}" for n in range(1000)),
    "many slices": BIG + "".join(f"{{% set y{n} = big[1:] %}}" for n in range(1000)),
    "many splits": BIG + "".join(f"{{% set y{n} = big.split(' ') %}}" for n in range(1000)),
    "indent": "{{ 'a' | indent(999999999, first=true) }}",
    "indent of nothing": "{{ '' | indent(999999999, first=true) }}",
    "indent by less": "{{ 'a' | indent(-999999999) }}{{ 'a' | indent(999999999, true) }}",
    "indent of a block": "{% filter indent(width=999999999, first=true) %}x{% endfilter %}",
    "indent, compiled": "{% autoescape '' | indent(999999999, first=true) %}{% endautoescape %}",
    "replace by a long text": BIG + "{{ big | replace(' ', big) }}",
    "join by a long text": BIG + "{{ range(100000) | join(big) }}",
    "join of a long text": BIG + "{{ range(100000) | map(attribute='x', default=big) | join }}",
    "join of itself": BIG + "{{ big | join(big) }}",
    "round down": "{{ 5 | round(-999999999) }}",
    "round up": "{{ 5 | round(999999999, 'ceil') }}",
    "center": "{{ 'a' | center(999999999) }}",
    "wordwrap": BIG + "{{ big | wordwrap(1, wrapstring=big) }}",
    "urlize": "{{ 'http://a.b ' | urlize(target='x') }}",
    "sum": "{{ [[1]] | sum(start=[]) }}",
    "sort by many": "{% set many %}{% for i in range(20000) %}0,{% endfor %}{% endset %}"
    "{{ range(20000) | map('string') | sort(attribute=many ~ '0') }}",
    "escape": BIG + "{{ big | replace(' ', '<') | e }}",
    "odd": "{{ '%999999999d' is odd }}",
    "even": "{{ ['%999999999d'] | select('even') | list }}",
    "divisibleby": "{{ '%999999999d' is divisibleby 3 }}",
    "%": "{{ '%999999999d' % 3 }}",
    "*": "{{ 'a' * 999999999 }}",
    "**": "{{ 9 ** 999999999 }}",
    "format": "{{ '{:999999999}'.format(1) }}",
    "format_map": "{{ '{a:999999999}'.format_map({'a': 1}) }}",
    "ljust": "{{ 'a'.ljust(999999999) }}",
    "zfill": "{{ 'a'['zfill'](999999999) }}",
    "expandtabs": "{{ '\t'.expandtabs(999999999) }}",
    "translate": "{{ 'a'.translate({97: 'b'}) }}",
    "join as a method": BIG + "{{ big.join(big) }}",
    "replace as a method": BIG + "{{ big.replace(' ', big) }}",
    "a number of 5,000 digits": "{{ " + "9" * 5000 + " }}",
    "a number of 4,000 digits": "{{ " + "9" * 4000 + " }}",
    "a number from a text": "{{ '" + "f" * 5000 + "' | int(base=16) }}",
    "range": "{{ range(999999999) | list }}",
    "loops": "{% for i in range(100000) %}{% for j in range(100000) %}a{% endfor %}{% endfor %}",
    "loops in a text": "{% set x %}{% for i in range(100000) %}{{ i ~ 'a' | indent(9) }}{% endfor %}{% endset %}",
    "loops of long texts": BIG + "{% set x %}{% for i in range(100000) %}{{ big ~ i }}{% endfor %}{% endset %}",
    "recursive loops": _doubled(
        "{% set x0 = [] %}",
        "{% set {new} = [{old}, {old}] %}",
        "{% for x in x40 recursive %}{{ loop(x) }}{% endfor %}",
    ),
    "a loop without end": "{% for x in [1, 2] recursive %}{{ loop([1, 2]) }}{% endfor %}",
    "a macro without end": "{% macro m() %}{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "a block without end": "{% block b %}{{ self.b() }}{{ self.b() }}{% endblock %}",
    "an include without end": "{% include 'agent.md.j2' %}{% include 'agent.md.j2' %}",
    "an include repeated": "{% include 'm.md.j2' without context %}",
    "a parent without end": "{% extends 'agent.md.j2' %}",
    "an import without end": "{% import 'agent.md.j2' as x %}",
    "brackets": "{{ " + "[" * 30000 + "]" * 30000 + " }}",
    "branches": "{% if 1 %}" * 2000 + "{% endif %}" * 2000,
    "nested loops": "{% for x in [1] %}" * 60 + "{% endfor %}" * 60,
    "names for each import": "".join(f"{{% set a{n} = 1 %}}" for n in range(1000))
    + "{% import 'm.md.j2' as m with context %}" * 1000,
    "a long template": "{% if 1 %}{% set a = 1 %}{% endif %}" * 3000,
}
SLOW_VARIANTS = (
    *("tuples that share", "dicts that share", "lists that share, compared", "lists that share, by a filter"),
    *("arguments that share", "named arguments that share", "+ of lists", "~ of many", "many slices", "many splits"),
    *("macros", "callers", "recursive loops", "sort by many"),
)
"""The templates that are slow to exceed the budget and similar to another one above."""

SLOW = {name: EXPLOSIVE[name] for name in SLOW_VARIANTS}
QUICK = {name: template for name, template in EXPLOSIVE.items() if name not in SLOW}
PROGRAM = """
import contextlib, io, json, os, sys
from kei_assembler.cli import app
runs = {}
for name, template in json.load(sys.stdin).items():
    with open("templates/agent.md.j2", "w") as file:
        file.write(template)
    streams = [io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2)]
    with contextlib.redirect_stdout(streams[0]), contextlib.redirect_stderr(streams[1]):
        try:
            app.main(["--all"])
        except SystemExit as exit:
            status = exit.code
    texts = [stream.buffer.getvalue().decode() for stream in streams if not stream.flush()]
    runs[name] = [status, *texts]
json.dump(runs, sys.stdout)
"""
MAX_MEMORY = 384 * 1024 * 1024


@pytest.mark.parametrize("templates", [QUICK, pytest.param(SLOW, marks=pytest.mark.slow)], ids=["quick", "long"])
def test_exploding_template_is_refused_in_little_memory(tmp_path: Path, templates: dict[str, str]) -> None:
    for folder in (".git", "agents", "templates"):
        (tmp_path / folder).mkdir()
    (tmp_path / "agents/a.toml").write_text(MANIFEST)
    (tmp_path / "templates/m.md.j2").write_text("M.")
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=tmp_path,
        input=json.dumps(templates),
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY)),
    )
    runs = {name: Run(*outcome) for name, outcome in json.loads(run.stdout).items()}
    assert {name for name in templates if not _is_refused(runs[name], f"{TEMPLATE}:1:1")} == set()
    assert {name for name in templates if "memory" in runs[name].stderr} == set()
    assert not (tmp_path / "agents/a.md").exists()


@pytest.mark.parametrize(
    "statement", ["include", *(pytest.param(each, marks=pytest.mark.slow) for each in ("import", "extends"))]
)
def test_templates_that_double_their_output_are_refused(bench: Workbench, statement: str) -> None:
    tag = {"include": "{% include 'x#.md.j2' %}", "extends": "{% include 'x#.md.j2' %}"}.get(
        statement, "{% import 'x#.md.j2' as m with context %}"
    )
    others = {f"x{n}": (tag * 2).replace("#", str(n + 1)) for n in range(40)} | {"x40": ""}
    first = "{% extends 'x1.md.j2' %}" if statement == "extends" else tag.replace("#", "1")
    run = _render(bench, first, **others)
    assert (run.status, run.stderr.count("error[O603] the template makes more than")) == (1, 1)


@pytest.mark.parametrize(
    "name",
    ["../secret.md", "../../secret.md", "a/../../secret.md", "./../secret.md", "/etc/passwd", "//etc/passwd",
     "..\\\\secret.md", "a\\\\..\\\\..\\\\secret.md", "C:/secret.md", "C:\\\\secret.md", "file:///etc/passwd",
     "~/secret.md", "secret.md\\0.j2", "\\0", "", ".", "..", "/", "default/../../../secret.md", "default//etc/passwd",
     "default/../render.py", "default", "%2e%2e/secret.md", "..%2fsecret.md"],
)  # fmt: skip
@pytest.mark.parametrize("tag", ["{{% include '{}' %}}", "{{% extends '{}' %}}", "{{% import '{}' as x %}}{{{{ x }}}}"])
def test_no_template_name_escapes_the_folder(bench: Workbench, tag: str, name: str) -> None:
    bench.write({"secret.md": "SECRET", "templates/a/x.md": "", "../secret.md": "SECRET"})
    run = _render(bench, "\n" + tag.format(name))
    assert (run.status, run.stdout, run.stderr.count("error[")) == (1, "", 1), run
    assert not [leak for leak in ("SECRET", "root:", "Traceback", "jinja2") if leak in run.stderr]


@pytest.mark.parametrize(
    "name", [".h.j2", "sub/.h.j2", ".x/h.j2", ".agent.md.j2", "sub/.x/h.j2", "a\\n/.h.j2", "..h.j2"]
)
@pytest.mark.parametrize("tag", ["{{% include '{}' %}}", "{{% extends '{}' %}}", "{{% import '{}' as x %}}{{{{ x }}}}"])
def test_hidden_file_is_no_template(bench: Workbench, tag: str, name: str) -> None:
    bench.write({f"templates/{name.replace(chr(92) + 'n', chr(10))}": "SECRET"})
    run = _render(bench, "\n" + tag.format(name))
    assert (run.status, run.stdout) == (1, "")
    assert "error[O603] the template `" in run.stderr
    assert "does not exist; names with a part that starts with a dot are not templates\n" in run.stderr
    assert "SECRET" not in run.stderr


@pytest.mark.parametrize("link", ["templates/x.md.j2", "templates/x"])
def test_no_symlink_escapes_the_kit(bench: Workbench, link: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    outside = tmp_path_factory.mktemp("outside")
    (outside / "x.md.j2").write_text("SECRET")
    (bench.folder / "templates").mkdir()
    (bench.folder / link).symlink_to(outside / "x.md.j2" if link.endswith(".j2") else outside)
    run = _render(bench, "{% include '" + ("x.md.j2" if link.endswith(".j2") else "x/x.md.j2") + "' %}")
    assert (run.status, run.stdout, run.stderr.count("error[")) == (1, "", 1)
    assert "SECRET" not in run.stderr


HARMLESS = {
    "{{ 7 * 7 }} {{ 7 // 2 }} {{ 7 % 4 }} {{ 7 - 2 }} {{ 1 / 2 }} {{ -1 }}": "49 3 3 5 0.5 -1",
    "{{ 'a' + 'b' ~ 3 }} {{ ([1] + [2]) | join(', ') }}": "ab3 1, 2",
    "{{ 'a b' | upper }} {{ 'A' | lower }} {{ 'a b' | title }} {{ 'ab' | capitalize }}": "A B a A B Ab",
    "{{ ' a ' | trim }}{{ 'abc' | truncate(2, true, '…', 0) }}{{ 'abc' | reverse }}": "aa…cba",
    "{{ 'a\n\nb' | indent }}|{{ 'a\nb' | indent(2, first=true) }}|{{ 'a\nb' | indent('> ') }}": (
        "a\n\n    b|  a\n  b|a\n> b"
    ),
    "{{ 'abca' | replace('a', '–') }}{{ 'aa' | replace('a', 'b', 1) }}{{ 15 | replace(1, 2) }}": "–bc–ba25",
    "{{ [1, 2.5, 'a'] | join(' ') }} {{ [1] | join }} {{ 'abc' | join('.') }}": "1 2.5 a 1 a.b.c",
    "{{ [{'n': 'x'}, {'n': 'y'}] | join(', ', attribute='n') }}": "x, y",
    "{{ ['b', 'A'] | sort | join }}{{ ['a', 'a'] | unique | join }}{{ [2, 1] | min }}{{ [2, 1] | max }}": "Aba12",
    "{{ ['x', 'y'] | map('upper') | join }}{{ [1, 2, 3] | select('odd') | join }}": "XY13",
    "{{ [1, 2, 3] | reject('even') | list | length }}{{ [[1, 2]] | map('first') | list }}": "2[1]",
    "{{ [{'n': 1}, {'n': 2}] | selectattr('n', '>', 1) | map(attribute='n') | list }}": "[2]",
    "{% for n, g in [{'n': 1}, {'n': 1}] | groupby('n') %}{{ n }}: {{ g | length }}{% endfor %}": "1: 2",
    "{% for k, v in {'b': 1, 'a': 2} | dictsort %}{{ k }}{{ v }}{% endfor %}": "a2b1",
    "{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}{{ {'a': 1}.get('b', 2) }}": "a12",
    "{{ 2.345 | round(2) }} {{ 2.5 | round | int }} {{ '3' | int + 1 }} {{ '1.5' | float }} {{ -3 | abs }}": (
        "2.35 2 4 1.5 3"
    ),
    "{{ 'a b' | wordcount }} {{ 'a b' | urlencode }} {{ 2000 | filesizeformat }} {{ 12 | string | length }}": (
        "2 a%20b 2.0 kB 2"
    ),
    "{{ '<&' | e }}{{ '<' | escape | safe }}{{ 'a' | e ~ '<' }}": "&lt;&amp;&lt;a<",
    "{{ nothing | default('x') }}{{ '' | d('y', true) }}{{ nothing is defined }}": "xyFalse",
    "{{ 'abc'.startswith('a') }} {{ 'a,b'.split(',') | last }} {{ ' a'.strip().upper() }}": "True b A",
    "{{ 'abc'[1:] }}{{ [1, 2, 3][:2] }}{{ 'abc'[0] }}{{ ('x', 'y')[1] }}": "bc[1, 2]ay",
    "{% for x in 'abc' %}{{ loop.index }}{{ loop.cycle('-', '+') }}{{ ',' if not loop.last }}{% endfor %}": "1-,2+,3-",
    "{% for x in [1, [2]] recursive %}{{ x if x is number else loop(x) }}{% endfor %}": "12",
    "{% for x in range(3) if x %}{{ x }}{% else %}none{% endfor %}": "12",
    "{% for x in [1, 1, 2] %}{% if loop.changed(x) %}{{ x }}{{ loop.depth0 }}{% endif %}{% endfor %}": "1020",
    "{% macro m(x, y='!') %}{{ x }}{{ y }}{{ varargs }}{% endmacro %}{{ m('a') }}{{ m('b', 1, 2) }}": "a!()b1(2,)",
    "{% macro m() %}<{{ caller('x') }}>{% endmacro %}{% call(a) m() %}{{ a }}{% endcall %}": "<x>",
    "{% set x %}a{{ 1 }}{% endset %}{{ x }}{% filter upper %}b{% endfilter %}": "a1B",
    "{% with y = 2 %}{{ y }}{% endwith %}": "2",
    "{% set a, b = 1, 2 %}{{ a }}{{ b }}{{ 'x' if a == 1 and b in [2] else 'y' }}": "12x",
    "{% include 'm.md.j2' %} {% import 'm.md.j2' as m %}{{ m.q('z') }}{% from 'm.md.j2' import q %}{{ q(1) }}": (
        "M. «z»«1»"
    ),
    "{% include ['none.md.j2', 'm.md.j2'] %}{% include 'none.md.j2' ignore missing %}": "M.",
    "{% block b %}b{% endblock %}{{ self.b() }}": "bb",
    "{{ agent.name }} {{ agent['name'] }} {{ target }} {{ blocks | length }}": "a a claude-code 0",
    "{{ 4 is divisibleby 2 }} {{ 'a' is string }} {{ 3 is odd }} {{ 'a' in 'abc' }} {{ none is none }}": (
        "True True True True True"
    ),
    "{{ (('word ' | indent(50000, true)) | wordcount) }}": "1",
}


@pytest.mark.parametrize("template", HARMLESS)
def test_useful_template_features_work(bench: Workbench, template: str) -> None:
    run = _render(bench, template, m="M.{% macro q(x) %}«{{ x }}»{% endmacro %}")
    assert (run.status, run.stderr) == (0, "1 agent, 1 file: 1 created\n")
    assert bench.read("agents/a.md").endswith(f"-->\n\n{HARMLESS[template]}\n")


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("joiner(', ')", "`joiner` is not defined"),
        ("'a'.join('bc')", "access to attribute 'join' of 'str' object is unsafe."),
        ("1 }}{% set agent.name = 'x' %}{{ 1", "cannot assign attribute on non-namespace object"),
        ("'a' * 3", "`*` is not allowed here in a kit's template"),
        ("'a' | wordwrap", "No filter named 'wordwrap'."),
        ("[nothing]", "`nothing` is not defined"),
        ("[] | first", "No first item, sequence was empty."),
        ("'a'.upper", "cannot print a value of type `builtin_function_or_method`; call a method with parentheses"),
        ("'a' | indent(2000000, first=true)", "the template makes more than 1048576 characters"),
    ],
)
def test_message_names_the_refused_feature(bench: Workbench, expression: str, message: str) -> None:
    assert f"error[O603] {message}" in _render(bench, "{{ " + expression + " }}").stderr


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("One.\r\r\rTwo.\n{{ nothing }}", 2),
        ("One.\r\r\r{{ nothing }}", 1),
        ("One.\r\r\n\r\r\r\n{% if %}", 3),
        ("One.\r\rTwo.\n\n{% if 1 %}\r", 3),
        ("One.\n{{ nothing }}\n\r", 2),
    ],
)
def test_lone_carriage_return_does_not_end_a_template_line(bench: Workbench, template: str, line: int) -> None:
    bench.write({"assemble.toml": 'allow-characters = { "U+000D" = "old texts" }\n'})
    run = _render(bench, template)
    assert (run.status, f"templates/agent.md.j2:{line}:1: error[O603]" in run.stderr) == (1, True), run.stderr


def test_each_rendering_has_its_own_budget(bench: Workbench) -> None:
    bench.write({f"agents/{name}.toml": MANIFEST.replace('"a"', f'"{name}"') for name in "bcdefgh"})
    assert _render(bench, "{{ 'a' | indent(200000, first=true) | length }}").status == 0


def test_package_template_has_no_budget(bench: Workbench) -> None:
    bench.write({f"_blocks/{name}.md": "Long.\n" * 170_000 for name in ("long", "long-too")})
    bench.write({"agents/a.toml": MANIFEST + 'blocks = ["long", "long-too"]\n'})
    assert bench.run("--all", "--ignore", "L801").status == 0
    bench.write({TEMPLATE: "{% extends 'default/agent.md.j2' %}"})
    assert "the template makes more than" in bench.run("--all").stderr


@pytest.mark.parametrize("kind", ["agent", "instructions", "skill"])
@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ agent.name }} {{ '\\ud800' }}\n", "the template prints an invalid character"),
        ("<!-- open\n", "the template leaves an HTML comment open, and what follows becomes part of it"),
    ],
)
def test_a_finding_about_a_text_names_the_template_of_its_kind(
    bench: Workbench, kind: str, template: str, message: str
) -> None:
    folders = {"agent": "agents", "instructions": "instructions", "skill": "skills"}
    manifests = {each: f"{folder}/{folder[0]}.toml" for each, folder in folders.items()}
    for each, file in manifests.items():
        description = "" if each == "instructions" else 'description = "Helps."\n'
        bench.write({file: f'name = "{file[0]}"\n{description}role = "You help."\n'})
        bench.write({f"templates/{each}.md.j2": template if each == kind else "{{ agent.role }}\n"})
    run = bench.run("--all")
    assert (run.status, run.stdout) == (1, "")
    assert run.stderr == (
        f"templates/{kind}.md.j2:1:1: error[O603] {message}\n"
        f"    help: found while rendering {manifests[kind]}\n"
        "1 error; nothing was written\n"
    )
