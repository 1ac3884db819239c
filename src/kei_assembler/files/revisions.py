"""Find commits: those that a user names, and the base of the pull request that a CI service tests."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress

from kei_assembler import lazy_re
from kei_assembler.diagnostics import AssembleError
from kei_assembler.files.git_index import Git
from kei_assembler.files.work_tree import git_at, git_top
from kei_assembler.records import NamedTuple
from kei_assembler.suggestions import nearest

_ID = lazy_re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_OPERATORS = lazy_re.compile(r"[~^@:]")
_MAX_REFS = 10_000
_MAX_EVENT = 64 * 1024 * 1024
_WANTED = "name a commit, a branch or a tag"
_UNSHALLOW = "fetch more history, for example with `git fetch --unshallow`"


def work_tree(folder: str) -> Git:
    """Return the git work tree that a folder, given by its absolute path, lies in.

    Raises:
        AssembleError: there is none.
    """
    top = git_top(folder)
    if top is None:
        raise AssembleError(f"`{folder}` is not in a git work tree")
    return git_at(top)


def revision(folder: str, name: str) -> str:
    """Return the full id of a commit, which is named as gitrevisions(7) says.

    `folder` is an absolute path in the work tree, and need not exist.

    Raises:
        AssembleError: the folder is not in a git work tree, or the commit does not exist here.
    """
    git = work_tree(folder)
    commit = _commit(git, name)
    if not commit:
        raise _unknown(git, name)
    return commit


_IN_USE = ("HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REBASE_HEAD", "REVERT_HEAD^1")
_MERGED = ("HEAD^2", "HEAD^1")


def commits_in_use(folder: str) -> list[str]:
    """Return the full ids of the commits that the files of a work tree come from, without repetitions, HEAD first.

    It is HEAD and, during a merge, a cherry-pick or a rebase, the commit that is merged or picked, or the one that a
    revert goes back to. If HEAD is a merge itself, its parents are the last.

    Raises:
        AssembleError: the folder is not in a git work tree, or git fails.
    """
    names = "".join(f"{name}^{{commit}}\n" for name in (*_IN_USE, *_MERGED))
    args = ("cat-file", "--batch-check=%(objectname)")
    answers = work_tree(folder).run(*args, given=names.encode(), purpose="find the last commit").decode().split("\n")
    is_merge = _ID.fullmatch(answers[len(_IN_USE)])
    found = answers if is_merge else answers[: len(_IN_USE)]
    return [answer for answer in dict.fromkeys(found) if _ID.fullmatch(answer)]


def _commit(git: Git, name: str) -> str:
    """The full id of a commit, or "" if it does not exist."""
    found = _object(git, name) if ":" in name else name  # what follows a colon can be a path
    return _object(git, found, "^{commit}") if found else ""


def _object(git: Git, name: str, suffix: str = "") -> str:
    """The full id of an object, or "" if the name, with this suffix, does not mean a single object."""
    if name.startswith("-") or "\0" in name:
        return ""
    try:
        raw = git.run("rev-parse", "--verify", "--quiet", f"{name}{suffix}", may_fail=True)
    except AssembleError:  # with `--quiet`, some messages are missing
        raw = git.run("rev-parse", "--verify", f"{name}{suffix}", purpose=f"find `{name}`")
    found = raw.decode(errors="replace").rstrip("\n")
    return found if _ID.fullmatch(found) else ""


def _unknown(git: Git, name: str) -> AssembleError:
    """The error to report for a name that is not a commit."""
    start = _OPERATORS.split(name)[0] or "HEAD"
    is_known = bool(_object(git, start))
    if start == "HEAD" and not is_known:
        return AssembleError(f"`{name}` does not exist: the branch has no commits yet", "commit the kit first")
    if ".." in name or _kind(git, name):
        return AssembleError(f"`{name}` is not a commit", _WANTED)
    refs = [] if is_known else _refs(git)
    remote = next((ref for ref in refs if ref.endswith(f"/{start}")), "")
    if not remote and _is_shallow(git):
        return AssembleError(f"`{name}` does not exist in this shallow clone", _UNSHALLOW)
    match = remote or nearest(start, refs)
    hint = f"did you mean `{match}{name[len(start) :]}`?" if match else _WANTED
    return AssembleError(f"the revision `{name}` does not exist", hint)


def _kind(git: Git, name: str) -> str:
    """The kind of an object, or "" if it does not exist."""
    found = _object(git, name)
    with suppress(AssembleError):
        return git.run("cat-file", "-t", found).decode().rstrip("\n") if found else ""
    return ""


def _refs(git: Git) -> list[str]:
    args = ("for-each-ref", f"--count={_MAX_REFS}", "--format=%(refname:lstrip=2)")
    names = git.run(*args, "refs/heads", "refs/tags", "refs/remotes", purpose="list branches and tags")
    return names.decode(errors="replace").split("\n")[:-1]


def _is_shallow(git: Git) -> bool:
    return git.run("rev-parse", "--is-shallow-repository", purpose="read its settings") == b"true\n"


class _Service(NamedTuple):
    """A CI service, by its variables.

    `branch` has the name of the base's branch, and is set only for pull requests. `commits` have commits of the base.
    `ref` and `commit` have the ref and the commit that the service has checked out. `history` says how to make the
    service fetch all history.
    """

    branch: str
    commits: tuple[str, ...] = ()
    ref: str = ""
    commit: str = ""
    history: str = _UNSHALLOW


# GitHub: "Variables reference". GitLab: "Predefined CI/CD variables reference". Azure Pipelines: "Use predefined
# variables". Bitbucket: "Variables and secrets". Buildkite: "Environment variables". Jenkins: Branch API plugin.
_SERVICES = (
    _Service(
        "GITHUB_BASE_REF",
        ref="GITHUB_REF",
        commit="GITHUB_SHA",
        history="set `fetch-depth: 0` for actions/checkout",
    ),
    _Service(
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME",
        ("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", "CI_MERGE_REQUEST_DIFF_BASE_SHA"),
        history="set the variable `GIT_DEPTH` to 0",
    ),
    _Service(
        "SYSTEM_PULLREQUEST_TARGETBRANCH",
        ref="BUILD_SOURCEBRANCH",
        commit="BUILD_SOURCEVERSION",
        history="set `fetchDepth: 0` in the step `checkout`",
    ),
    _Service(
        "BITBUCKET_PR_DESTINATION_BRANCH",
        ("BITBUCKET_PR_DESTINATION_COMMIT",),
        history="set `depth: full` under `clone`",
    ),
    _Service("BUILDKITE_PULL_REQUEST_BASE_BRANCH"),
    _Service("CHANGE_TARGET"),
)
_MERGE_REF = lazy_re.compile(r"refs/pull/\d+/merge")


def default_base(folder: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return the revision to compare with if none is named.

    This is `HEAD`, or in CI, for a pull request, the id of the merge base of `HEAD` and the pull request's base.
    `folder` is an absolute path in the work tree.

    Raises:
        AssembleError: the folder is not in a git work tree, or the merge base does not exist here.
    """
    service = next((each for each in _SERVICES if environment.get(each.branch)), None)
    if service is None:
        return "HEAD"
    git = work_tree(folder)
    branch = environment[service.branch].removeprefix("refs/heads/")
    for base in _bases(git, service, branch, environment):
        commit = _commit(git, base)
        found = commit and git.run("merge-base", "HEAD", commit, may_fail=True, purpose="find the merge base")
        if found:
            return found.decode().rstrip("\n")
    clone, hint = ("shallow clone", service.history) if _is_shallow(git) else ("clone", f"fetch the branch `{branch}`")
    message = f"this {clone} lacks the merge base of `HEAD` and `{branch}`, the base of the pull request"
    raise AssembleError(message, f"{hint}, or name a revision to compare with")


def _bases(git: Git, service: _Service, branch: str, environment: Mapping[str, str]) -> Iterator[str]:
    """Yield names that the base can have, the best one first."""
    is_merge = _MERGE_REF.fullmatch(environment.get(service.ref, ""))
    if is_merge and environment.get(service.commit) == _object(git, "HEAD"):
        yield "HEAD^1"  # the service has merged the pull request into this commit of its base
    yield from (environment[name] for name in service.commits if environment.get(name))
    yield f"refs/remotes/origin/{branch}"
    if event := environment.get("GITHUB_EVENT_PATH"):
        yield _base_of_event(event)
    yield f"refs/heads/{branch}"


def _base_of_event(path: str) -> str:
    """The commit of the base in a file with a webhook's event, or "" if it has none; see GitHub's "Webhook events"."""
    import json

    try:
        with open(path, "rb") as file:
            return str(json.loads(file.read(_MAX_EVENT))["pull_request"]["base"]["sha"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""
