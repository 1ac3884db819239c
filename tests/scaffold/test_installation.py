"""What the hook and the workflow install follows from how the tool was installed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import REPOSITORY, Workbench
from kei_assembler import __version__, scaffold
from kei_assembler.files import distribution
from kei_assembler.files.distribution import Distribution
from kei_assembler.scaffold import installation
from kei_assembler.scaffold.installation import Installation

COMMIT = "2d8c6f0a4b1e9d7c3f5a8b0e6d4c2a1f9e7b5d38"
HASH = "sha256=" + "0a" * 32
CASES = Path(__file__).parent / "installations"
SCAFFOLDED = Path(scaffold.__file__).parent / "files"
UPDATE = os.environ.get("UPDATE_CASES") == "1"
UNKNOWN = "it does not say what to install"
ONLY_HERE = "only this machine has what it installs"


def _recorded(direct_url: Any, installer: str = "pip", version: str = __version__) -> Distribution:
    text = direct_url if isinstance(direct_url, str) else json.dumps(direct_url)
    return Distribution(version, installer, text, "/site", "/site/kei_assembler")


def _git(url: str, commit: Any = COMMIT, **more: Any) -> dict[str, Any]:
    return {"url": url, "vcs_info": {"vcs": "git", "commit_id": commit, "requested_revision": "main"}, **more}


def _archive(url: str, **info: Any) -> dict[str, Any]:
    return {"url": url, "archive_info": info}


def _folder(path: Path | str, editable: bool = False, **more: Any) -> dict[str, Any]:
    url = path if isinstance(path, str) else path.as_uri()
    return {"url": url, "dir_info": {"editable": True} if editable else {}, **more}


def _of(record: Any, top: Path | str = "/nowhere") -> Installation:
    return installation.of(record if isinstance(record, Distribution) else _recorded(record), str(top))


@pytest.mark.parametrize(
    ("url", "written", "has_note"),
    [
        ("https://example.org/a/b", "https://example.org/a/b", False),
        ("https://example.org:8443/a/b.git", "https://example.org:8443/a/b.git", False),
        ("git+https://example.org/a/b", "https://example.org/a/b", False),
        ("http://example.org/a/b", "http://example.org/a/b", False),
        ("git://example.org/a/b", "git://example.org/a/b", False),
        ("ssh://git@example.org/a/b", "ssh://git@example.org/a/b", True),
        ("ssh://git@example.org:2222/~a/b", "ssh://git@example.org:2222/~a/b", True),
        ("git@example.org:a/b.git", "ssh://git@example.org/a/b.git", True),
        ("https://user:secret@example.org/a/b", "https://example.org/a/b", True),
        ("https://secret@example.org/a/b", "https://example.org/a/b", True),
        ("https://${USER}:${TOKEN}@example.org/a/b", "https://example.org/a/b", True),
        ("https://${TOKEN}@example.org/a/b", "https://example.org/a/b", True),
        ("https://git:secret@example.org/a/b", "https://example.org/a/b", True),
        ("https://git@example.org/a/b", "https://example.org/a/b", True),
        ("https://a@b:secret@example.org/a/b", "https://example.org/a/b", True),
        ("ssh://git:secret@example.org/a/b", "ssh://git@example.org/a/b", True),
        ("ssh://secret@example.org/a/b", "ssh://example.org/a/b", True),
        ("secret@example.org:a/b", "ssh://example.org/a/b", True),
    ],
)
def test_a_git_url_is_written_without_a_login(url: str, written: str, has_note: bool) -> None:
    found = _of(_git(url))
    assert (found.requirement, found.problem) == (f"git+{written}@{COMMIT}", "")
    assert (found.repository, found.commit) == (written, COMMIT)
    assert ("whoever installs it needs" in found.note.lower()) == has_note
    assert "secret" not in repr(found)
    assert "TOKEN" not in repr(found)


def test_a_subfolder_of_a_repository_is_not_cloned() -> None:
    found = _of(_git("https://example.org/b", subdirectory="python/tool"))
    assert found.requirement == f"git+https://example.org/b@{COMMIT}#subdirectory=python/tool"
    assert (found.repository, found.commit) == ("", "")


@pytest.mark.parametrize(
    ("url", "info", "requirement"),
    [
        ("x-1.0-py3-none-any.whl", {"hash": HASH}, f"x-1.0-py3-none-any.whl#{HASH}"),
        ("x.tar.gz", {"hashes": {"md5": "0a", "sha256": "0a" * 32}}, f"x.tar.gz#{HASH}"),
        ("x.zip", {}, "x.zip"),
        ("x.zip#egg=x&subdirectory=a/b", {"hash": HASH}, f"x.zip#subdirectory=a/b&{HASH}"),
        ("x.zip", {"hash": "sha256=x;y", "hashes": [1]}, "x.zip"),
    ],
)
def test_an_archive_is_written_with_its_hash(url: str, info: dict[str, Any], requirement: str) -> None:
    found = _of(_archive(f"https://me:secret@example.org/{url}", **info))
    assert (found.requirement, found.problem) == (f"https://example.org/{requirement}", "")
    assert "login" in found.note


@pytest.mark.parametrize("installer", ["pip", "uv", "Poetry 1.8.2", "pdm"])
def test_a_name_is_only_written_if_an_installer_of_an_index_recorded_it(installer: str) -> None:
    found = _of(_recorded("", installer, "1.2.3"))
    assert (found.requirement, found.problem) == ("kei-assembler==1.2.3", "")


NOT_RECORDED = [None, *(_recorded("", installer) for installer in ("", "conda", "debian", "dnf", "installer 0.7"))]


@pytest.mark.parametrize("found", [*NOT_RECORDED, _recorded("", "pip", "1.0; x"), _recorded("", "pip", "1 2")])
def test_no_name_is_written_otherwise(found: Distribution | None) -> None:
    written = installation.of(found, "/nowhere")
    assert (written.requirement, written.repository) == ("", "")
    assert written.problem.startswith(UNKNOWN)
    assert "kei-assembler" not in repr(written)


ODD_URLS = [
    *("https://example.org/a b", "https://example.org/a\nb", "https://example.org/a\tb", "https://example.org/\x1b[1m"),
    *("https://example.org/\u202eb", "https://exämple.org/b", 'https://example.org/"b', "https://example.org/b\\c"),
    *("https://example.org/${{ secrets.X }}", "https://example.org/${X}", "https://example.org/`id`", "https://[::1/b"),
    *("https://example.org/b?token=secret", "https://$(id)/b", "https:///b", "https://", "example.org/b", "", "-rx"),
    *("ftp://example.org/b", "javascript:x", "ext::sh -c id", "--upload-pack=id", "file://server/share/b"),
    *("https://-oProxyCommand=id/b", "ssh://git@-x/b", "git@-x:b", "ssh://git@example.org:22x/b", "https://a:b:c/d"),
    *("https://example.org/a%00b", "https://example.org/a%0ab", "https://example.org/a%7Fb", "https://example.org/a%b"),
    *("file:///a%00b", "file:///a%1B[1m", "file:///a b", "file:///a%"),
    *("https://example.org/b{c}", "https://example.org/b<c", "https://example.org/b|c", "https://example.org/b^c"),
]


@pytest.mark.parametrize("url", ODD_URLS)
def test_an_odd_url_is_not_written(url: str) -> None:
    for record in (_git(url), _archive(url), _folder(url), _folder(url, editable=True)):
        found = _of(record)
        assert (found.requirement, found.repository) == ("", "")
        assert found.problem.startswith(UNKNOWN)
        assert "secret" not in repr(found)


@pytest.mark.parametrize(
    "record",
    [
        *("{", "[]", "null", "1", '""', "[" * 100_000, {}, {"url": "https://example.org/b"}),
        *(_git("https://example.org/b", commit) for commit in ("", "main", "2d8c6f0", COMMIT.upper(), None, [COMMIT])),
        *(_git("https://example.org/b", subdirectory=at) for at in ("../x", "/x", "a/..", "a b", "a&egg=x", ["x"])),
        {"url": 1, "vcs_info": {"vcs": "git", "commit_id": COMMIT}},
        {"url": "https://example.org/b", "vcs_info": "git"},
        {"url": "https://example.org/b", "vcs_info": {"vcs": "hg", "commit_id": COMMIT}},
        {"url": "https://example.org/b", "vcs_info": {}},
    ],
    ids=lambda record: str(record)[:60],
)
def test_a_broken_record_is_not_known(record: Any) -> None:
    assert _of(record).problem.startswith(UNKNOWN)


@pytest.mark.parametrize("host", ["localhost", "localhost:8000", "127.0.0.1", "LOCALHOST"])
def test_a_server_on_this_machine_is_only_here(host: str) -> None:
    assert _of(_git(f"http://{host}/b")).problem.startswith(ONLY_HERE)
    assert _of(_archive(f"http://{host}/b.whl")).problem.startswith(ONLY_HERE)


@pytest.mark.parametrize("record", [_git("https://example.org/b"), "", _archive("https://example.org/b.whl")])
def test_code_that_runs_from_elsewhere_was_not_installed(record: Any) -> None:
    assert _of(_recorded(record)._replace(package="/other/kei_assembler")).problem.startswith(UNKNOWN)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").write_text("")
    return tmp_path


def _editable(project: Path, runs_from: Path | None = None) -> Distribution:
    package = str((runs_from or project) / "src/kei_assembler")
    return _recorded(_folder(project, editable=True))._replace(package=package)


def test_a_folder_elsewhere_is_only_here(project: Path, tmp_path: Path) -> None:
    for record in (_folder(project), _editable(project)):
        found = _of(record, tmp_path / "other")
        assert (found.requirement, found.is_inside) == (project.as_uri(), False)
        assert found.problem.startswith(ONLY_HERE)
        assert "Replace it by what everybody can install" in found.note
    assert _of(_editable(project, tmp_path.parent), tmp_path / "other").problem.startswith(UNKNOWN)
    moved = _recorded(_folder(project))._replace(package="/other/kei_assembler")
    assert _of(moved, tmp_path / "other").problem.startswith(UNKNOWN)
    assert _of(_folder(tmp_path / "gone")).problem.startswith(UNKNOWN)


def test_a_git_repository_on_this_machine_is_only_here(project: Path) -> None:
    found = _of(_git(project.as_uri()))
    assert (found.repository, found.commit) == (project.as_uri(), COMMIT)
    assert found.problem.startswith(ONLY_HERE)


def test_a_file_on_this_machine_is_only_here(tmp_path: Path) -> None:
    (tmp_path / "x.whl").write_text("")
    found = _of(_archive((tmp_path / "x.whl").as_uri(), hash=HASH))
    assert found.requirement == f"{(tmp_path / 'x.whl').as_uri()}#{HASH}"
    assert found.problem.startswith(ONLY_HERE)


def _repository(top: Path, *ignored: str) -> None:
    subprocess.run(["git", "init", "--quiet", top], check=True)
    (top / ".gitignore").write_text("".join(f"{line}\n" for line in ignored))


def _copy(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text("")
    return folder


@pytest.mark.parametrize("name", ["tools/kei", "our tools/kei@1,x", ".tools/käi", "-x"])
def test_a_copy_in_the_repository_is_a_relative_path(tmp_path: Path, name: str) -> None:
    _repository(tmp_path)
    copy = _copy(tmp_path / name)
    records = [_folder(copy), _editable(copy), _git(tmp_path.as_uri(), subdirectory=name) if " " not in name else ""]
    for record in filter(None, records if name == "tools/kei" else records[:2]):
        found = _of(record, tmp_path)
        assert (found.requirement, found.problem, found.is_inside) == (f"./{name}", "", True)


def test_the_repository_of_the_tool_itself_is_the_current_folder(tmp_path: Path) -> None:
    _repository(tmp_path)
    (tmp_path / "pyproject.toml").write_text("")
    for record in (_folder(tmp_path), _editable(tmp_path), _git(tmp_path.as_uri())):
        assert _of(record, tmp_path).requirement == "."


def test_an_archive_in_the_repository_is_a_relative_path(tmp_path: Path) -> None:
    _repository(tmp_path)
    wheel = tmp_path / "vendor" / "x-1.0-py3-none-any.whl"
    wheel.parent.mkdir()
    wheel.write_text("")
    assert _of(_archive(wheel.as_uri(), hash=HASH), tmp_path).requirement == "./vendor/x-1.0-py3-none-any.whl"


def test_a_copy_that_a_clone_lacks_is_only_here(tmp_path: Path) -> None:
    _repository(tmp_path, "/build/", "*.whl")
    (tmp_path / "x.whl").write_text("")
    ignored, nested = _copy(tmp_path / "build" / "kei"), _copy(tmp_path / "nested")
    subprocess.run(["git", "init", "--quiet", nested], check=True)
    outside = _copy(tmp_path.parent / f"{tmp_path.name}-outside")
    (tmp_path / "linked").symlink_to(outside)
    for record in (_folder(ignored), _folder(nested), _folder(tmp_path / "linked"), _folder(outside)):
        assert _of(record, tmp_path).problem.startswith(ONLY_HERE)
    assert _of(_archive((tmp_path / "x.whl").as_uri()), tmp_path).problem.startswith(ONLY_HERE)


@pytest.mark.parametrize("name", ["a;b", "a[b]", "a#b", "${{x}}", "a\\b", "a\u202eb"])
def test_a_copy_with_an_odd_name_is_only_here(tmp_path: Path, name: str) -> None:
    _repository(tmp_path)
    copy = _copy(tmp_path / name)
    found = _of(_folder(copy), tmp_path)
    assert (found.requirement, found.is_inside) == (copy.as_uri(), False)


def test_the_record_of_this_installation_is_read() -> None:
    found = distribution.installed()
    assert found
    assert (found.version, found.installer) == (__version__, "pip")
    assert json.loads(found.direct_url) == {"dir_info": {"editable": True}, "url": REPOSITORY.as_uri()}
    assert found.package == str(REPOSITORY / "src" / "kei_assembler")


def test_a_missing_or_broken_distribution_is_not_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    assert distribution.installed() is None
    info = tmp_path / "kei_assembler-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kei-assembler\nVersion: 1.0\n")
    found = distribution.installed()
    assert found
    assert (found.version, found.installer, found.direct_url) == ("1.0", "", "")
    (info / "METADATA").write_text("Name: kei-assembler\n")
    found = distribution.installed()
    assert not found or installation.of(found, "/nowhere").requirement == ""
    (info / "direct_url.json").write_bytes(b"\xff")
    assert distribution.installed() is None


RECORDS: dict[str, tuple[Any, str]] = {
    "git": (_git("https://example.org/kei-assembler"), ""),
    "git in a hidden folder": (_git("https://example.org/kei-assembler"), ".ai/our kit"),
    "git over ssh in a subfolder": (_git("ssh://git@example.org/a", subdirectory="x"), ""),
    "archive": (_archive("https://me:secret@example.org/a.whl", hash=HASH), ".ai"),
    "name": ("", ""),
    "unknown": ("{", ""),
}


@pytest.mark.parametrize("name", RECORDS)
def test_written_files(bench: Workbench, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    record, kit = RECORDS[name]
    monkeypatch.setattr(distribution, "installed", lambda: _recorded(record))
    run = bench.run("init", *([kit] if kit else []))
    _check(bench, run.stdout, CASES / f"{name.replace(' ', '-')}.txt")


@pytest.mark.parametrize("is_inside", [True, False])
def test_written_files_of_a_path(bench: Workbench, monkeypatch: pytest.MonkeyPatch, is_inside: bool) -> None:
    (bench.folder / ".git").rmdir()
    _repository(bench.folder / "work")
    copy = _copy(bench.folder / ("work/our tools" if is_inside else "elsewhere"))
    monkeypatch.setattr(distribution, "installed", lambda: _editable(copy))
    run = bench.below("work").run("init")
    _check(bench.below("work"), run.stdout, CASES / f"path-{'inside' if is_inside else 'elsewhere'}.txt")


def _check(bench: Workbench, output: str, expected: Path) -> None:
    """Compare the lines about the two files, and their content, and let pre-commit check its own."""
    files = (".pre-commit-config.yaml", ".github/workflows/assemble.yml")
    lines = [line for line in output.splitlines() if any(file in line for file in files)]
    text = "\n".join([*lines, *(f"--- {file}\n{bench.read(file)}" for file in files)])
    text = text.replace(bench.folder.parent.as_uri(), "file:///home/you").replace(__version__, "VERSION")
    if UPDATE:
        expected.write_text(text)
    assert text == expected.read_text()
    import_module("pre_commit.clientlib").load_config(str(bench.folder / files[0]))
    assert yaml.safe_load(bench.read(files[1]))["env"].keys() == {"ASSEMBLE"}


def test_the_workflows_are_valid(tmp_path: Path) -> None:
    files = []
    for number, (record, _) in enumerate(RECORDS.values()):
        *_, workflow = scaffold.repository_files("", [], _of(record))
        files.append(tmp_path / f"{number}.yml")
        files[-1].write_text(workflow.text)
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows"]
    run = subprocess.run([*command, *map(str, files)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def test_a_workflow_that_does_not_say_what_to_install_fails_and_says_so() -> None:
    *_, workflow = scaffold.repository_files("", [], _of("{"))
    job = yaml.safe_load(workflow.text)
    step = job["jobs"]["check"]["steps"][-2]["run"]
    run = subprocess.run(["bash", "-c", step], env=os.environ | job["env"], capture_output=True, text=True, check=False)
    assert run.returncode != 0
    assert run.stderr.endswith("ASSEMBLE: set it in this workflow, in env\n")


def test_no_page_installs_a_name_that_no_index_may_have() -> None:
    pages = [REPOSITORY / "README.md", *(REPOSITORY / "docs").rglob("*.md"), *SCAFFOLDED.iterdir()]
    by_name = re.compile(r"kei-assembler *[=~<>]=|install (?:-\S+ )*[\"']?kei-assembler")
    assert [str(page) for page in pages if by_name.search(page.read_text())] == []
