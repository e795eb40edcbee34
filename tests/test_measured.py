"""Measurements that the chapters read: they are there, whole, and what the script behind them would write."""

import numpy as np
import pytest
import torch

from benchmarks import long_context
from ropelib.gguf_file import Config, Vocabulary
from ropelib.language_model import Block, LanguageModel
from ropelib.measured import measured


def test_a_missing_measurement_is_named_with_what_there_is_and_what_to_type():
    with pytest.raises(FileNotFoundError, match=r"'nothing'.*long_context.*python -m benchmarks.nothing"):
        measured("nothing")


def test_long_context_is_complete_and_says_where_it_comes_from():
    found = measured("long_context")
    copy, cuts, perplexity = (found[part] for part in long_context.PARTS)
    assert all({"processor", "date", "command", "seconds"} <= found[part]["machine"].keys() for part in found)
    assert set(copy["second time"]) == set(long_context.rules(64, 100_000.0))
    shape = (len(long_context.TITLES), len(long_context.GAPS))
    assert all(np.shape(losses) == shape for losses in copy["second time"].values())
    assert [int(cut) for cut in cuts["second time"]] == list(long_context.CUTS)
    assert set(perplexity["loss"]) == set(long_context.PERPLEXITY)
    assert all(len(blocks) == perplexity["tokens"] / perplexity["block"] for blocks in perplexity["loss"].values())
    # The model as trained is in both: nothing divided, and every pair below the last cut left alone.
    both = {gap: copy["gaps"].index(gap) for gap in cuts["gaps"]}
    as_trained = np.array(copy["second time"]["none"])[:, list(both.values())]
    np.testing.assert_allclose(cuts["second time"]["32"], as_trained, atol=1e-3)


def test_the_page_beside_it_is_made_from_it():
    page = (long_context.RESULTS / "long_context.md").read_text(encoding="utf-8")
    assert page == long_context.markdown(measured("long_context"))


@pytest.fixture
def small_model():
    torch.manual_seed(0)
    config = Config(2, 16, 4, 2, 8, 24, 30, 100.0, 64, 1e-5)
    shapes = {"attn_norm": (16,), "attn_q": (32, 16), "attn_k": (16, 16), "attn_v": (16, 16), "attn_output": (16, 32)}
    shapes |= {"ffn_norm": (16,), "ffn_gate": (24, 16), "ffn_up": (24, 16), "ffn_down": (16, 24)}
    blocks = [Block(**{name: torch.randn(shape) for name, shape in shapes.items()}) for _ in range(config.layers)]
    vocabulary = Vocabulary([], [], [], frozenset())
    return LanguageModel(config, torch.randn(config.words, config.width), blocks, torch.ones(config.width), vocabulary)


def test_a_cache_for_the_first_time_changes_no_loss_of_the_second(small_model):
    ids, gaps = torch.randint(0, 30, (12,)), (0, 7, 40)
    expected = []
    for gap in gaps:
        positions = torch.cat([torch.arange(12), torch.arange(12) + 12 + gap])
        losses = small_model.losses(torch.cat([ids, ids]), positions=positions)
        expected.append(float(losses[12:].mean()))
    assert len({round(loss, 3) for loss in expected}) == len(gaps)
    np.testing.assert_allclose(long_context.copy_losses(small_model, ids, gaps, small_model.rope), expected, atol=2e-4)
