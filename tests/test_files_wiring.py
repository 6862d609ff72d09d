"""What stands around the blocks of a file: which reads which, which matrix feeds it, which reads its output."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lstm_core.block import Block, Source
from lstm_core.files import Loaded, load, wiring
from tests.test_block import block
from tests.uploads import safetensors, saved

torch = pytest.importorskip("torch")
nn = torch.nn


def stack(*reads: Source | None, **options: Any) -> Loaded:
    """Three blocks of 3 -> 4 -> 5 -> 6 units, called a, b and c."""
    blocks = [
        replace(block(width=w, hidden=w + 1), name=n, reads=r) for w, n, r in zip((3, 4, 5), "abc", reads, strict=True)
    ]
    return Loaded("Keras", tuple(blocks), **options)


def by_hand(blocks: tuple[Block, ...], x: np.ndarray) -> dict[str, np.ndarray]:
    """h of each block (time, batch, unit), the blocks on top of each other."""
    shown = {}
    for one in blocks:
        h = one.trace(x).sel("h", layer=0, direction=0)
        shown[one.name], x = h, h.swapaxes(0, 1)
    return shown


X = np.random.default_rng(1).normal(size=(2, 6, 3))


def test_stacked_layers_are_one_network_to_run() -> None:
    loaded = stack(Source(), Source("a"), Source("b"))
    traces = loaded.trace(X)
    assert list(traces) == ["a", "b", "c"]
    for name, h in by_hand(loaded.blocks, X).items():
        np.testing.assert_allclose(traces[name].sel("h", layer=0, direction=0), h, atol=1e-14)
    single = loaded.trace(X[1])
    np.testing.assert_allclose(single["c"].sel("h", batch=0), traces["c"].sel("h", batch=1), atol=1e-14)


def test_blocks_run_in_the_order_of_the_wires_not_of_the_file() -> None:
    loaded = stack(Source(), Source("a"), Source("b"))
    turned = replace(loaded, blocks=loaded.blocks[::-1])
    traces = turned.trace(X)
    assert list(traces) == ["a", "b", "c"]
    np.testing.assert_array_equal(traces["c"].signals["h"], loaded.trace(X)["c"].signals["h"])


def test_a_mask_holds_for_the_layers_above() -> None:
    loaded = stack(Source(), Source("a"), Source("b"))
    read = np.array([[0, 0, 1, 1, 1, 1], [1, 1, 1, 1, 1, 1]], bool)
    short = loaded.trace(X[:1, 2:])
    for traces in (loaded.trace(X, mask=read), _masking(loaded).trace(np.where(read[..., None], X, 0))):
        for name in "abc":
            shown = traces[name].sel("h", batch=0, time=slice(2, None))
            np.testing.assert_allclose(shown, short[name].sel("h", batch=0), atol=1e-14)
            assert np.isnan(traces[name].sel("f", batch=0, time=slice(0, 2))).all()


def _masking(loaded: Loaded) -> Loaded:
    first, *rest = loaded.blocks
    return replace(loaded, blocks=(replace(first, mask_value=0.0), *rest))


def test_ids_are_looked_up_where_the_file_names_the_embedding() -> None:
    table = np.random.default_rng(2).normal(size=(9, 3))
    loaded = stack(Source("emb", mask_zero=True), Source("a"), Source("b"), others={"emb": table})
    ids = np.array([[0, 0, 3, 4], [5, 6, 7, 8]])
    traces = loaded.trace(ids)
    expected = loaded.trace(table[ids], mask=ids != 0)
    for name in "abc":
        np.testing.assert_array_equal(traces[name].signals["h"], expected[name].signals["h"])
    np.testing.assert_allclose(loaded.trace(ids[1])["c"].sel("h", batch=0), traces["c"].sel("h", batch=1), atol=1e-14)


@pytest.mark.parametrize(
    ("others", "advice"),
    [
        ({"emb.weight": np.ones((9, 3))}, r"If it is emb\.weight: trace\(loaded\.others\['emb\.weight'\]\[ids\]\)"),
        ({}, "look them up first in the model's embedding, which this file does not hold"),
    ],
)
@pytest.mark.parametrize("ids", [np.array([1, 2, 3, 4]), np.array([[1, 2], [3, 4]])])
def test_ids_without_a_word_of_the_file_are_answered_with_what_to_do(
    others: dict[str, np.ndarray], advice: str, ids: np.ndarray
) -> None:
    loaded = Loaded("PyTorch", (block(width=3),), others)
    with pytest.raises(ValueError, match=rf"b reads vectors of 3 numbers, and these are whole numbers; .*{advice}"):
        loaded.trace(ids)
    assert loaded.trace(np.ones((4, 3), int))["b"].shape[2] == 4  # vectors that happen to be whole numbers


def test_layers_between_are_named_and_not_read_through() -> None:
    loaded = stack(Source(), Source("a", ("Dense mix", "Conv1D conv")), Source("b"))
    with pytest.raises(ValueError, match=r"b reads what Dense mix > Conv1D conv made of its input.*loaded\['b'\]"):
        loaded.trace(X)


def test_two_blocks_on_one_input_both_run() -> None:
    other = replace(block(width=3, hidden=2), name="d", reads=Source())
    loaded = stack(Source(), Source("a"), Source("b"))
    traces = replace(loaded, blocks=(*loaded.blocks, other)).trace(X)
    np.testing.assert_array_equal(traces["d"].signals["h"], other.trace(X).signals["h"])


def test_wires_that_go_in_a_circle_end() -> None:
    loaded = stack(Source("c"), Source("a"), Source("b"))
    assert [len(wiring.below(loaded, one)) for one in loaded.blocks] == [2, 2, 2]
    with pytest.raises(ValueError, match="reads"):  # whichever comes first has nothing of its width to read
        loaded.trace(X)


# ---- a state dict says nothing of wires


class Two(nn.Module):
    def __init__(self, between: nn.Module | None = None, width: int = 4) -> None:
        super().__init__()
        self.emb = nn.Embedding(20, 3)
        self.first = nn.LSTM(3, 4, batch_first=True)
        if between is not None:
            self.between = between
        self.second = nn.LSTM(width, 5, batch_first=True)
        self.out = nn.Linear(5, 20)


def opened(module: nn.Module) -> Loaded:
    return load(saved(module), batch_first=True)


def test_the_order_of_a_state_dict_is_taken_and_said() -> None:
    module = Two().eval()
    loaded = opened(module)
    ids = torch.arange(12).reshape(2, 6)
    traces = loaded.trace(module.emb(ids).detach().numpy())
    with torch.no_grad():
        expected = module.second(module.first(module.emb(ids))[0])[0].numpy()
    np.testing.assert_allclose(traces["second"].sel("h", layer=0, direction=0).swapaxes(0, 1), expected, atol=1e-6)
    assert "second reads the output of first" in traces["second"].assumed[-1]
    assert not any("reads the output" in text for text in traces["first"].assumed)
    assert wiring.embeddings(loaded, loaded["first"]) == ["emb.weight"]
    assert wiring.outputs(loaded, loaded["second"], 20) == ["out.weight"]
    assert wiring.outputs(loaded, loaded["first"], 20) == [], "another block stands on it"


@pytest.mark.parametrize("between", [nn.LayerNorm(4), nn.Linear(4, 4), nn.Conv1d(4, 4, 3)], ids=str)
def test_a_layer_between_two_blocks_contradicts_the_order(between: nn.Module) -> None:
    loaded = opened(Two(between))
    assert wiring.below(loaded, loaded["second"]) == ()
    with pytest.raises(ValueError, match=r"second reads \(batch, time, 4\)"):
        loaded.trace(np.zeros((2, 6, 3)))


def test_widths_that_do_not_fit_contradict_the_order() -> None:
    loaded = opened(Two(width=7))
    assert wiring.below(loaded, loaded["second"]) == ()


def test_one_block_alone_is_run_as_it_is() -> None:
    loaded = opened(nn.GRU(3, 4, 2, batch_first=True))
    traces = loaded.trace(X)
    np.testing.assert_array_equal(traces[""].signals["h"], loaded.blocks[0].trace(X).signals["h"])


class Tagger(nn.Module):
    """A module of these layers, in this order; ``rnn`` reads 4 and gives 6."""

    def __init__(self, **layers: nn.Module) -> None:
        super().__init__()
        for name, layer in layers.items():
            self.add_module(name, layer)


RNN = ("rnn", lambda: nn.LSTM(4, 6))


@pytest.mark.parametrize(
    ("layers", "names"),
    [
        ({"emb": nn.Embedding(30, 4), "rnn": nn.LSTM(4, 6), "fc": nn.Linear(6, 30)}, ["emb.weight"]),
        ({"word_vectors": nn.Embedding(30, 4), "rnn": nn.LSTM(4, 6)}, ["word_vectors.weight"]),
        ({"rnn": nn.LSTM(4, 6), "fc": nn.Linear(4, 30)}, []),  # as wide as the input by chance
        ({"rnn": nn.LSTM(4, 6), "decoder": nn.Linear(4, 30, bias=False)}, []),
        ({"emb": nn.Embedding(30, 4), "conv": nn.Conv1d(4, 4, 3), "rnn": nn.LSTM(4, 6)}, []),
        ({"emb": nn.Embedding(30, 4), "norm": nn.LayerNorm(4), "rnn": nn.LSTM(4, 6)}, []),
        (
            {"emb": nn.Embedding(30, 4), "pos_emb": nn.Embedding(50, 4), "rnn": nn.LSTM(4, 6)},
            ["pos_emb.weight", "emb.weight"],
        ),
        ({"rnn": nn.LSTM(4, 6), "fc": nn.Linear(6, 30), "emb": nn.Embedding(30, 4)}, ["emb.weight"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_an_embedding_is_offered_where_nothing_contradicts_it(layers: dict[str, nn.Module], names: list[str]) -> None:
    loaded = opened(Tagger(**layers))
    assert wiring.embeddings(loaded, loaded["rnn"]) == names


def test_what_contradicts_an_embedding_is_said() -> None:
    loaded = opened(Tagger(emb=nn.Embedding(30, 4), conv=nn.Conv1d(4, 4, 3), rnn=nn.LSTM(4, 6), fc=nn.Linear(4, 30)))
    assert wiring.contradiction(loaded, "emb.weight", loaded["rnn"]) == "conv lies between emb.weight and rnn"
    assert wiring.contradiction(loaded, "fc.weight", loaded["rnn"]) == "fc.weight has the name of an output layer"


def test_the_word_of_the_file_counts_more_than_shapes() -> None:
    table, other = np.zeros((9, 3), np.float32), np.zeros((9, 3), np.float32)
    loaded = stack(Source("x"), Source("a"), Source("b"), others={"emb": other, "x": table})
    assert wiring.embeddings(loaded, loaded["a"]) == ["x"]
    between = stack(Source("x", ("Conv1D c",)), Source("a"), Source("b"), others={"emb": other, "x": table})
    assert wiring.embeddings(between, between["a"]) == []
    outputs = {"one": np.zeros((6, 9), np.float32), "two": np.zeros((6, 9), np.float32)}
    loaded = stack(Source(), Source("a"), Source("b"), others=outputs, roles={"one": "Dense", "two": "output"})
    assert wiring.outputs(loaded, loaded["c"], 9) == ["two"]


# ---- a file whose writer sorted the names says nothing of an order


def listed(layers: dict[str, nn.Module]) -> bytes:
    """The weights of these layers as safetensors has them: the arrays sorted by name."""
    tensors = {name: value.numpy() for name, value in Tagger(**layers).state_dict().items()}
    return safetensors(tensors)


def test_a_layer_that_only_the_alphabet_puts_between_is_not_between() -> None:
    loaded = load(listed({"embedding": nn.Embedding(30, 8), "rnn": nn.GRU(8, 12), "readout": nn.Linear(12, 30)}))
    assert list(loaded.layout)[:2] == ["embedding.weight", "readout.bias"], "the order that misleads"
    assert wiring.embeddings(loaded, loaded["rnn"]) == ["embedding.weight"]
    assert wiring.outputs(loaded, loaded["rnn"], 30) == ["readout.weight"]


@pytest.mark.parametrize("hidden", [8, 12, 30])
def test_a_readout_is_never_between_whatever_its_width(hidden: int) -> None:
    layers = {"embedding": nn.Embedding(30, 8), "rnn": nn.GRU(8, hidden), "readout": nn.Linear(hidden, 30)}
    loaded = load(listed(layers))
    assert wiring.embeddings(loaded, loaded["rnn"]) == ["embedding.weight"]
    assert wiring.outputs(loaded, loaded["rnn"], 30)[0] == "readout.weight"


@pytest.mark.parametrize(
    ("between", "named"),
    [
        ({"a_proj": nn.Linear(8, 8)}, "a_proj"),
        ({"z_proj": nn.Linear(8, 8)}, "z_proj"),  # after the block in the alphabet
        ({"z_norm": nn.LayerNorm(8)}, "z_norm"),
        ({"z_conv": nn.Conv1d(8, 8, 3)}, "z_conv"),
        ({"z_conv": nn.Conv1d(8, 8, 3, groups=8)}, "z_conv"),
        ({"z_mlp": nn.Sequential(nn.Linear(8, 20), nn.ReLU(), nn.Linear(20, 8))}, "z_mlp.0, z_mlp.2"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_a_layer_whose_widths_fit_between_is_refused_wherever_it_stands(
    between: dict[str, nn.Module], named: str
) -> None:
    loaded = load(listed({"emb": nn.Embedding(30, 8), **between, "rnn": nn.GRU(8, 12), "out": nn.Linear(12, 30)}))
    assert wiring.embeddings(loaded, loaded["rnn"]) == []
    why = wiring.contradiction(loaded, "emb.weight", loaded["rnn"])
    assert why == f"{named} may lie between emb.weight and rnn"
    assert wiring.outputs(loaded, loaded["rnn"], 30) == ["out.weight"]


def test_a_projection_to_another_width_is_refused_by_the_widths() -> None:
    loaded = load(listed({"emb": nn.Embedding(30, 8), "proj": nn.Linear(8, 16), "rnn": nn.GRU(16, 12)}))
    assert wiring.embeddings(loaded, loaded["rnn"]) == []


def test_two_embeddings_are_both_offered_without_an_order() -> None:
    layers = {"emb": nn.Embedding(30, 8), "rnn": nn.GRU(8, 12), "tag_emb": nn.Embedding(9, 8), "u": nn.Linear(12, 9)}
    loaded = load(listed(layers))
    assert wiring.embeddings(loaded, loaded["rnn"]) == ["emb.weight", "tag_emb.weight"]
    assert wiring.outputs(loaded, loaded["rnn"], 9) == ["u.weight"]


@pytest.mark.parametrize("ordered", [True, False])
def test_an_output_layer_behind_another_layer_does_not_read_h(ordered: bool) -> None:
    layers = {"emb": nn.Embedding(30, 8), "rnn": nn.GRU(8, 12), "hid": nn.Linear(12, 12), "out": nn.Linear(12, 30)}
    loaded = opened(Tagger(**layers)) if ordered else load(listed(layers))
    assert wiring.outputs(loaded, loaded["rnn"], 30) == []
    how = "lies" if ordered else "may lie"
    assert wiring.no_outputs(loaded, loaded["rnn"], 30) == f"hid {how} between rnn and out.weight"
    assert wiring.no_outputs(loaded, loaded["rnn"], 31) is None, "nothing has that shape"


def test_a_layer_between_in_the_order_must_fit_by_its_widths_too() -> None:
    layers = {"emb": nn.Embedding(30, 8), "readout": nn.Linear(12, 30), "rnn": nn.GRU(8, 12)}
    loaded = opened(Tagger(**layers))
    assert wiring.keeps_order(loaded) and wiring.embeddings(loaded, loaded["rnn"]) == ["emb.weight"]


def test_a_learned_first_state_lies_nowhere() -> None:
    tensors = {
        name: value.numpy() for name, value in Tagger(emb=nn.Embedding(9, 8), rnn=nn.GRU(8, 5)).state_dict().items()
    }
    loaded = load(safetensors({**tensors, "h0": np.zeros((1, 1, 8), np.float32)}))
    assert wiring.embeddings(loaded, loaded["rnn"]) == ["emb.weight"]


def under(loaded: Loaded, name: str) -> list[str]:
    return [one.name for one in wiring.below(loaded, loaded[name])]


def test_without_an_order_widths_say_which_block_stands_on_which() -> None:
    loaded = load(listed({"encoder": nn.LSTM(8, 16), "decoder": nn.LSTM(16, 5)}))
    assert [block.name for block in loaded.blocks] == ["decoder", "encoder"]
    assert under(loaded, "decoder") == ["encoder"] and under(loaded, "encoder") == []
    assert "their names and widths do" in wiring.assumed(loaded, loaded["decoder"])[-1]


@pytest.mark.parametrize(
    "layers",
    [
        {"alpha": nn.LSTM(8, 8), "beta": nn.LSTM(8, 8)},  # either could be first
        {"alpha": nn.LSTM(8, 16), "beta": nn.LSTM(16, 4), "gamma": nn.LSTM(4, 8)},  # any could be first
        {"alpha": nn.LSTM(8, 16), "beta": nn.LSTM(16, 4), "gamma": nn.LSTM(3, 16)},  # on alpha or on gamma
        {"alpha": nn.LSTM(8, 16), "beta": nn.LSTM(16, 4), "emb": nn.Embedding(9, 16)},  # or on the embedding
        {"alpha": nn.LSTM(8, 16), "beta": nn.LSTM(16, 4), "norm": nn.LayerNorm(16)},
    ],
    ids=" ".join,
)
def test_without_an_order_blocks_that_could_stand_otherwise_are_taken_alone(layers: dict[str, nn.Module]) -> None:
    loaded = load(listed(layers))
    assert under(loaded, "beta") == []


def test_without_an_order_numbers_in_the_names_count_as_numbers() -> None:
    loaded = load(listed({f"rnn{n}": nn.GRU(8, 8) for n in range(11)}))
    assert [block.name for block in loaded.blocks][:3] == ["rnn0", "rnn1", "rnn10"], "the order that misleads"
    assert under(loaded, "rnn10") == [f"rnn{n}" for n in range(10)]


@pytest.mark.parametrize("kind", ["npz", "hdf5", "pt"])
@pytest.mark.parametrize("sort", [True, False])
def test_a_writer_that_sorted_is_known_in_every_format(kind: str, sort: bool, tmp_path: Path) -> None:
    layers = {"emb": nn.Embedding(30, 8), "rnn": nn.GRU(8, 8), "mix": nn.Linear(8, 8)}  # in the alphabet, between
    state = Tagger(**layers).state_dict()
    state = {name: state[name] for name in (sorted(state) if sort else state)}
    path = tmp_path / f"model.{kind}"
    if kind == "npz":
        np.savez(path, **{name: value.numpy() for name, value in state.items()})
    elif kind == "pt":
        torch.save(state, path)
    else:
        with pytest.importorskip("h5py").File(path, "w", track_order=not sort) as file:
            for name, value in state.items():
                file[name] = value.numpy()
    loaded = load(path)
    assert wiring.keeps_order(loaded) is not sort
    assert wiring.embeddings(loaded, loaded["rnn"]) == ([] if sort else ["emb.weight"])
