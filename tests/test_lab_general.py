"""The training of the general models: its pieces, what it reads, its loss, and that it goes on where it stopped."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from torch.nn import functional

from lab.__main__ import main
from lab.general import phase2
from lab.general.data import RESTART, Lines, Made, Texts, Windows, as_read, encoded, end_of, epoch
from lab.general.export import learner, network
from lab.general.grow import grown
from lab.general.loss import PLACES, sampled_loss, tied_loss
from lab.general.mean import mean
from lab.general.model import HIDDEN, Reader
from lab.general.pieces import END, build
from lab.general.precision import products
from lab.general.read_on import header, pieces, plan, read_on, told
from lab.general.train import ROWS, Plan, Run, bits_per_character, excess, only_one, train
from lstm_core.network import Network, load_model
from lstm_core.text import Tokenizer as Pieces

ENGLISH = [f"The {a} {b} the old house." for a in ("dog", "cat", "girl") for b in ("likes", "saw", "left")]
CHINESE = ["我喜欢猫。", "他看见了狗，她走了。", "我是中国人！"]


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return build(ENGLISH, CHINESE, size=400)


@pytest.fixture(scope="module")
def texts(tokenizer: Tokenizer) -> Texts:
    train = {
        "english/lines": encoded(ENGLISH * 20, tokenizer, "sentences", 1.5),
        "book": encoded([f"Chapter {k}. {ENGLISH[k % 9]}" for k in range(60)], tokenizer, "book", 1),
        "chinese/lines": encoded(CHINESE * 20, tokenizer, "sentences", 1),
    }
    return Texts(tokenizer, train, {}, {})


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("The dog's house", "The dog's house"),
        ("Zürich, 🙂 ﷽ <0x41>", "Zürich, 🙂 ﷽ <0x41>"),
        ("cafe\u0301", "café"),
        ("“It’s old.”", '"It\'s old."'),
        ("我喜欢狗,也喜欢猫.", "我喜欢狗，也喜欢猫。"),
        ("我有3.5块", "我有3.5块"),
        ("鬱 and 我", "鬱 and 我"),
        ("The dog\nThe cat", "The dog\n The cat"),
    ],
)
def test_any_text_can_be_written_in_the_pieces(tokenizer: Tokenizer, given: str, read: str) -> None:
    assert tokenizer.decode(tokenizer.encode(given).ids) == read


def test_a_frequent_chinese_character_is_one_piece_and_a_rare_one_its_bytes(tokenizer: Tokenizer) -> None:
    assert tokenizer.encode("我喜欢狗").tokens == ["我", "喜", "欢", "狗"]
    assert tokenizer.encode("鬱").tokens == ["<0xE9>", "<0xAC>", "<0xB1>"]


def test_a_word_at_the_start_is_the_same_piece_as_in_the_middle(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("house house\nhouse").ids
    assert ids[0] == ids[1] == ids[-1]


def test_the_loss_and_its_slopes_are_those_of_a_plain_cross_entropy() -> None:
    torch.manual_seed(0)
    places = 2 * PLACES + 17
    # Halves and quarters are exact in bfloat16, so that only the slopes are rounded.
    read = (torch.randint(-4, 5, (places, 16)) / 4).requires_grad_()
    pieces = (torch.randint(-4, 5, (40, 16)) / 2).requires_grad_()
    bias = torch.randn(40, requires_grad=True)
    targets, weights = torch.randint(0, 40, (places,)), torch.rand(places)
    plain = (functional.cross_entropy(read @ pieces.T + bias, targets, reduction="none") * weights).sum()
    expected = torch.autograd.grad(3 * plain, [read, pieces, bias])
    loss = tied_loss(read, pieces, bias, targets, weights)
    assert loss.item() == pytest.approx(plain.item(), rel=1e-3)
    for slope, true in zip(torch.autograd.grad(3 * loss, [read, pieces, bias]), expected, strict=True):
        assert (slope - true).abs().max() < 0.01 * true.abs().max()


def test_the_sampled_loss_is_that_of_all_pieces_in_the_mean_and_exact_where_none_is_left_out() -> None:
    torch.manual_seed(0)
    read, pieces, bias = torch.randn(60, 16, requires_grad=True), torch.randn(300, 16) / 2, torch.randn(300)
    targets, weights = torch.randint(0, 40, (60,)), torch.rand(60)
    whole = tied_loss(read, pieces, bias, targets, weights)
    slope = torch.autograd.grad(whole, read)[0]
    every = sampled_loss(read, pieces, bias, targets, weights, rest=300)
    assert every.item() == pytest.approx(whole.item(), rel=1e-3)
    drawn = [sampled_loss(read, pieces, bias, targets, weights, rest=100) for _ in range(300)]
    assert len({one.item() for one in drawn}) > 290
    assert np.mean([one.item() for one in drawn]) == pytest.approx(whole.item(), rel=0.01)
    mean = torch.stack([torch.autograd.grad(one, read)[0] for one in drawn]).mean(0)
    assert float((mean - slope).norm() / slope.norm()) < 0.1


def test_only_a_cell_state_beyond_4_is_held_back() -> None:
    h, c = torch.full((1, 2, 3), 50.0), torch.tensor([[[1.0, -4, 4], [6, -5, 0]]], requires_grad=True)
    (slope,) = torch.autograd.grad(excess((h, c)), c)
    assert excess((h, c.detach())) == pytest.approx((4 + 1) / 6) and excess((h,)) == 0
    assert slope.flatten().tolist() == pytest.approx([0, 0, 0, 4 / 6, -2 / 6, 0])


def test_an_epoch_reads_each_text_as_often_as_asked_and_books_in_their_order(texts: Texts) -> None:
    end = end_of(texts.tokenizer)
    read = epoch(texts.train, end, np.random.default_rng(0))
    assert (read.ids[read.starts - 1] == end).all()
    text = texts.tokenizer.decode(read.ids.tolist())
    assert text.count("dog likes") == pytest.approx(20 * 1.5 + 60 / 9, abs=12)
    assert text.count("喜") == 20
    for k in range(59):  # every paragraph once, and the next one after it unless its block ends
        after = text.split(f"Chapter {k}.")[1]
        assert (k + 1) % 12 == 0 or after.split("\n")[1].startswith(f" Chapter {k + 1}.")


def test_a_row_goes_on_or_starts_anew_at_the_beginning_of_a_text(texts: Texts) -> None:
    read = epoch(texts.train, end_of(texts.tokenizer), np.random.default_rng(0))
    windows, rng, restarts, moves = Windows(read, batch=8, time=10), np.random.default_rng(1), 0, 0
    before, *_ = windows.next(rng)
    for _ in range(200):
        at = windows.at.copy()
        ids, _, anew = windows.next(rng)
        assert (ids[0, ~anew] == before[-1, ~anew]).all()
        moved = windows.at - at != 10
        assert (anew | ~moved).all() and np.isin((windows.at[moved] - 10) % len(read.ids), read.starts).all()
        before, restarts, moves = ids, restarts + anew.sum(), moves + moved.sum()
    assert restarts / 1600 == pytest.approx(RESTART, abs=0.03)
    assert moves / 1600 == pytest.approx(RESTART / 2, abs=0.02)


def numbered(lengths: list[int], first: int) -> Lines:
    """Texts of so many pieces, each of one number of its own, whose last piece weighs 10."""
    ids = np.concatenate([np.full(n, first + k) for k, n in enumerate(lengths)])
    ends = np.cumsum(lengths)
    weights = np.ones(len(ids), np.float32)
    weights[ends - 1] = 10
    return Lines(ids.astype(np.uint16), np.array([0, *ends]), "sentences", 1, weights)


def test_a_window_of_made_text_begins_with_a_whole_one_and_cuts_only_its_last() -> None:
    lengths = {10: 3, 11: 9, 12: 5, 13: 20, 14: 7}
    texts = {"a": numbered([3, 9, 5], 10), "b": numbered([20, 7], 13)}
    made, rng, first = Made(texts, end=1, time=24, rows=4), np.random.default_rng(0), []
    for _ in range(200):
        ids, weights, anew = made.next(rng)
        assert ids.shape == (25, 4) and weights.shape == (24, 4) and anew.all()
        for row, heavy in zip(ids.T, weights.T, strict=True):
            marks = np.append(np.flatnonzero(row == 1), 25)
            runs = [row[a + 1 : b] for a, b in zip(marks, marks[1:], strict=False) if b - a > 1]
            assert row[0] == 1 and all(len(set(run)) == 1 for run in runs)
            assert all(len(run) == lengths[run[0]] for run in runs[:-1]) and len(runs[0]) == lengths[runs[0][0]]
            whole = sum(len(run) == lengths[run[0]] for run in runs)
            assert (heavy == 10).sum() == whole and (heavy[marks[1:-1] - 1] == 0).all()
            first.append(runs[0][0])
    assert first.count(13) / 800 == pytest.approx(20 / 44, abs=0.06)  # drawn by their length


@pytest.mark.parametrize("length", [23, 24, 25, 47, 48, 49, 60])
def test_made_text_that_is_longer_than_a_window_goes_on_from_its_state(length: int) -> None:
    """Each of its pieces is expected once, with its weight, and nothing begins anew before its end."""
    long = Lines(np.arange(10, 10 + length).astype(np.uint16), np.array([0, length]), "sentences", 1)
    long = replace(long, weights=np.arange(length).astype(np.float32))
    made, rng = Made({"short": numbered([5], 5), "long": long}, end=1, time=24, rows=3), np.random.default_rng(0)
    expected: list[list[list[int]]] = [[], [], []]  # by row and start from the state zero
    for _ in range(60):
        ids, weights, anew = made.next(rng)
        for k, row in enumerate(expected):
            if anew[k]:
                row.append([])
            else:
                assert ids[0, k] == row[-1][-1]
            row[-1] += ids[1:, k].tolist()
        told = ids[1:] >= 10
        assert (weights[told] == ids[1:][told] - 10).all()
    begun = [one for row in expected for one in row[:-1] if one[0] >= 10]
    assert len(begun) > 10 and all(one[:length] == list(range(10, 10 + length)) for one in begun)
    assert max(len(one) for row in expected for one in row) == 24 * -(-length // 24)


def test_made_text_is_read_beside_real_text_and_a_short_one_starts_anew(texts: Texts) -> None:
    made = {"made": numbered([5, 6, 7], 20)}
    run = Run(Plan(batch=8, time=12, made=0.25), replace(texts, made=made), "cpu", hidden=8)
    run.advance()
    ids, weights, anew = run._window()
    assert ids.shape == (13, 8) and anew[6:].all() and not anew[:6].all()
    assert set(ids[:, 6:].flatten()) <= {20, 21, 22, end_of(texts.tokenizer)}
    assert 10 in weights[:, 6:] and (weights[:, :6] == 1).all()


def test_a_stopped_training_goes_on_in_the_middle_of_a_made_text(texts: Texts, tmp_path: Path) -> None:
    made = {"made": numbered([70, 6, 90], 20)}
    first, again = (Run(Plan(batch=8, time=12, made=0.5), replace(texts, made=made), "cpu", hidden=8) for _ in "12")
    for _ in range(3):
        first.advance()
    assert first.made is not None and (first.made.at >= 0).any()
    first.save(tmp_path / "checkpoint.pt")
    onward = [first.advance() for _ in range(9)]
    again.resume(tmp_path / "checkpoint.pt")
    assert [again.advance() for _ in range(9)] == onward


@pytest.mark.parametrize(("cell", "rest"), [("lstm", 0), ("gru", 8), ("rnn", 0)])
def test_a_training_that_was_stopped_goes_on_as_if_it_had_not(
    cell: str, rest: int, texts: Texts, tmp_path: Path
) -> None:
    plan = Plan(cell=cell, tokens=8000, batch=8, time=16, warm_up=2, rest=rest, pronouns=1.0)
    run = Run(plan, texts, "cpu", hidden=24)
    first = [run.advance() for _ in range(40)]
    assert run.epoch >= 1  # so an epoch has ended under way, too
    run.save(tmp_path / "checkpoint.pt")
    onward = [run.advance() for _ in range(5)]
    other = Run(plan, texts, "cpu", hidden=24)
    other.resume(tmp_path / "checkpoint.pt")
    assert [other.advance() for _ in range(5)] == onward
    assert np.mean(onward) < np.mean(first[:5]) - 0.5  # and it learns
    assert not list(tmp_path.glob("*.new"))


def without(name: str) -> Any:
    return lambda kept: kept.pop(name)


OTHERS = {
    "no made_at": (without("made_at"), "KeyError: 'made_at'"),
    "no state": (without("state"), "KeyError: 'state'"),
    "one number less": (lambda kept: kept.update(where=kept["where"][:3]), "ValueError: not enough values"),
    "another network": (lambda kept: kept["model"].pop("bias"), "RuntimeError: .*bias"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_a_checkpoint_of_another_version_is_refused(case: str, texts: Texts, tmp_path: Path) -> None:
    change, reason = OTHERS[case]
    plan, path = Plan(tokens=2000, batch=8, time=12, made=0.5), tmp_path / "checkpoint.pt"
    with_made = replace(texts, made={"made": numbered([70, 6, 90], 20)})
    run = Run(plan, with_made, "cpu", hidden=8)
    run.advance()
    run.save(path)
    kept = torch.load(path, weights_only=True)
    change(kept)
    torch.save(kept, path)
    with pytest.raises(ValueError, match=f"(?s)begun by another version of Gatescope .{reason}.*remove its folder"):
        Run(plan, with_made, "cpu", hidden=8).resume(path)


def test_a_checkpoint_of_another_plan_is_refused(texts: Texts, tmp_path: Path) -> None:
    run = Run(Plan(tokens=4000, batch=4, time=12), texts, "cpu", hidden=8)
    run.advance()
    run.save(tmp_path / "checkpoint.pt")
    with pytest.raises(ValueError, match="choose another --out"):
        Run(Plan(tokens=5000, batch=4, time=12), texts, "cpu", hidden=8).resume(tmp_path / "checkpoint.pt")


def test_the_rate_warms_up_and_falls_to_its_last_share() -> None:
    plan = Plan(tokens=1000 * 128 * 70)
    rates = [plan.rate_at(step) for step in range(1001)]
    assert rates[0] == pytest.approx(3e-3 / 200) and max(rates) == rates[200] == 3e-3
    assert rates[600] == pytest.approx(3e-3 * (1 + 0.03) / 2) and rates[1000] == pytest.approx(0.03 * 3e-3)


def test_the_end_of_a_text_is_a_piece(tokenizer: Tokenizer) -> None:
    assert tokenizer.decode([end_of(tokenizer)]) == END


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_the_exported_network_is_the_trained_one(cell: str, tokenizer: Tokenizer, tmp_path: Path) -> None:
    torch.manual_seed(1)
    model = Reader(cell, tokenizer.get_vocab_size(), hidden=20, embedding=12).eval()
    for value in model.parameters():
        value.data.add_(torch.randn_like(value) / 10)  # no bias at 0
    ids = torch.tensor([end_of(tokenizer), *tokenizer.encode("The dog saw 我").ids])  # as in training
    with torch.no_grad():
        h = model.layer(model.embedding(ids))[0]
        scores = model.projection(h) @ model.embedding.weight.T + model.bias
    network(model, tokenizer, "one").save(tmp_path / "one.safetensors")
    found = Network.load(tmp_path / "one.safetensors")
    trace = found.run("The dog saw 我")
    np.testing.assert_allclose(trace.signals["h"][-1, 0, :, 0], h, atol=1e-6)
    np.testing.assert_allclose(found.logits(trace), scores, atol=1e-5)
    back = learner(found).eval()
    with torch.no_grad():
        read, _ = back(ids[:, None], back.start(1))
        again = read[:, 0] @ back.embedding.weight.T + back.bias
    torch.testing.assert_close(again, scores, atol=0.1, rtol=0)  # products in bfloat16
    assert pieces(found).encode("The dog").ids == tokenizer.encode("The dog").ids


@pytest.mark.parametrize(("cell", "written", "kept"), [("lstm", "i", "f"), ("gru", None, "z"), ("rnn", None, None)])
def test_the_price_is_what_the_first_units_write_and_forget(
    cell: str, written: str | None, kept: str | None, tokenizer: Tokenizer
) -> None:
    torch.manual_seed(3)
    model = Reader(cell, tokenizer.get_vocab_size(), hidden=20, embedding=12).eval()
    for value in model.parameters():
        value.data.add_(torch.randn_like(value) / 10)
    opened = network(model, tokenizer, "before").run("The dog saw").signals
    model.hold(6)
    text = "The dog saw the old house 我"
    signals = network(model, tokenizer, "one").run(text).signals
    ids = torch.tensor(tokenizer.encode(text).ids)[:, None]
    with torch.no_grad():
        x, h, _ = model.run(ids, model.start(1))
        price = float(model.price(x, h, model.start(1)[0][0], 6))
    first = {name: float(value[..., :6].mean()) for name, value in signals.items()}
    expected = (first[written] if written else 0) + (1 - first[kept] if kept else 0)
    assert price == pytest.approx(expected, abs=0.01)  # h is a bfloat16 number in training
    if cell == "lstm":
        assert first["f"] > 0.9 > opened["f"][..., :6].mean() and first["i"] < opened["i"][..., :6].mean()
        assert signals["f"][..., 6:].mean() < 0.9


def test_bits_are_those_of_every_piece_over_every_character(texts: Texts) -> None:
    torch.manual_seed(2)
    model = Reader("lstm", texts.tokenizer.get_vocab_size(), hidden=16, embedding=12)
    held_out = encoded(ENGLISH * 2, texts.tokenizer, "sentences", 1)
    found = bits_per_character(model, Texts(texts.tokenizer, {}, {"a": held_out}, {"a": 500}), torch.device("cpu"))
    ids = torch.from_numpy(as_read(held_out, end_of(texts.tokenizer)))
    nats, steps = 0.0, -(-(len(ids) - 1) // ROWS)
    for start in range(0, len(ids) - 1, steps):
        part = ids[start : start + steps + 1]
        with torch.no_grad():
            h = model.layer(model.embedding(part[:-1]))[0]
            scores = model.projection(h) @ model.embedding.weight.T + model.bias
        nats += float(functional.cross_entropy(scores, part[1:], reduction="sum"))
    assert found["a"] == pytest.approx(nats / np.log(2) / 500, rel=2e-3)


def test_the_bytes_of_a_rare_character_are_shown_as_numbers(tokenizer: Tokenizer) -> None:
    shown = Pieces(tokenizer.to_str())
    assert [shown.display(token.id) for token in shown.encode("鬱")] == ["0xE9", "0xAC", "0xB1"]


def test_two_trainings_do_not_share_a_folder(texts: Texts, tmp_path: Path) -> None:
    plan = Plan(tokens=600, batch=4, time=12)
    with only_one(tmp_path), pytest.raises(ValueError, match="another training is under way"):
        train(plan, texts, tmp_path)
    assert not (tmp_path / "checkpoint.pt").exists()
    only_one(tmp_path).close()  # and it is free again


def test_products_are_in_bfloat16_where_the_processor_has_them() -> None:
    """oneDNN's recurrent layers have them with AVX-512, and torch then says so. No random number is drawn for it."""
    products.cache_clear()
    torch.manual_seed(0)
    found = products(torch.device("cpu"))
    assert found == (torch.bfloat16 if torch.backends.cpu.get_cpu_capability() == "AVX512" else torch.float32)
    drawn = torch.rand(1)
    torch.manual_seed(0)
    assert drawn == torch.rand(1)


def test_a_price_on_the_wrong_pronoun_teaches_which_it_is(texts: Texts) -> None:
    """The same windows with and without it, after as many steps: 她 comes after a comma and 他 at the beginning."""
    wrong = []
    for price in (0.0, 30.0):
        run = Run(Plan(batch=8, time=12, pronouns=price, rate=1e-2, warm_up=1), texts, "cpu", hidden=8)
        assert run.model.dropout.p == run.plan.dropout > 0
        for _ in range(30):
            run.advance()
        run.model.eval()
        ids = torch.tensor([[end_of(texts.tokenizer), *texts.tokenizer.encode(CHINESE[1]).ids]]).T
        with torch.no_grad():
            read, _ = run.model(ids[:-1], run.model.start(1))
            which = run.pronouns.loss(read[:, 0], run.model.embedding.weight, run.model.bias, ids[1:, 0])
        wrong.append(float(which))
    assert wrong[1] < 0.5 * wrong[0], wrong


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_a_shipped_model_reads_on_from_its_weights_and_its_header_tells_both(
    cell: str, texts: Texts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(4)
    size = texts.tokenizer.get_vocab_size()
    meta: dict[str, Any] = {"seed": 0, "tokens": 1000, "steps": 2, "seconds": 3.5, "machine": "a, then b"}
    meta["hidden"] = HIDDEN[cell]
    meta["bits"] = {"network": {}, "5-gram": 1}
    before = network(Reader(cell, size), texts.tokenizer, f"general-{cell}", meta)
    held_out = {"a": encoded(ENGLISH, texts.tokenizer, "sentences", 1)}
    whole = replace(texts, made={"made": numbered([5, 6, 7], 20)}, held_out=held_out, characters={"a": 300})
    monkeypatch.setattr(phase2, "with_made", lambda *given: whole)
    monkeypatch.setattr(phase2.Sentences, "of", lambda folder: None)
    marked = ["The girl left. [She] saw the dog.", "The dog left. [He] saw the girl."]
    monkeypatch.setattr(phase2, "fresh", lambda *given: {"English": marked})
    larger = read_on(before, tmp_path, 1, tmp_path / "larger", units=1 + before.hidden_size)
    assert larger.hidden_size == larger.meta["hidden"] == larger.meta["read_on"][0]["units"] == 1 + before.hidden_size
    assert f" more. It began with {before.hidden_size} units; the others" in told(larger.meta)
    after = read_on(before, tmp_path, 14_000, tmp_path / "work")
    assert after.hidden_size == after.meta["read_on"][0]["units"] == before.hidden_size and told(before.meta) == ""
    moved = np.abs(after.embedding - before.embedding).max()
    assert 0 < moved < 0.05  # so few steps lead nowhere else, as from other random weights they would
    assert after.predicts.through is after.embedding and after.tokenizer == before.tokenizer
    (read,) = after.meta["read_on"]
    assert read["tokens"] == after.meta["tokens"] - 1000 == 4 * 32 * 140 and read["steps"] == after.meta["steps"] - 2
    assert after.meta["machine"].startswith("a, then b, then ") and after.meta["bits"]["5-gram"] == 1
    assert 0 < after.meta["bits"]["network"]["English"] < 20
    assert plan(after, 1).seed == 2 and plan(before, 1).seed == 1
    assert read["window"] == 140 and plan(before, 1) == plan(before, 1, 140)
    longer, longest = plan(before, 1, 448), plan(before, 1, 4000)  # as many tokens a step, but never in few rows
    assert (longer.time, longer.batch, longest.time, longest.batch) == (448, 10, 4000, 8)
    own = phase2.plan(cell)  # what has read this much learns little by heart, so nothing is dropped
    assert read["dropout"] == longer.dropout == 0 < own.dropout and read["made"] == longer.made < own.made
    again = plan(before, 1, 448, made=0.4, rate=7e-4)
    assert longer.rest > own.rest and again == replace(longer, made=0.4, rate=7e-4) != longer
    assert header(after.meta, read, {})["machine"] == after.meta["machine"]  # twice on one machine
    monkeypatch.setattr("lab.general.mean.collect", lambda *given: whole)
    between = mean(before, after, 0.25, tmp_path)
    for one, other, both in zip(*(numbers(model) for model in (before, after, between)), strict=True):
        np.testing.assert_allclose(both, 0.75 * one + 0.25 * other, rtol=0, atol=1e-6)
    assert between.meta["mean"] == [{"share": 0.25, "readings": [0, 1]}]
    assert told(after.meta) == "After its training it read 0 million tokens more."
    assert told(between.meta) == told(after.meta) + (
        " Its weights are the mean of what they were before and after its last readings."
    )
    assert after.meta["bits"]["network"] != between.meta["bits"]["network"] != {}
    assert {**between.meta, "bits": 0, "mean": 0} == {**after.meta, "bits": 0, "mean": 0}
    for one, other in ((after, before), (replace(before, name="b"), after)):
        with pytest.raises(ValueError, match="has not read on from that"):
            mean(one, other, 0.25, tmp_path)


@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_what_has_grown_computes_as_before_until_it_learns(cell: str) -> None:
    torch.manual_seed(8)
    small = Reader(cell, 30, 12, 10)
    with torch.no_grad():  # weights of a network that has learned: also what begins at 0
        for value in small.parameters():
            value.add_(0.3 * torch.randn(value.shape))
    large, ids = grown(small, 20), torch.randint(30, (15, 4))
    assert large.hidden == 20 and large.embedding.weight.shape == (30, 10)
    (_, few, ended), (_, many, last) = (model.run(ids, model.start(4)) for model in (small, large))
    torch.testing.assert_close(many[..., :12], few, rtol=0, atol=1e-6)
    torch.testing.assert_close(large.read(many), small.read(few), rtol=0, atol=1e-6)
    for one, other in zip(last, ended, strict=True):
        torch.testing.assert_close(one[..., :12], other, rtol=0, atol=1e-6)
    new = many[..., 12:]
    assert (new.std((0, 1)) > 0.01).all() and len(new[-1, 0].unique()) == 8, "no two new units are alike"
    large.read(many).square().sum().backward()
    for name, value in large.named_parameters():
        if name == "projection.weight":
            assert value.grad is not None and (value.grad[:, 12:] != 0).all(), "they learn to be read"
    if cell == "lstm":
        assert (large.layer.bias_ih_l0[20 + 12 : 40] == 1).all(), "they begin by keeping"


def test_a_network_does_not_shrink(texts: Texts, tmp_path: Path) -> None:
    before = network(Reader("gru", texts.tokenizer.get_vocab_size(), 12), texts.tokenizer, "general-gru", {"seed": 0})
    for units in (11, 12):
        with pytest.raises(ValueError, match=f"of 12 units grows to more than that, not to {units}"):
            read_on(before, tmp_path, 10, tmp_path / "work", units=units)
    with pytest.raises(ValueError, match="has not read on from that"):
        larger = network(grown(learner(before), 13), texts.tokenizer, before.name, before.meta)
        mean(before, larger, 0.5, tmp_path)


def numbers(model: Network) -> list[np.ndarray]:
    """All weights."""
    return [model.embedding, model.predicts.weight, model.predicts.bias, *model.layers[0][0].values()]


def test_only_a_model_of_this_form_reads_on() -> None:
    with pytest.raises(ValueError, match="pronouns-lstm is no general model"):
        learner(load_model("pronouns-lstm"))


def test_the_command_reads_on_only_from_a_shipped_general_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["--text", str(tmp_path), "--out", str(tmp_path)]
    assert main(["read-on", "pronouns-lstm", *given]) == 2 and "does not read on: general-" in capsys.readouterr().err
    for tokens in (0, -20_000_000):
        assert main(["read-on", "general-gru", *given, f"--tokens={tokens}"]) == 2
        assert "1 or more" in capsys.readouterr().err
    assert main(["read-on", "general-gru", *given, "--window=1"]) == 2 and "2 or more" in capsys.readouterr().err
    assert main(["read-on", "general-gru", *given]) == 2 and "to go on from" in capsys.readouterr().err
    before = load_model("general-gru")
    before.save(tmp_path / "general-gru.safetensors", "int8")
    asked, unfinished = [], tmp_path / "general-gru.unfinished"
    unfinished.touch()
    assert main(["read-on", "general-gru", *given]) == 2 and "is in the way" in capsys.readouterr().err
    unfinished.unlink()
    unfinished.mkdir()

    def further(model: Network, *how: object, **otherwise: float) -> Network:
        asked.append((*how, otherwise))
        return replace(model, meta={**model.meta, "read_on": [1]})

    monkeypatch.setattr("lab.general.read_on.read_on", further)
    assert main(["read-on", "general-gru", *given, "--tokens", "7", "--window", "9"]) == 0
    assert asked.pop() == (tmp_path, 7, unfinished, 9, None, {})
    assert not unfinished.exists(), "a checkpoint of this run would be in the way of the next"
    assert "lab measure general-gru" in capsys.readouterr().out
    after = Network.load(tmp_path / "general-gru.safetensors")
    assert after.meta["read_on"] == [1] and np.array_equal(after.embedding, before.embedding)
    assert main(["read-on", "general-gru", *given, "--made=.4", "--rate=.0007"]) == 0
    assert asked.pop()[-1] == {"made": 0.4, "rate": 0.0007}
    assert main(["read-on", "general-gru", *given, "--units=500"]) == 0 and asked.pop()[-2:] == (500, {})
    for wrong in ("--made=1.5", "--made=0", "--rate=-1"):
        assert main(["read-on", "general-gru", *given, wrong]) == 2 and "between 0 and 1" in capsys.readouterr().err


def test_the_command_takes_the_mean_of_two_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = load_model("general-gru")
    before.save(tmp_path / "before.safetensors", "int8")
    replace(before, meta={**before.meta, "then": 1}).save(tmp_path / "after.safetensors", "int8")

    def taken(one: Network, other: Network, share: float, texts: Path) -> Network:
        return replace(other, meta={**other.meta, "mean": [share, str(texts)]})

    monkeypatch.setattr("lab.general.mean.mean", taken)
    given = [*(str(tmp_path / f"{name}.safetensors") for name in ("before", "after")), f"--text={tmp_path}"]
    assert main(["mean", "general-gru", *given, "--share=1"]) == 2 and "between 0 and 1" in capsys.readouterr().err
    assert main(["mean", "pronouns-gru", *given]) == 2 and "reads no folder" in capsys.readouterr().err
    assert main(["mean", "general-gru", *given, "--share=.3", f"--out={tmp_path}"]) == 0
    assert "lab measure general-gru" in capsys.readouterr().out
    meta = Network.load(tmp_path / "general-gru.safetensors").meta
    assert meta["mean"] == [0.3, str(tmp_path)] and meta["then"] == 1
