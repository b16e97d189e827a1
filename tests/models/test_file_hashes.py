from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from konseho_cli.core.errors import ModelRefused
from konseho_cli.models import file_hashes
from konseho_cli.models.file_hashes import FileHashes, Unmatched, find, problem_of


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a.py", "b.txt", "sub/c.py", "sub/deep/d.py", ".git/e.py", "__pycache__/f.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
        os.utime(path, (1_000_000_000, 1_000_000_000))
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.py", {"a.py"}),
        ("**/*.py", {"a.py", "sub/c.py", "sub/deep/d.py"}),
        ("sub/**/*.py", {"sub/c.py", "sub/deep/d.py"}),
        ("sub/*.py", {"sub/c.py"}),
        ("./a.py", {"a.py"}),
        ("sub/deep/d.py", {"sub/deep/d.py"}),
        ("sub/**", {"sub/c.py", "sub/deep/d.py"}),
        ("[ab].*", {"a.py", "b.txt"}),
        ("[!a].*", {"b.txt"}),
        ("?.py", {"a.py"}),
        ("**/deep/*", {"sub/deep/d.py"}),
        ("**/**/c.py", {"sub/c.py"}),
        ("[!z]*/[!z]*", {"sub/c.py"}),
        ("[^b]*", {"a.py"}),
        ("[a&&b]*", {"a.py", "b.txt"}),
    ],
)
def test_patterns_are_those_of_a_shell(tree: Path, pattern: str, names: set[str]) -> None:
    assert set(find(tree, [pattern])) == names


@pytest.mark.parametrize("pattern", ["[z-a]*", "[a--", "[", "[!]", "[]", "[a||b][~~", "[z-a]"])
def test_what_looks_like_a_class_and_is_none_fits_nothing(tree: Path, pattern: str) -> None:
    with pytest.raises(Unmatched):
        find(tree, [pattern])


def fits(pattern: list[str], name: list[str]) -> bool:
    """The meaning of a pattern, slowly."""
    if not pattern:
        return not name
    if pattern[0] == "**":
        return bool(name) and (
            len(pattern) == 1 or any(fits(pattern[1:], name[skip:]) for skip in range(len(name)))
        )
    return bool(name) and fits_part(pattern[0], name[0]) and fits(pattern[1:], name[1:])


def fits_part(pattern: str, name: str) -> bool:
    if pattern[:1] == "*":
        return any(fits_part(pattern[1:], name[skip:]) for skip in range(len(name) + 1))
    if not pattern or not name:
        return pattern == name
    return pattern[0] in ("?", name[0]) and fits_part(pattern[1:], name[1:])


@given(
    st.lists(
        st.sampled_from(["**", *("*", "a", "a*", "*a", "*b*a", "?*b", "**b", "ab")]), min_size=1
    ),
    st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=5),
)
def test_a_pattern_means_what_it_says(pattern: list[str], name: list[str]) -> None:
    found = file_hashes._compiled("/".join(pattern)).fullmatch("/".join(name))
    assert (found is not None) == fits(pattern, name)


@pytest.mark.parametrize("pattern", ["*a" * 12 + "b", "**/" * 12 + "x", "**/a/" * 12 + "x"])
def test_no_pattern_takes_for_ever(tmp_path: Path, pattern: str) -> None:
    """A search that tries all ways to divide a name over the stars would not end in our lives."""
    folder = tmp_path.joinpath(*["a"] * 40)
    folder.mkdir(parents=True)
    (folder / ("a" * 200)).touch()
    (tmp_path / ("a" * 200)).touch()
    with pytest.raises(Unmatched):
        find(tmp_path, [pattern])


def test_folders_may_be_as_deep_as_they_like(tmp_path: Path) -> None:
    folders = [str(tmp_path.joinpath(*["d"] * depth)) for depth in range(1, 1201)]
    for folder in folders:
        os.mkdir(folder)
    file = Path(folders[-1], "x")
    file.touch()
    try:
        assert len(find(tmp_path, ["**/x"])) == 1
    finally:  # pytest clears its folders away by recursion, which ends in an error this deep
        file.unlink()
        for folder in reversed(folders):
            os.rmdir(folder)


def test_what_fits_nothing_is_said(tree: Path) -> None:
    with pytest.raises(Unmatched, match="fits no file"):
        find(tree, ["*.py", "*.rs"])


@pytest.mark.parametrize("pattern", ["/etc/*", "~/x", "../x", "a/../../x", "", "a\0b"])
def test_patterns_stay_in_the_folder(pattern: str) -> None:
    assert problem_of(pattern)
    assert problem_of("a/**/b.py") is None


def test_a_link_out_of_the_folder_is_refused_and_one_inside_is_its_file(
    tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret"
    outside.write_text("x")
    (tree / "in.lnk").symlink_to("a.py")
    (tree / "gone.lnk").symlink_to("nothing")
    assert set(find(tree, ["*.lnk"])) == {"in.lnk"}
    (tree / "out.lnk").symlink_to(outside)
    with pytest.raises(ModelRefused, match="leads out"):
        find(tree, ["*.lnk"])


def test_links_to_folders_are_not_followed(tree: Path) -> None:
    (tree / "sub" / "round").symlink_to(tree)
    assert set(find(tree, ["**/*.py"])) == {"a.py", "sub/c.py", "sub/deep/d.py"}


def test_too_many_files_are_refused(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(file_hashes, "MOST_FILES", 2)
    with pytest.raises(ModelRefused, match="more than 2"):
        find(tree, ["**/*.py"])


def test_a_pipe_is_no_file(tree: Path) -> None:
    os.mkfifo(tree / "x.pipe")
    with pytest.raises(Unmatched):
        find(tree, ["*.pipe"])


def test_names_and_contents_count_and_times_do_not(tree: Path) -> None:
    hashes = FileHashes()
    before = hashes.digest(tree, ["**/*.py"])
    os.utime(tree / "a.py")
    assert hashes.digest(tree, ["**/*.py"]) == before
    (tree / "a.py").rename(tree / "z.py")
    renamed = hashes.digest(tree, ["**/*.py"])
    assert renamed != before
    (tree / "z.py").write_text("z.py ")
    assert hashes.digest(tree, ["**/*.py"]) != renamed


def test_a_change_that_leaves_size_and_time_as_they_were_is_seen(tree: Path) -> None:
    """As git does: a file that is as young as its hash is read again."""
    file, hashes = tree / "a.py", FileHashes()
    file.write_text("one")
    before, state = hashes.digest(tree, ["a.py"]), file.stat()
    with file.open("r+") as opened:
        opened.write("two")
    os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert hashes.digest(tree, ["a.py"]) != before


def test_what_did_not_change_is_not_read_again(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    just_made = -(10**18)  # settled all the same
    monkeypatch.setattr("konseho_cli.core.freshness._SETTLED_NS", just_made)
    hashes = FileHashes()
    before = hashes.digest(tree, ["a.py"])
    monkeypatch.setattr("konseho_cli.models.file_hashes.hashlib.blake2b", _only_whole(before))
    hashes.digest(tree, ["a.py"])


def _only_whole(answer: bytes) -> object:
    class Whole:
        made = 0

        def __init__(self, digest_size: int = 64) -> None:
            Whole.made += 1
            assert Whole.made == 1, "a file was read again"

        def update(self, data: bytes) -> None:
            """Ignore it."""

        def digest(self) -> bytes:
            return answer

    return Whole


@settings(max_examples=60, deadline=None)
@given(
    files=st.dictionaries(st.sampled_from("abcd"), st.binary(max_size=3), min_size=1),
    data=st.data(),
)
def test_equal_trees_are_equal_and_others_are_not(
    tmp_path_factory: pytest.TempPathFactory, files: dict[str, bytes], data: st.DataObject
) -> None:
    one, other = (tmp_path_factory.mktemp("tree") for _ in range(2))
    for name, content in files.items():
        (one / name).write_bytes(content)
    for name in sorted(files, reverse=True):
        (other / name).write_bytes(files[name])
    assert FileHashes().digest(one, ["*"]) == FileHashes().digest(other, ["*"])
    name = data.draw(st.sampled_from(sorted(files)))
    (other / name).write_bytes(files[name] + b"!")
    assert FileHashes().digest(one, ["*"]) != FileHashes().digest(other, ["*"])
