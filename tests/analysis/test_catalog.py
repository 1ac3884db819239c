"""`assemble catalog`: the pages, what a hostile kit can put on them, and what is written to the folder."""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import re
from itertools import product
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conftest import REPOSITORY, Run, Workbench, examples, leave_temporary_file
from hostile_catalog import ELEMENTS, HOSTILE_KIT, SCRIPT, Document
from kei_assembler.analysis.catalog.html import Html, element, plain, text
from kei_assembler.analysis.catalog.layout import HEIGHT, WIDTH, layout
from kei_assembler.analysis.catalog.site import Page, files_of, page_path
from kei_assembler.analysis.graph import AGENT, HANDS_OFF, Edge
from kei_assembler.build import site_files, writer
from kei_assembler.files.tree import Tree
from kei_assembler.markdown.hidden_text import is_hidden
from kei_assembler.report.layout import width
from repositories import git

SETTINGS = """\
targets = ["claude-code", "codex"]
ignore = ["K126", "O627"]
[bundles]
core = ["honesty", "rules#testing"]
[values]
PROJECT = "Kestrel"
"""
KIT = {
    "assemble.toml": SETTINGS,
    "agents/base.toml": (
        'name = "base"\nabstract = true\nmodel = "opus"\ntools = ["Read", "Agent"]\nblocks = ["@core"]\n'
        'domain_in = ["code"]\n'
    ),
    "agents/coder.toml": (
        'name = "coder"\nextends = "base"\ndescription = "Writes {{PROJECT}}."\nrole = "You write code."\n'
        'tools = ["...", "Bash(git log:*)"]\nblocks = ["...", "rules#commits"]\n'
        '[[handoff]]\ntarget = "critic"\ntrigger = "a diff"\n'
    ),
    "agents/critic.toml": (
        'name = "critic"\nextends = "base"\ndescription = "Reviews code."\nrole = "You review code."\n'
        '[[handoff]]\ntarget = "coder"\ntrigger = "findings"\n'
    ),
    "agents/writer.toml": 'name = "writer"\ndescription = "Writes pages."\nrole = "You write."\nblocks = ["honesty"]\n',
    "_blocks/honesty.md": "# HONESTY\n\nSay what you ran in {{PROJECT}}.\n",
    "_blocks/rules.md": "# RULES\n\n## Testing\n\nTest first.\n\n## Commits\n\nWrite small commits.\n",
    "_blocks/unused.md": "# UNUSED\n",
}
FILES = {
    *("index.html", "blocks.html", "graph.html", "matrix.html"),
    *("style.css", "theme.js", "catalog.js", "search.js", "icon.svg"),
    *(f"agents/{name}.html" for name in ("coder", "critic", "writer")),
    *(f"blocks/{name}.html" for name in ("honesty", "rules", "unused")),
}
LIST = "assemble-catalog.sha256"
OTHERS = {
    "api/main.py": "",
    "instructions/coder.toml": 'name = "coder"\nrole = "Be {{PROJECT}}."\nblocks = ["honesty"]\nfolder = "api"\n',
    "instructions/house.toml": 'name = "house"\nrole = "Be kind."\n',
    "instructions/python.toml": (
        'name = "python"\nrole = "Annotate."\npaths = ["src/**/*.py"]\ntargets = ["claude-code"]\n'
    ),
    "skills/release.toml": f'name = "release"\ndescription = {json.dumps(SCRIPT)}\nrole = {json.dumps(SCRIPT)}\n',
}


def _written(bench: Workbench, *args: str, folder: str = "site") -> dict[str, str]:
    run = bench.run("catalog", folder, *args)
    assert run.status == 0, run.stderr
    return _site(bench, folder)


def _site(bench: Workbench, folder: str = "site") -> dict[str, str]:
    top = bench.folder / folder
    return {path.relative_to(top).as_posix(): path.read_text() for path in sorted(top.rglob("*")) if path.is_file()}


def _pages(site: dict[str, str]) -> dict[str, Document]:
    return {path: Document(content) for path, content in site.items() if path.endswith(".html")}


@pytest.fixture
def kit(bench: Workbench) -> Workbench:
    bench.write(KIT)
    return bench


@pytest.fixture
def hostile(bench: Workbench) -> Workbench:
    bench.write(HOSTILE_KIT)
    return bench


def test_a_catalog_is_written_and_then_up_to_date(kit: Workbench) -> None:
    assert kit.run("catalog", "site") == (0, "site/index.html\n", "wrote 15 files to site\n")
    assert set(_site(kit)) == FILES | {LIST}
    before = kit.files()
    assert kit.run("catalog", "site") == (0, "site/index.html\n", "site is up to date: 15 files\n")
    assert kit.files() == before


def test_a_catalog_is_the_same_in_every_folder_and_state(kit: Workbench) -> None:
    first = _written(kit)
    assert kit.run("--all").status == 0
    kit.write({f"deep/copy/{name}": text for name, text in KIT.items()})
    assert kit.run("catalog", "../other", "--kit", "copy", cwd="deep") == (
        *(0, "../other/index.html\n", "wrote 15 files to ../other\n"),
    )
    assert _written(kit, folder="again") == first == _site(kit, "other")


def test_the_page_of_an_agent_says_everything_about_it(kit: Workbench) -> None:
    page = _pages(_written(kit))["agents/coder.html"]
    main = page.text("main")
    assert "Writes Kestrel." in main
    assert "Say what you ran in Kestrel." in page.text("pre")
    assert "Bash(git log:*)" in page.text("table")
    links = {tag.attributes["href"] for tag in page.tags if tag.name == "a" and "main" in tag.around}
    assert links >= {"../agents/critic.html", "../blocks/honesty.html", "../blocks/rules.html"}
    assert {tag.attributes["class"] for tag in page.tags if "piece" in tag.attributes.get("class", "")} >= {
        *("piece of-block", "piece of-manifest", "piece of-base", "piece of-template", "piece of-stamp"),
    }
    origins = [text for around, text in page.texts if "p" in around and "small" in around]
    assert " _blocks/honesty.md:1-3" in origins
    assert " agents/base.toml:6" in origins
    assert " with PROJECT" in origins


def test_the_text_on_a_page_is_the_generated_file(kit: Workbench) -> None:
    assert kit.run("--all").status == 0
    for name, page in _pages(_written(kit)).items():
        if name.startswith("agents/"):
            target = re.search(r"The file for ([\w-]+)", page.text("p"))
            assert target
            stem = Path(name).stem
            path = f"agents/{stem}.md" if target[1] == "claude-code" else f".codex/agents/{stem}.toml"
            lines = [line for line in page.text("pre").split("\n") if line.strip()]
            assert lines == [line for line in kit.read(path).split("\n") if line.strip()]


def test_the_page_of_a_block_says_who_uses_it_and_what_it_costs(kit: Workbench) -> None:
    pages = _pages(_written(kit))
    listed = json.loads(kit.run("list", "--output-format", "json").stdout)["items"]
    users = {item["name"] for item in listed if "honesty" in item["blocks"]}
    page = pages["blocks/honesty.html"]
    rows = [text for around, text in page.texts if "tbody" in around and "code" in around]
    assert set(rows) == users
    numbers = [int(text) for around, text in page.texts if "tbody" in around and text.isdigit()]
    assert f"{len(users)} agents, {sum(numbers)} tokens in all" in page.text("p")
    assert "rules#commits" in pages["blocks/rules.html"].text("table")
    assert "No agent uses this block." in pages["blocks/unused.html"].text("main")


def test_the_matrix_has_a_mark_for_each_use(kit: Workbench) -> None:
    page = _pages(_written(kit))["matrix.html"]
    marks = [text for around, text in page.texts if "td" in around and "span" in around]
    assert (marks.count("yes"), marks.count("sections")) == (3, 2)


def test_the_graph_has_a_node_for_each_agent_and_a_path_for_each_handoff(kit: Workbench) -> None:
    page = _pages(_written(kit))["graph.html"]
    nodes = {tag.attributes["aria-label"] for tag in page.tags if "data-node" in tag.attributes}
    assert nodes == {"coder, in a cycle", "critic, in a cycle", "writer, unreachable, dead end"}
    assert sum("data-from" in tag.attributes for tag in page.tags) == 2
    assert "coder → critic: a diff" in page.text("title")


def test_search_data_are_rows_of_text(kit: Workbench) -> None:
    script = _written(kit)["search.js"]
    rows = json.loads(script.removeprefix("globalThis.CATALOG = ").removesuffix(";\n"))
    assert [row[:2] for row in rows[:3]] == [["agent", "coder"], ["agent", "critic"], ["agent", "writer"]]
    assert all((kit.folder / "site" / row[3]).exists() for row in rows)


@pytest.mark.parametrize("files", [KIT, HOSTILE_KIT, KIT | OTHERS, {"assemble.toml": ""}])
def test_every_link_leads_somewhere_and_ids_are_unique(files: dict[str, str], bench: Workbench) -> None:
    bench.write(files)
    site = _written(bench)
    pages = _pages(site)
    ids = {path: [tag.attributes["id"] for tag in page.tags if "id" in tag.attributes] for path, page in pages.items()}
    for path, page in pages.items():
        assert len(ids[path]) == len(set(ids[path]))
        for url in page.urls():
            file, _, anchor = url.partition("#")
            target = posixpath.normpath(posixpath.join(posixpath.dirname(path), file)) if file else path
            assert target in site
            assert not anchor or anchor in ids[target]
        for name in ("aria-labelledby", "aria-controls"):
            assert all(tag.attributes[name] in ids[path] for tag in page.tags if name in tag.attributes)


def test_a_hostile_kit_only_adds_text(hostile: Workbench) -> None:
    site = _written(hostile)
    pages = _pages(site)
    assert len(pages) == 4 + 3 + 3
    for path, page in pages.items():
        root = "../" * path.count("/")
        scripts = [tag for tag in page.tags if tag.name == "script"]
        assert [tag.attributes["src"] for tag in scripts] == [
            *(f"{root}theme.js", f"{root}search.js", f"{root}catalog.js"),
        ]
        assert page.text("script") == page.text("style") == ""
        assert page.declarations == ["DOCTYPE html"]
        assert {tag.name for tag in page.tags} <= ELEMENTS
        attributes = {name for tag in page.tags for name in tag.attributes}
        assert not any(name.startswith("on") or name == "style" for name in attributes)
        assert all(re.fullmatch(r"[a-z0-9._/-]*(#[a-z0-9-]+)?|[a-z/]+\.(js|css|svg)", url) for url in page.urls()), path
    for path, content in site.items():
        assert [character for character in content if character != "\n" and is_hidden(character)] == [], path


def test_instructions_and_skills_have_pages(kit: Workbench) -> None:
    kit.write(OTHERS)
    pages = _pages(_written(kit))
    others = {path: page for path, page in pages.items() if path.startswith(("instructions/", "skills/"))}
    assert set(others) == {file.replace(".toml", ".html") for file in OTHERS if file.endswith(".toml")}
    table = pages["others.html"].text("table")
    assert [name in table for name in ("coder", "house", "python", "release", SCRIPT)] == [True] * 5
    assert "Instructions and skills" in pages["index.html"].text("nav")
    coder = others["instructions/coder.html"]
    assert coder.text("p").count("For the folder api.") == 1
    assert "api/AGENTS.md" in coder.text("table")
    assert "Say what you ran in Kestrel." in coder.text("pre")
    assert "For src/**/*.py in the whole repository." in others["instructions/python.html"].text("p")
    assert "paths: [src/**/*.py]" in others["instructions/python.html"].text("pre")
    assert SCRIPT in others["skills/release.html"].text("pre")
    for page in pages.values():  # hostile texts are only texts
        assert {tag.name for tag in page.tags} <= ELEMENTS
        assert len([tag for tag in page.tags if tag.name == "script"]) == 3
    links = {tag.attributes["href"] for tag in pages["blocks/honesty.html"].tags if tag.name == "a"}
    assert links >= {"../agents/coder.html", "../instructions/coder.html"}
    rows = json.loads(_site(kit)["search.js"].removeprefix("globalThis.CATALOG = ").removesuffix(";\n"))
    assert {(row[0], row[3]) for row in rows if row[0] in ("instructions", "skill")} == {
        *(("instructions", f"instructions/{name}.html") for name in ("coder", "house", "python")),
        ("skill", "skills/release.html"),
    }


def test_hostile_text_is_shown_as_it_is(hostile: Workbench) -> None:
    pages = _pages(_written(hostile))
    assert SCRIPT in pages["index.html"].text("table")
    assert SCRIPT in pages["agents/critic.html"].text("p")
    assert "U+202E" in pages["agents/critic.html"].text("mark")
    assert "U+2028" in pages["agents/critic.html"].text("mark")
    assert "javascript:alert(1)" in pages["graph.html"].text("span")
    policies = {
        tag.attributes["content"]
        for page in pages.values()
        for tag in page.tags[:4]
        if tag.attributes.get("http-equiv") == "Content-Security-Policy"
    }
    (policy,) = policies
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; ")
    assert "unsafe" not in policy


TEXTS = st.text(st.sampled_from("<>&\"'/= a\n\t\r\0\x1b\u202e\u2028\u200b\ufeff\ud800\U000e0041😀é-!]"), max_size=20)


@examples(300)
@given(TEXTS)
@example("</script><!--")
@example("\ud83d\ude00")
def test_any_text_is_only_text(value: str) -> None:
    page = Document(element("main", element("p", value, title=value), element("title", plain(value))))
    assert [tag.name for tag in page.tags if tag.name != "mark"] == ["main", "p", "title"]
    assert set(page.tags[1].attributes) == {"title"}
    assert not any(is_hidden(character) for character in f"{text(value)}{plain(value)}")
    text(value).encode()  # no lone surrogate is left
    assert page.text("p") == re.sub("[^\n\t]", lambda found: _named(found[0]), value)


def _named(character: str) -> str:
    return f"U+{ord(character):04X}" if is_hidden(character) else character


@examples(300)
@given(st.sets(st.text(max_size=100), max_size=20))
@example({"con", "con.x", "nul", "a--b", "a-b", "A-B", "", ".", "..", "a/../b", "x" * 200, "X" * 200, "a_b", "a.b"})
def test_paths_of_pages_are_safe_on_every_file_system(names: set[str]) -> None:
    paths = [page_path("agents", name) for name in names]
    assert len({path.casefold() for path in paths}) == len(names)
    for path in paths:
        assert re.fullmatch(r"agents/[a-z0-9][a-z0-9._-]{0,120}\.html", path)
        assert path.split("/")[1].split(".")[0] not in ("con", "prn", "aux", "nul", "com1", "lpt9")


def test_a_name_cannot_take_the_path_of_another() -> None:
    for name in ("A", "a/b", "con", "x" * 200):
        path = page_path("blocks", name)
        assert page_path("blocks", Path(path).stem) != path


@examples(100)
@given(st.sets(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=80))
@example({(number, number + 1) for number in range(60)})
@example({(0, number) for number in range(1, 60)})
def test_no_two_nodes_of_a_layout_overlap(pairs: set[tuple[int, int]]) -> None:
    edges = [Edge((AGENT, f"{start:02}"), (AGENT, f"{end:02}"), HANDS_OFF, "x") for start, end in sorted(pairs)]
    keys = sorted({key for edge in edges for key in (edge.start, edge.end)} | {(AGENT, "alone")})
    found = layout(keys, edges)
    assert found == layout(keys, edges)
    assert set(found.places) == set(keys)
    for (one, (x, y)), (other, (x2, y2)) in product(found.places.items(), repeat=2):
        assert one == other or abs(x - x2) >= WIDTH or abs(y - y2) >= HEIGHT
    assert all(x - WIDTH / 2 >= 0 and x + WIDTH / 2 <= found.size[0] for x, _ in found.places.values())
    assert all(y - HEIGHT / 2 >= 0 and y + HEIGHT / 2 <= found.size[1] for _, y in found.places.values())


def test_pages_are_plain_values() -> None:
    page = Page("impact.html", "Impact", element("p", "Nothing."), tab="Impact")
    files = files_of([page], "")
    assert "<h1>Impact</h1></div><p>Nothing.</p>" in files["impact.html"].decode()
    assert isinstance(page.body, Html)


# What is written to the folder


def _refused(bench: Workbench, *args: str) -> Run:
    before = bench.files()
    run = bench.run("catalog", *args)
    assert (run.status, run.stdout) == (2, "")
    assert bench.files() == before
    assert all(width(line) <= 60 or line.startswith(("error", "  help")) for line in run.stderr.splitlines())
    return run


def test_the_impact_of_a_change_is_a_page(kit: Workbench) -> None:
    git(kit.folder, "init", "--quiet")
    git(kit.folder, "add", ".")
    git(kit.folder, "commit", "--quiet", "--message=kit")
    kit.write(
        {
            "_blocks/honesty.md": "# HONESTY\n\nSay what you ran in {{PROJECT}} & <b>where</b>.\n",
            "agents/coder.toml": KIT["agents/coder.toml"].replace('"Bash(git log:*)"', '"Bash"'),
            "assemble.toml": SETTINGS.replace('"Kestrel"', '"Kite"'),
            "agents/new.toml": 'name = "new"\ndescription = "Is new."\nrole = "You are new."\n',
        }
    )
    (kit.folder / "agents/writer.toml").unlink()
    site = _written(kit, "--since", "HEAD")
    assert {*site} == {*FILES, LIST, "impact.html", "agents/new.html"} - {"agents/writer.html"}
    page = site["impact.html"]
    for text_on_page in (
        "From <code>HEAD</code> to <code>the work tree</code>: 4 agents affected: 8 files, 5 causes.",
        "<strong>coder: may now use Bash in Claude Code, Codex CLI</strong>",
        '<span class="added">+Say what you ran in {{PROJECT}} &amp; &lt;b&gt;where&lt;/b&gt;.</span>',
        '<span class="removed">-PROJECT = &quot;Kestrel&quot;</span>',
        "assemble.toml: values.PROJECT",
        "agents/new.toml",
        "agents/writer.toml",
    ):
        assert text_on_page in page
    assert 'href="agents/new.html"' in page
    assert "agents/writer.html" not in page
    assert kit.run("catalog", "site").status == 0
    assert not (kit.folder / "site/impact.html").exists()


def test_the_impact_of_nothing(kit: Workbench) -> None:
    git(kit.folder, "init", "--quiet")
    git(kit.folder, "add", ".")
    git(kit.folder, "commit", "--quiet", "--message=kit")
    assert "no agent is affected" in _written(kit, "--since", "HEAD")["impact.html"]
    assert kit.run("catalog", "site", "--since", "nowhere") == (
        2,
        "",
        "error: the revision `nowhere` does not exist\n  help: name a commit, a branch or a tag\n",
    )


def test_agents_with_errors_are_left_out(kit: Workbench) -> None:
    _written(kit)
    kit.write({"agents/critic.toml": KIT["agents/critic.toml"].replace('"coder"', '"codr"')})
    run = kit.run("catalog", "site")
    assert (run.status, run.stdout) == (1, "site/index.html\n")
    assert run.stderr.startswith("agents/critic.toml:6:10: error[H301] unknown agent `codr`\n") or "H301" in run.stderr
    assert run.stderr.endswith(", deleted 1\n")
    assert "agents/critic.html" not in _site(kit)
    assert "critic, broken" in _site(kit)["graph.html"]


def test_only_what_changed_is_written(kit: Workbench) -> None:
    _written(kit)
    before = kit.files()
    kit.write({"_blocks/unused.md": "# UNUSED\n\nMore.\n"})
    assert kit.run("catalog", "site").stderr == "wrote 2 of 15 files to site\n"
    after = kit.files()
    assert {name for name in before if name.startswith("site/") and before[name] != after[name]} == {
        *("site/blocks/unused.html", "site/search.js", f"site/{LIST}"),
    }


def test_pages_that_are_gone_are_deleted_unless_someone_edited_them(kit: Workbench) -> None:
    _written(kit)
    kit.write({"site/CNAME": "example.org\n", "site/agents/mine.html": "mine\n"})
    for name in ("unused", "rules"):
        (kit.folder / "_blocks" / f"{name}.md").unlink()
    kit.write({"site/blocks/rules.html": "edited\n", "assemble.toml": SETTINGS.replace(', "rules#testing"', "")})
    kit.write({"agents/coder.toml": KIT["agents/coder.toml"].replace(', "rules#commits"', "")})
    run = kit.run("catalog", "site")
    assert (run.status, run.stdout) == (0, "site/index.html\n")
    assert run.stderr == "kept site/blocks/rules.html, which was edited\nwrote 6 of 13 files to site, deleted 1\n"
    site = _site(kit)
    assert (site["CNAME"], site["agents/mine.html"], site["blocks/rules.html"]) == (
        "example.org\n",
        "mine\n",
        "edited\n",
    )
    assert "blocks/unused.html" not in site
    assert kit.run("catalog", "site").stderr == (
        "kept site/blocks/rules.html, which was edited\nsite is up to date: 13 files\n"
    )


@pytest.mark.parametrize("path", ["site/index.html", "site/search.js", "site/blocks/honesty.html"])
def test_an_edited_file_is_not_overwritten(path: str, kit: Workbench) -> None:
    _written(kit)
    kit.write({path: "edited\n", "_blocks/honesty.md": "# HONESTY\n"})
    assert _refused(kit, "site").stderr == (
        f"error: `{path}` was edited since it was written\n  help: move or delete it, or name another folder\n"
    )


def test_a_file_of_somebody_else_is_not_overwritten(kit: Workbench) -> None:
    _written(kit)
    kit.write({"_blocks/new.md": "# NEW\n", "site/blocks/new.html": "mine\n"})
    assert _refused(kit, "site").stderr == (
        "error: `site/blocks/new.html` was not written by this command\n"
        "  help: move or delete it, or name another folder\n"
    )


@pytest.mark.parametrize(
    ("folder", "message"),
    [
        ("other", "`other` has files that are not a catalog"),
        (".", "`.` has files that are not a catalog"),
        ("agents", "`agents` lies in the kit's own folder `agents`"),
        ("agents/site", "`agents/site` lies in the kit's own folder `agents`"),
        ("_blocks/new/site", "`_blocks/new/site` lies in the kit's own folder `_blocks`"),
        ("templates/site", "`templates/site` lies in the kit's own folder `templates`"),
        ("to-agents/site", "`to-agents/site` lies in the kit's own folder `agents`"),
        ("other/file", "`other/file` is not a folder"),
        (".git/site", "is in git's own folder"),
    ],
)
def test_a_folder_of_somebody_else_is_refused(folder: str, message: str, kit: Workbench) -> None:
    kit.write({"other/file": "x\n"})
    (kit.folder / "to-agents").symlink_to("agents")
    assert message in _refused(kit, folder).stderr


def test_a_link_out_of_the_work_tree_is_refused(tmp_path: Path, kit: Workbench) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (kit.folder / "site").symlink_to(outside)
    for folder in ("site", "site/new"):
        assert "is a link that leads outside the git work tree" in _refused(kit, folder).stderr
    assert list(outside.iterdir()) == []


def test_nothing_is_written_through_a_link_out_of_the_folder(kit: Workbench) -> None:
    _written(kit)
    outside = kit.folder / "outside"
    (kit.folder / "site" / "blocks").rename(outside)
    (kit.folder / "site" / "blocks").symlink_to(outside)
    assert "cannot be read: its real path is outside the folder of the catalog" in _refused(kit, "site").stderr


def test_a_list_from_a_stranger_cannot_name_other_files(kit: Workbench) -> None:
    _written(kit)
    content = "mine\n"
    digest = hashlib.sha256(content.encode()).hexdigest()
    names = ["../victim.html", "/victim.html", "agents/../../victim.html", "victim.md", ".git/x.html", "a/b/c.html"]
    kit.write({"victim.html": content, "site/victim.md": content, "site/a/b/c.html": content})
    with (kit.folder / "site" / LIST).open("a") as listed:
        listed.writelines(f"{digest}  {name}\n" for name in names)
    assert kit.run("catalog", "site").stderr == "site is up to date: 15 files\n"
    assert kit.read("victim.html") == kit.read("site/victim.md") == kit.read("site/a/b/c.html") == content


def test_an_interrupted_run_can_be_repeated(kit: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    _written(kit)
    kit.write({"_blocks/honesty.md": "# HONESTY\n\nNew.\n", "_blocks/new.md": "# NEW\n"})
    (kit.folder / "_blocks" / "unused.md").unlink()
    done = writer.replace_planned
    left = iter(range(4))

    def interrupted(tree: Tree, path: str, before: bytes | None, after: bytes | None) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        done(tree, path, before, after)

    with monkeypatch.context() as patch:
        patch.setattr(site_files, "replace_planned", interrupted)
        assert kit.run("catalog", "site").status == 130
    assert kit.run("catalog", "site").status == 0
    assert _site(kit) == _written(kit, folder="fresh")


def test_a_run_that_was_killed_at_once_can_be_repeated(kit: Workbench) -> None:
    (kit.folder / "site").mkdir()
    left = leave_temporary_file(kit.folder / "site")
    assert kit.run("catalog", "site").status == 0
    assert not left.exists()


def test_the_catalog_of_this_repository_can_be_written(bench: Workbench) -> None:
    run = bench.run("catalog", "site", "--kit", os.path.relpath(REPOSITORY, bench.folder))
    assert (run.status, run.stdout) == (0, "site/index.html\n")
    assert len(_pages(_site(bench))) == 5 + 7 + 1 + 12
