"""A GGUF file is read whole or refused with its reason."""

import sys

import numpy as np
import pytest

from ropelib import language_model
from tests import tiny_gguf


def test_weights_and_sizes_are_those_of_the_file(tmp_path):
    model = language_model.load(tiny_gguf.write(tmp_path / "tiny.gguf"))
    weights = tiny_gguf.tensors()
    assert np.array_equal(model.embeddings.numpy(), weights["token_embd.weight"])
    assert np.array_equal(model.blocks[1].ffn_down.numpy(), weights["blk.1.ffn_down.weight"])
    config = model.config
    assert (config.layers, config.heads, config.kv_heads, config.head_dim, config.base) == (2, 3, 1, 8, 500.0)
    assert model.rope.pairing == "interleaved" and len(model.rope.inv_freq) == 4
    model.blocks[0].attn_q.mul_(1)  # the reader may change weights in place


def test_a_file_cut_short_anywhere_is_refused(tmp_path):
    whole = tiny_gguf.write(tmp_path / "tiny.gguf").read_bytes()
    for kept in (0, 3, 4, 20, 100, 500, len(whole) // 3, len(whole) // 2, len(whole) - 400, len(whole) - 1):
        cut = tmp_path / "cut.gguf"
        cut.write_bytes(whole[:kept])
        with pytest.raises(ValueError, match=r"cut\.gguf must be a whole GGUF file, but it is cut short or of another"):
            language_model.load(cut)


@pytest.mark.parametrize(
    "content", [b"GGML" + bytes(400), b"PK\x03\x04" + bytes(4000), bytes(4000), b"GGUF" + b"\xff" * 400]
)
def test_a_file_of_another_kind_is_refused(tmp_path, content):
    path = tmp_path / "other.gguf"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="must be a whole GGUF file"):
        language_model.load(path)


def wrong_shape():
    return tiny_gguf.tensors() | {"blk.1.attn_k.weight": np.zeros((16, 24), np.float32)}


def untied():
    return tiny_gguf.tensors() | {"output.weight": np.zeros((50, 24), np.float32)}


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ({"architecture": "qwen2"}, r'general\.architecture must be "llama", but tiny\.gguf has \'qwen2\''),
        ({"scaling": "yarn"}, r"tiny\.gguf must have plain RoPE, but its scaling is 'yarn'"),
        ({"without": ("base",)}, r"must state the sizes of its Llama, but llama\.rope\.freq_base is missing"),
        ({"without": ("blk.1.ffn_up.weight",)}, r"every tensor of a Llama, but blk\.1\.ffn_up\.weight is missing"),
        ({"weights": untied()}, r"tied embeddings alone, but has output\.weight"),
        ({"weights": wrong_shape()}, r"blk\.1\.attn_k\.weight must have shape \(8, 24\), but its shape is \(16, 24\)"),
        ({"split": "llama-bpe"}, r'tokenizer\.ggml\.pre must be "smollm", but tiny\.gguf has \'llama-bpe\''),
    ],
)
def test_what_this_room_cannot_read_is_named(tmp_path, how, sentence):
    with pytest.raises(ValueError, match=sentence):
        language_model.load(tiny_gguf.write(tmp_path / "tiny.gguf", **how))


def test_a_missing_file_and_a_missing_package_say_so(tmp_path, monkeypatch):
    with pytest.raises(FileNotFoundError, match=r"there is no file .*nothing\.gguf"):
        language_model.load(tmp_path / "nothing.gguf")
    with pytest.raises(FileNotFoundError, match="is a folder, not a GGUF file"):
        language_model.load(tmp_path)
    monkeypatch.setattr(language_model.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="type `make lab`"):
        language_model.load()


@pytest.mark.parametrize("package", ["gguf", "tokenizers"])
def test_a_missing_reader_says_what_to_type(tmp_path, monkeypatch, package):
    path = tiny_gguf.write(tmp_path / "tiny.gguf")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ModuleNotFoundError, match=f"the package {package}, which reads the model, .*`make lab`"):
        language_model.load(path)
