"""The Llama is transformers' Llama on the same weights, and every part of its RoPE can be changed."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from ropelib import environment, language_model, texts
from ropelib.pairing import permute_weights
from tests import tiny_gguf

NOT_HERE = environment.missing_for("08")
needs_model = pytest.mark.skipif(
    bool(NOT_HERE), reason="NOT RUN: the language model is not installed; run `make test` online"
)
SKY = "<|im_start|>user\nWhat is the capital of France?<|im_end|>\n<|im_start|>assistant\n"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return language_model.load(tiny_gguf.write(tmp_path_factory.mktemp("gguf") / "tiny.gguf"))


@pytest.fixture(scope="module")
def smol():
    return language_model.load()


@pytest.fixture(scope="module")
def hamlet(smol):
    return smol.tokenizer.encode(texts.shakespeare("hamlet")).ids[:512]


def huggingface(model, *, to_half=True):
    """transformers' Llama with the weights of ours, the rows of W_q and W_k put into halves or left as they are."""
    import transformers

    sizes = model.config
    config = transformers.LlamaConfig(
        vocab_size=sizes.words,
        hidden_size=sizes.width,
        intermediate_size=sizes.feed_forward,
        num_hidden_layers=sizes.layers,
        num_attention_heads=sizes.heads,
        num_key_value_heads=sizes.kv_heads,
        head_dim=sizes.head_dim,
        rms_norm_eps=sizes.epsilon,
        max_position_embeddings=sizes.context_length,
        rope_parameters={"rope_type": "default", "rope_theta": sizes.base},
        tie_word_embeddings=True,
    )
    places = {
        "attn_norm": "input_layernorm",
        "attn_q": "self_attn.q_proj",
        "attn_k": "self_attn.k_proj",
        "attn_v": "self_attn.v_proj",
        "attn_output": "self_attn.o_proj",
        "ffn_norm": "post_attention_layernorm",
        "ffn_gate": "mlp.gate_proj",
        "ffn_up": "mlp.up_proj",
        "ffn_down": "mlp.down_proj",
    }
    weights = {"model.embed_tokens.weight": model.embeddings, "model.norm.weight": model.output_norm}
    for i, block in enumerate(model.blocks):
        for ours, theirs in places.items():
            weight = getattr(block, ours)
            if to_half and ours in ("attn_q", "attn_k"):
                weight = permute_weights(weight, "half", head_dim=sizes.head_dim)
            weights[f"model.layers.{i}.{theirs}.weight"] = weight
    with torch.device("meta"):
        theirs = transformers.LlamaForCausalLM(config)
    theirs.to_empty(device="cpu")
    theirs.load_state_dict(weights, strict=False, assign=True)
    theirs.model.rotary_emb = type(theirs.model.rotary_emb)(config)
    theirs.tie_weights()
    return theirs.eval()


@torch.inference_mode()
def logits_of(theirs, ids):
    return theirs(torch.tensor([ids])).logits[0]


def test_a_tiny_llama_is_that_of_transformers(tiny):
    ids = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5]
    ours, theirs = tiny.logits(ids), logits_of(huggingface(tiny), ids)
    assert (ours - theirs).abs().max() < 1e-5 * theirs.abs().max()
    wrong = logits_of(huggingface(tiny, to_half=False), ids)
    assert (ours - wrong).abs().max() > 0.01
    half = tiny.logits(ids, rope=replace(tiny.rope, pairing="half"))
    assert (half - wrong).abs().max() < 1e-5 * wrong.abs().max()


@needs_model
@pytest.mark.slow
def test_the_real_model_is_that_of_transformers(smol, hamlet):
    ours = smol.logits(hamlet)
    theirs = logits_of(huggingface(smol), hamlet)
    # Two float32 sums through 60 sublayers; transformers adds the rounding of its float32 angles.
    rounding = 2 * 60 * torch.finfo(torch.float32).eps / 2 * float(theirs.abs().max())
    assert (ours - theirs).abs().max() <= rounding < 4e-4
    assert torch.equal(ours.argmax(-1), theirs.argmax(-1))
    losses = torch.nn.functional.cross_entropy(theirs[:-1], torch.tensor(hamlet[1:]))
    assert smol.perplexity(hamlet) == pytest.approx(float(losses.exp()), abs=1e-3)


@needs_model
@pytest.mark.slow
def test_all_positions_may_move_together(smol, hamlet):
    here, far = smol.logits(hamlet[:128]), smol.logits(hamlet[:128], positions=torch.arange(128) + 10**9)
    assert (here - far).abs().max() < 2e-4
    rounded = (torch.arange(128) + 10**9).bfloat16()
    assert (here - smol.logits(hamlet[:128], positions=rounded)).abs().max() > 1


@needs_model
@pytest.mark.slow
def test_it_answers_a_question_and_stops(smol, capsys):
    assert smol.generate(SKY, 20) == "The capital of France is Paris."
    assert capsys.readouterr().out == "······· 7 tokens\n"
    far = smol.generate(SKY, 20, first_position=10**6, progress=False)
    assert far == "The capital of France is Paris." and capsys.readouterr().out == ""


@needs_model
@pytest.mark.slow
def test_words_become_tokens_and_words_again(smol):
    text = texts.shakespeare("hamlet")[:5000] + " 1234 naïve 北京"
    encoded = smol.tokenizer.encode(text)
    assert smol.tokenizer.decode(encoded.ids) == text
    assert smol.tokenizer.encode("1234").tokens == ["1", "2", "3", "4"]
    assert smol.tokenizer.encode("<|im_start|>").ids == [1]


@pytest.mark.parametrize("split", [(1, 1, 1, 1, 1, 1), (4, 2), (2, 4), (5, 1)])
def test_a_cache_changes_nothing(tiny, split):
    ids = torch.tensor([7, 8, 9, 10, 11, 12])
    cache = tiny.cache(6)
    parts = torch.cat([tiny.hidden(part, cache=cache) for part in ids.split(list(split))])
    assert torch.allclose(parts, tiny.hidden(ids), atol=1e-5)
    with pytest.raises(ValueError, match="room for 6, not for 7"):
        tiny.hidden([1], cache=cache)


def test_each_part_of_the_rope_is_free(tiny):
    ids, rope = [5, 6, 7, 8, 9], tiny.rope
    plain = tiny.logits(ids)
    changed = {
        "pairing": replace(rope, pairing="half"),
        "base": replace(rope, inv_freq=rope.inv_freq**2),
        "sign": replace(rope, inv_freq=-rope.inv_freq),
        "temperature": replace(rope, attention_factor=1.5),
        "one layer": replace(rope, layers=(0,)),
        "no position": replace(rope, layers=()),
    }
    results = {name: tiny.logits(ids, rope=how) for name, how in changed.items()}
    for name, result in results.items():
        assert (result - plain).abs().max() > 1e-3, name
    still = replace(rope, inv_freq=np.zeros_like(rope.inv_freq))
    assert torch.allclose(results["no position"], tiny.logits(ids, rope=still), atol=1e-5)
    assert torch.allclose(results["no position"], tiny.logits(ids, positions=torch.full((5,), 12.5)), atol=1e-4)


def test_losses_do_not_depend_on_the_chunk(tiny):
    ids = torch.arange(20)
    losses = tiny.losses(ids)
    reference = torch.nn.functional.cross_entropy(tiny.logits(ids)[:-1], ids[1:], reduction="none")
    assert torch.allclose(losses, reference, atol=1e-5)
    assert torch.allclose(losses, tiny.losses(ids, chunk=3), atol=1e-5)
    assert tiny.perplexity(ids) == pytest.approx(float(reference.mean().exp()), rel=1e-5)


def test_a_watcher_sees_every_layer_before_the_rotation(tiny):
    seen = []
    tiny.hidden([5, 6, 7], watch=lambda layer, q, k: seen.append((layer, tuple(q.shape), tuple(k.shape))))
    assert seen == [(0, (3, 3, 8), (1, 3, 8)), (1, (3, 3, 8), (1, 3, 8))]


def test_sampling_follows_its_seed(tiny):
    runs = [tiny.generate("ABC", 12, temperature=2.0, seed=seed, progress=False) for seed in (0, 0, 1)]
    assert runs[0] == runs[1] != runs[2]


def test_an_end_of_text_ends_the_text(tiny):
    sure = replace(tiny, output_norm=1000 * tiny.output_norm)
    word = int(sure.logits(sure.tokenizer.encode("ABC").ids)[-1].argmax())
    ending = replace(sure, vocabulary=replace(sure.vocabulary, ends=frozenset({word})))
    assert ending.generate("ABC", 5, progress=False) == ""
    assert len(sure.generate("ABC", 5, progress=False)) >= 1


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda m: m.hidden([]), r"integers from 0 to 49, but got"),
        (lambda m: m.hidden([50]), r"integers from 0 to 49, but they go from 50 to 50"),
        (lambda m: m.hidden([True, False]), r"integers from 0 to 49, but got \[True, False\]"),
        (lambda m: m.perplexity("ABC"), r"but got str: pass model\.tokenizer\.encode\(text\)\.ids"),
        (lambda m: m.perplexity(m.tokenizer.encode("ABC")), r"but got Encoding: pass model\.tokenizer\.encode"),
        (lambda m: m.hidden([1, 2], positions=[0, float("nan")]), r"positions must be finite, one for each token"),
        (lambda m: m.hidden([1, 2], rope="half"), r"rope must be a Rope, .* but got 'half'"),
        (lambda m: m.hidden([1, 2], rope=False), r"rope must be a Rope, .* but got False"),
        (lambda m: m.hidden([1], rope=language_model.Rope(np.ones(1))), r"inv_freq must be 4 finite numbers.*\(1,\)"),
        (lambda m: m.hidden([1], rope=replace(m.rope, layers=[2])), r"layers must be among 0 to 1, but got \[2\]"),
        (lambda m: m.hidden([0.5]), r"integers from 0 to 49"),
        (lambda m: m.hidden([[1, 2]]), r"ids must be a list of tokens"),
        (
            lambda m: m.hidden([1, 2], positions=torch.arange(3)),
            r"one for each token: \(2,\), but their shape is \(3,\)",
        ),
        (lambda m: m.losses([1]), r"two tokens and a chunk of at least 1, but got 1 and 256"),
        (lambda m: m.losses([1, 2], chunk=0), r"but got 2 and 0"),
        (lambda m: m.generate(""), r"needs a text.*but got '', 40 and 0\.0"),
        (lambda m: m.generate(None), r"needs a text.*but got None, 40"),
        (lambda m: m.generate("A", 2.5), r"max_new_tokens of at least 1.*2\.5"),
        (lambda m: m.generate("A", temperature=float("nan")), r"temperature that is 0 or at least 0\.001.*nan"),
        (lambda m: m.generate("A", 0), r"max_new_tokens of at least 1"),
        (lambda m: m.generate("A", temperature=-1), r"a temperature that is 0 or"),
    ],
)
def test_bad_input_is_named(tiny, call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(tiny)


def test_tokens_may_be_integers_of_any_kind_and_positions_a_list(tiny):
    plain = tiny.perplexity([5, 6, 7])
    for ids in (
        np.array([5, 6, 7], np.int32),
        np.array([5, 6, 7], np.uint8),
        torch.tensor([5, 6, 7], dtype=torch.int16),
    ):
        assert tiny.perplexity(ids) == plain
    assert tiny.perplexity([5, 6, 7], positions=[0, 1, 2]) == pytest.approx(plain)


def test_a_model_is_shown_in_one_line(tiny):
    assert repr(tiny) == "LanguageModel(2 layers, 3 query heads, 1 key heads, head_dim 8, base 500)"
    assert "tensor" not in repr(tiny.blocks[0]) + repr(tiny.cache(4))
