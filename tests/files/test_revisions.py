"""Names of commits, and the base of a pull request in CI."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from kei_assembler.diagnostics import AssembleError
from kei_assembler.files.revisions import default_base, revision
from repositories import git


def _commit(folder: Path, message: str) -> str:
    git(folder, "commit", "--quiet", "--allow-empty", f"--message={message}")
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with three commits on `main`, the branch `feature/x` and an annotated tag."""
    git(tmp_path, "init", "--quiet", "--initial-branch=main")
    (tmp_path / "agents").mkdir()
    (tmp_path / "agents/a.toml").write_text("")
    git(tmp_path, "add", ".")
    for message in ("one", "two"):
        _commit(tmp_path, message)
    git(tmp_path, "tag", "--annotate", "--message=tag", "v1.0")
    git(tmp_path, "branch", "feature/x")
    _commit(tmp_path, "three")
    return tmp_path


def _error(folder: Path, name: str) -> tuple[str, str]:
    with pytest.raises(AssembleError) as raised:
        revision(str(folder), name)
    return raised.value.message, raised.value.hint


@pytest.mark.parametrize(
    ("name", "commit"),
    [
        *((name, "HEAD") for name in ("HEAD", "@", "main", "refs/heads/main", "HEAD^0", "main@{0}", ":/three", "-0")),
        *((name, "HEAD~1") for name in ("v1.0", "v1.0^{}", "HEAD^", "main~1", "feature/x", ":/two", "@{1}")),
        ("HEAD^{/one}", "HEAD~2"),
    ],
)
def test_names_of_commits(repository: Path, name: str, commit: str) -> None:
    if name == "-0":
        name = git(repository, "rev-parse", "--short", "HEAD")
    full = git(repository, "rev-parse", commit)
    assert revision(str(repository), name) == full
    assert revision(str(repository / "agents"), full) == full
    assert revision(str(repository / "nowhere"), full.upper()) == full


BAD = "name a commit, a branch or a tag"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("mian", "did you mean `main`?"),
        ("mian~2", "did you mean `main~2`?"),
        ("x", "did you mean `feature/x`?"),
        ("v1.00", "did you mean `v1.0`?"),
        *((name, BAD) for name in ("", "HEAD~99", "main^9", "0" * 40, "0" * 7, "^main", "HEAD^!", "a b")),
        *((name, BAD) for name in ("-x", "--all", "--output=x", "--", "-", "--git-dir", "\n", "HEAD\nHEAD", "HEAD\0")),
        *((name, BAD) for name in ("HEAD:nowhere", os.fsdecode(b"\xff"), "$(touch x)", "*", "é")),
    ],
)
def test_an_unknown_revision(repository: Path, name: str, hint: str) -> None:
    before = sorted(repository.rglob("*"))
    assert _error(repository, name) == (f"the revision `{name}` does not exist", hint)
    assert sorted(repository.rglob("*")) == before


@pytest.mark.parametrize("name", ["HEAD:agents", "HEAD:agents/a.toml", "HEAD^{tree}", ":agents/a.toml", "main..HEAD"])
def test_something_else_than_a_commit(repository: Path, name: str) -> None:
    assert _error(repository, name) == (f"`{name}` is not a commit", BAD)


@pytest.mark.parametrize(
    ("name", "reason"),
    [("@{u}", "no upstream configured for branch 'main'"), ("HEAD@{99}", "log for 'HEAD' only has 3 entries")],
)
def test_a_message_of_git(repository: Path, name: str, reason: str) -> None:
    assert _error(repository, name)[0] == f"git cannot find `{name}`: fatal: {reason}"


def test_a_branch_of_a_remote_is_suggested(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    clone = tmp_path_factory.mktemp("clone")
    git(clone, "clone", "--quiet", repository.as_uri(), ".")
    assert _error(clone, "feature/x")[1] == "did you mean `origin/feature/x`?"
    assert _error(clone, "feature/x~1")[1] == "did you mean `origin/feature/x~1`?"


@pytest.mark.parametrize("name", ["HEAD", "HEAD~1", "@", "@{1}", ""])
def test_a_repository_without_commits(tmp_path: Path, name: str) -> None:
    git(tmp_path, "init", "--quiet")
    assert _error(tmp_path, name) == (f"`{name}` does not exist: the branch has no commits yet", "commit the kit first")
    assert _error(tmp_path, "main")[0] == "the revision `main` does not exist"


@pytest.mark.parametrize("name", ["HEAD~1", "main~2", "0" * 40, "feature/x", "v1.0"])
def test_a_shallow_clone(repository: Path, tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    clone = tmp_path_factory.mktemp("clone")
    git(clone, "clone", "--quiet", "--depth=1", repository.as_uri(), ".")
    message, hint = _error(clone, name)
    assert message == f"`{name}` does not exist in this shallow clone"
    assert "git fetch --unshallow" in hint
    assert revision(str(clone), "HEAD") == git(repository, "rev-parse", "HEAD")


def test_a_folder_that_is_not_in_a_work_tree(tmp_path: Path) -> None:
    assert _error(tmp_path, "HEAD") == (f"`{tmp_path}` is not in a git work tree", "")
    git(tmp_path, "init", "--quiet", "--bare")
    assert _error(tmp_path, "HEAD") == (f"`{tmp_path}` is not in a git work tree", "")


def test_a_work_tree_of_somebody_else(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    message, _ = _error(repository, "HEAD")
    assert message.startswith("git cannot find `HEAD`: fatal: detected dubious ownership")


def test_replaced_commits_are_read_as_they_are(repository: Path) -> None:
    full = git(repository, "rev-parse", "HEAD")
    git(repository, "replace", "HEAD", "HEAD~2")
    assert revision(str(repository), "HEAD") == full


# The base of a pull request.

BASE_IS_MAIN = {
    "GitHub": {"GITHUB_BASE_REF": "main"},
    "GitLab": {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"},
    "Azure": {"SYSTEM_PULLREQUEST_TARGETBRANCH": "refs/heads/main"},
    "Bitbucket": {"BITBUCKET_PR_DESTINATION_BRANCH": "main"},
    "Buildkite": {"BUILDKITE_PULL_REQUEST_BASE_BRANCH": "main"},
    "Jenkins": {"CHANGE_TARGET": "main"},
}


@pytest.fixture
def pull_request(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone with all branches, of which `feature/x` has two commits and `main` another one since the merge base."""
    git(repository, "checkout", "--quiet", "feature/x")
    for message in ("four", "five"):
        _commit(repository, message)
    git(repository, "checkout", "--quiet", "-b", "merge", "main")
    git(repository, "merge", "--quiet", "--no-ff", "--message=merge", "feature/x")
    clone = tmp_path_factory.mktemp("clone")
    git(clone, "clone", "--quiet", repository.as_uri(), ".")
    git(clone, "checkout", "--quiet", "--detach", "origin/feature/x")
    git(clone, "branch", "--quiet", "--delete", "--force", "merge")
    return clone


def _base(folder: Path, **environment: str) -> str:
    return default_base(str(folder), environment)


def test_outside_of_a_pull_request_the_base_is_head(tmp_path: Path) -> None:
    assert _base(tmp_path) == "HEAD"
    assert _base(tmp_path, CI="true", GITHUB_BASE_REF="", GITHUB_REF="refs/heads/main", GITHUB_SHA="0" * 40) == "HEAD"


@pytest.mark.parametrize("service", BASE_IS_MAIN)
def test_the_base_of_a_pull_request(pull_request: Path, service: str) -> None:
    base = _base(pull_request, **BASE_IS_MAIN[service])
    assert base == git(pull_request, "rev-parse", "v1.0^{}")
    assert revision(str(pull_request), base) == base


def _shallow(clone: Path, branch: str, depth: int) -> Path:
    """Return a shallow clone of the clone's origin that has only this branch, detached."""
    shallow = clone.with_name(f"{clone.name}-{depth}")
    url = git(clone, "config", "remote.origin.url")
    git(clone, "clone", "--quiet", f"--depth={depth}", f"--branch={branch}", "--single-branch", "--no-tags", url,
         str(shallow))  # fmt: skip
    git(shallow, "checkout", "--quiet", "--detach")
    git(shallow, "branch", "--quiet", "--delete", "--force", branch)
    return shallow


REFS = (("GITHUB_REF", "GITHUB_SHA", "GitHub"), ("BUILD_SOURCEBRANCH", "BUILD_SOURCEVERSION", "Azure"))


@pytest.mark.parametrize(("ref", "commit", "service"), REFS)
def test_a_merge_that_the_service_has_checked_out(pull_request: Path, ref: str, commit: str, service: str) -> None:
    shallow = _shallow(pull_request, "merge", 2)
    variables = {**BASE_IS_MAIN[service], ref: "refs/pull/7/merge", commit: git(shallow, "rev-parse", "HEAD")}
    assert _base(shallow, **variables) == git(pull_request, "rev-parse", "origin/main")
    with pytest.raises(AssembleError):  # another commit is checked out
        _base(shallow, **{**variables, commit: "0" * 40})
    with pytest.raises(AssembleError):  # another event
        _base(shallow, **{**variables, ref: "refs/heads/merge"})


def test_the_base_in_an_event_of_github(pull_request: Path, tmp_path: Path) -> None:
    git(pull_request, "update-ref", "-d", "refs/remotes/origin/main")
    base = git(pull_request, "rev-parse", "v1.0^{}")
    path = tmp_path / "event.json"
    variables = {"GITHUB_BASE_REF": "main", "GITHUB_EVENT_PATH": str(path)}
    with pytest.raises(AssembleError, match="lacks the merge base of `HEAD` and `main`"):
        _base(pull_request, **variables)
    for event in ("", "[]", "{}", '{"pull_request": null}', '{"pull_request": {"base": {"sha": "--all"}}}', "\xff"):
        path.write_bytes(event.encode("latin-1"))
        with pytest.raises(AssembleError, match="lacks the merge base"):
            _base(pull_request, **variables)
    path.write_text(json.dumps({"pull_request": {"base": {"sha": base}}}))
    assert _base(pull_request, **variables) == base


@pytest.mark.parametrize(
    ("service", "variable"),
    [
        ("GitLab", "CI_MERGE_REQUEST_TARGET_BRANCH_SHA"),
        ("GitLab", "CI_MERGE_REQUEST_DIFF_BASE_SHA"),
        ("Bitbucket", "BITBUCKET_PR_DESTINATION_COMMIT"),
    ],
)
def test_a_commit_of_the_base_in_a_variable(pull_request: Path, service: str, variable: str) -> None:
    base, tip = (git(pull_request, "rev-parse", name) for name in ("v1.0^{}", "origin/main"))
    git(pull_request, "update-ref", "-d", "refs/remotes/origin/main")
    for commit in (base, tip):
        assert _base(pull_request, **BASE_IS_MAIN[service], **{variable: commit}) == base


HINTS = {
    "GitHub": "set `fetch-depth: 0` for actions/checkout",
    "GitLab": "set the variable `GIT_DEPTH` to 0",
    "Azure": "set `fetchDepth: 0` in the step `checkout`",
    "Bitbucket": "set `depth: full` under `clone`",
    "Jenkins": "fetch more history, for example with `git fetch --unshallow`",
}


@pytest.mark.parametrize("service", HINTS)
def test_a_shallow_clone_that_lacks_the_merge_base(pull_request: Path, service: str) -> None:
    shallow = _shallow(pull_request, "feature/x", 1)
    for _ in range(2):
        with pytest.raises(AssembleError) as raised:
            _base(shallow, **BASE_IS_MAIN[service])
        assert "this shallow clone lacks the merge base of `HEAD` and `main`" in raised.value.message
        assert raised.value.hint == f"{HINTS[service]}, or name a revision to compare with"
        git(shallow, "fetch", "--quiet", "--depth=1", "origin", "main:refs/remotes/origin/main")


def test_a_base_without_a_common_commit(pull_request: Path) -> None:
    git(pull_request, "checkout", "--quiet", "--orphan", "new")
    _commit(pull_request, "new")
    with pytest.raises(AssembleError) as raised:
        _base(pull_request, GITHUB_BASE_REF="main")
    assert "this clone lacks the merge base" in raised.value.message
    assert raised.value.hint == "fetch the branch `main`, or name a revision to compare with"


@pytest.mark.parametrize("branch", ["--all", "-x", "a..b", "$(x)", "\n", "é", "../x"])
def test_an_odd_name_of_a_base(pull_request: Path, branch: str) -> None:
    with pytest.raises(AssembleError, match="lacks the merge base"):
        _base(pull_request, GITHUB_BASE_REF=branch)


def test_the_default_environment_is_that_of_the_process(pull_request: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in {name for variables in BASE_IS_MAIN.values() for name in variables}:
        monkeypatch.delenv(name, raising=False)
    assert default_base(str(pull_request)) == "HEAD"
    monkeypatch.setenv("GITHUB_BASE_REF", "main")
    assert default_base(str(pull_request)) == git(pull_request, "rev-parse", "v1.0^{}")
