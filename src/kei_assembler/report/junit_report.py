"""The report as JUnit XML, which most CI services read: a suite for each kit, and a test case for each file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as ET

from kei_assembler import lazy_re
from kei_assembler.build.result import RunResult
from kei_assembler.diagnostics import Diagnostic, Severity
from kei_assembler.markdown.hidden_text import shown
from kei_assembler.report.places import Places

_NOT_IN_XML = lazy_re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_OF_THE_RUN = "assemble"


def render_all(results: Sequence[RunResult]) -> tuple[str, str]:
    """Return a document with a suite for each kit.

    A test case is a file: one that the kit generates, or one with a finding. It fails if it has an error; warnings and
    notes are its output. A run that could not be completed is an error of a case of its own, and what a check accepts
    because the settings or an option say so is the output of the suite.
    """
    places = Places(results)
    suites = ET.Element("testsuites")
    for result in results:
        suites.append(_suite(result, places))
    for key in ("tests", "failures", "errors"):
        suites.set(key, str(sum(int(suite.get(key, "0")) for suite in suites)))
    ET.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(suites, encoding="us-ascii").decode()}\n', ""


def _suite(result: RunResult, places: Places) -> ET.Element:
    cases: dict[str, list[Diagnostic]] = {change.path: [] for change in result.changes}
    for diagnostic in result.findings:
        cases.setdefault(diagnostic.location.file, []).append(diagnostic)
    name = places.path(result, ".")
    suite = ET.Element("testsuite", name=_text(name))
    for file, found in cases.items():
        _add_case(suite, places.path(result, file), found)
    if result.failure:
        lines = (result.failure.message, *result.failure.details, result.failure.hint)
        case = ET.SubElement(suite, "testcase", name=_OF_THE_RUN, classname=_text(name))
        ET.SubElement(case, "error", message=_text(result.failure.message)).text = _joined(lines)
    elif not cases:
        ET.SubElement(suite, "testcase", name=_OF_THE_RUN, classname=_text(name))
    counts = {"tests": "testcase", "failures": "testcase/failure", "errors": "testcase/error"}
    for key, path in counts.items():
        suite.set(key, str(len(suite.findall(path))))
    if result.waivers:
        ET.SubElement(suite, "system-out").text = _joined(waiver.line for waiver in result.waivers)
    return suite


def _add_case(suite: ET.Element, path: str, found: Sequence[Diagnostic]) -> None:
    case = ET.SubElement(suite, "testcase", name=_text(path), classname=str(suite.get("name")), file=_text(path))
    errors = [one for one in found if one.severity is Severity.ERROR]
    if errors:
        more = f" (and {len(errors) - 1:,} more)" if len(errors) > 1 else ""
        message, kind = _text(f"{errors[0].message}{more}"), errors[0].code
        ET.SubElement(case, "failure", message=message, type=kind).text = _joined(_lines(path, errors))
    if others := [one for one in found if one.severity is not Severity.ERROR]:
        ET.SubElement(case, "system-out").text = _joined(_lines(path, others))


def _lines(path: str, found: Iterable[Diagnostic]) -> Iterable[str]:
    for one in found:
        span = one.location.span
        yield f"{path}:{span.line}:{span.column}: {one.severity.word}[{one.code}] {one.message}"
        yield f"    help: {one.help}" if one.help else ""


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(_text(line) for line in lines if line)


def _text(text: str) -> str:
    """Return a text that XML can contain: what is hidden is shown, and XML has no control characters."""
    return _NOT_IN_XML.sub("\N{REPLACEMENT CHARACTER}", shown(text))
