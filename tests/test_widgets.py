"""The Python side of the widgets: what they say, what they draw, and what they refuse."""

import base64
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from traitlets import TraitError

from ropelib import inverse_frequencies, rotation_matrix, scaling
from ropelib.widgets.frequency import BASES, HEAD_DIMS, LAST_POSITION, RULES, FrequencyExplorer, mean_cosine
from ropelib.widgets.heat_map import AttentionHeatMap
from ropelib.widgets.rotation import RotationVisualiser
from ropelib.worked_example import TOKENS, K, PositionFreeAttention, Q, RotaryPositionAttention

WIDGETS = (RotationVisualiser, FrequencyExplorer, AttentionHeatMap)
PNG = b"\x89PNG"


@pytest.mark.parametrize("widget", WIDGETS)
def test_it_shows_words_and_a_picture_where_nothing_runs(widget):
    data, _ = widget()._repr_mimebundle_()
    assert data["text/plain"] == widget().describe() and re.search(r"\d\.\d{4}", data["text/plain"])
    assert "0x" not in repr(widget())
    picture = base64.b64decode(data["image/png"])
    assert picture.startswith(PNG) and len(picture) < 80_000
    assert "application/vnd.jupyter.widget-view+json" in data


@pytest.mark.parametrize("widget", WIDGETS)
def test_the_picture_is_white_and_the_same_whatever_the_notebook_has_set(widget):
    first = widget()._png()
    with plt.style.context("dark_background"):
        assert widget()._png() == first
        assert plt.rcParams["figure.facecolor"] == "black", "and the notebook's own style is left as it was"
    pixels = plt.imread(io.BytesIO(base64.b64decode(first)))
    assert (pixels[0, :, :3] == 1).all() and pixels.std() > 0.05
    assert plt.get_fignums() == [], "no figure is left for the notebook to show twice"


@pytest.mark.parametrize("widget", WIDGETS)
def test_what_is_saved_is_small_and_asks_for_nothing_from_the_network(widget):
    state = widget().get_state()
    assert len(state["_esm"]) < 40_000
    assert not re.search(r"https?://(?!www\.w3\.org/)|\bimport\b", state["_esm"] + state["_css"])


@pytest.mark.parametrize(
    ("widget", "name", "value", "message"),
    [
        (
            RotationVisualiser,
            "q",
            (1, 2, 3),
            r"q must be two numbers, an arrow of length 0.1 to 10, but got \(1, 2, 3\)",
        ),
        (
            RotationVisualiser,
            "k",
            (0, 0.01),
            r"k must be two numbers, an arrow of length 0.1 to 10, but got \(0, 0.01\)",
        ),
        (RotationVisualiser, "q", (float("nan"), 1), "q must be two numbers"),
        (RotationVisualiser, "q", "ab", "q must be two numbers"),
        (RotationVisualiser, "m", -1, "m must be an integer from 0 to 131072, but got -1"),
        (RotationVisualiser, "n", 1.5, "n must be an integer from 0 to 131072, but got 1.5"),
        (RotationVisualiser, "n", True, "n must be an integer from 0 to 131072, but got True"),
        (RotationVisualiser, "inv_freq", 4, "inv_freq must be a number from 0 to 3.14159, but got 4"),
        (RotationVisualiser, "inv_freq", float("nan"), "inv_freq must be a number from 0 to 3.14159, but got nan"),
        (RotationVisualiser, "direction", 0, "direction must be one of 1, -1, but got 0"),
        (RotationVisualiser, "tokens", "cat", "tokens must be 1 to 12 words, but got 'cat'"),
        (FrequencyExplorer, "head_dim", 5, "head_dim must be one of 4, 64, 128, but got 5"),
        (FrequencyExplorer, "base", 3.0, "base must be one of 10000.0, 500000.0, 1000000.0, but got 3.0"),
        (FrequencyExplorer, "rule", "ntk2", "rule must be one of 'none', 'linear', 'ntk', 'yarn', 'llama3', but"),
        (FrequencyExplorer, "position", 131_073, "position must be an integer from 0 to 131072, but got 131073"),
        (FrequencyExplorer, "pair", 64, "pair must be an integer from 0 to 63, but got 64"),
        (AttentionHeatMap, "base", -1.0, "base must be a finite positive number, but got -1.0"),
        (AttentionHeatMap, "base", float("inf"), "base must be a finite positive number, but got inf"),
        (AttentionHeatMap, "seq_len", 6, "seq_len must be at most 5, the length of sequence 0, but got 6"),
        (AttentionHeatMap, "seq_len", 1, "seq_len must be an integer from 2 to 64, but got 1"),
        (AttentionHeatMap, "sequence", 3, "sequence must be an integer from 0 to 2, but got 3"),
        (AttentionHeatMap, "causal", "yes", "causal"),
        (AttentionHeatMap, "cell", [1, 64], "cell"),
    ],
)
def test_what_breaks_a_rule_is_refused_with_the_rule_and_the_value(widget, name, value, message):
    figure = widget()
    before = getattr(figure, name)
    with pytest.raises(TraitError, match=message):
        setattr(figure, name, value)
    assert getattr(figure, name) == before


@pytest.mark.parametrize(
    ("widget", "arguments", "message"),
    [
        (RotationVisualiser, {"m": 1.5}, "m must be an integer"),
        (FrequencyExplorer, {"head_dim": 4, "pair": 2}, "pair must be below head_dim/2 = 2, but got 2"),
        (
            AttentionHeatMap,
            {"Q": Q[:3]},
            r"one token a row and 2 to 64 rows, but there are 3 tokens and the shapes are",
        ),
        (AttentionHeatMap, {"Q": Q[:, :3], "K": K[:, :3]}, "head_dim must be even and 2 to 128, but got 3"),
        (AttentionHeatMap, {"tokens": ["a"]}, "one token a row"),
        (AttentionHeatMap, {"sequence": 3}, "sequence must be an integer from 0 to 2, but got 3"),
        (AttentionHeatMap, {"Q": np.full((5, 4), np.nan)}, "Q and K must be finite"),
    ],
)
def test_nothing_is_made_of_what_does_not_fit(widget, arguments, message):
    with pytest.raises((ValueError, TraitError), match=message):
        widget(**arguments)


def test_the_rotation_visualiser_says_the_identity():
    text = RotationVisualiser(np.array([1, 2]), [3, -1], m=7, n=2, inv_freq=0.1).describe()
    score = (rotation_matrix(0.7) @ [1, 2]) @ (rotation_matrix(0.2) @ [3, -1])
    assert f"R(mθ)q · R(nθ)k = {score:.6f}" in text and f"q · R((n-m)θ)k  = {score:.6f}" in text
    assert "offset n - m = -5" in text and f"{score:.6f}" == "-2.478396", "the numbers of chapter 01"
    assert 'm = 0 ("The")' in RotationVisualiser(m=0).describe()


def test_clockwise_the_identity_has_the_angles_that_were_turned_by():
    widget = RotationVisualiser(np.array([1, 2]), [3, -1], m=7, n=2, inv_freq=0.1, direction=-1)
    score = (rotation_matrix(-0.7) @ [1, 2]) @ (rotation_matrix(-0.2) @ [3, -1])
    text = widget.describe()
    assert f"R(-mθ)q · R(-nθ)k = {score:.6f}" in text and f"q · R(-(n-m)θ)k   = {score:.6f}" in text
    widget.m, widget.q = 20, (5, 5)
    assert widget.start == {"q": [1, 2], "k": [3, -1], "m": 7, "n": 2, "inv_freq": 0.1, "direction": -1}


def test_the_frequency_explorer_says_what_chapter_03_computes():
    text = FrequencyExplorer(position=4096).describe()
    assert "18 of 64 pairs have not completed a turn, pairs 46 to 63" in text
    assert "54410.14" in text and "651.90" in text
    assert "64 of 64 pairs" in FrequencyExplorer(position=0).describe()
    assert "attention_factor 1.2079" in FrequencyExplorer(rule="yarn").describe()


def test_every_spectrum_is_sent_as_scaling_computes_it():
    sent = FrequencyExplorer().get_state()["spectra"]
    assert len(sent) == len(HEAD_DIMS) * len(BASES) * len(RULES) == 45
    for spectrum in sent:
        inv_freq, attention_factor = RULES[spectrum["rule"]](spectrum["head_dim"], spectrum["base"])
        assert (
            np.array_equal(np.frombuffer(spectrum["inv_freq"]), inv_freq) and len(inv_freq) == spectrum["head_dim"] // 2
        )
        assert spectrum["attention_factor"] == attention_factor
    linear = scaling.linear(128, 10_000.0, factor=8.0)[0]
    assert np.array_equal(RULES["linear"](128, 10_000.0)[0], linear)
    assert np.allclose(linear * 8, inverse_frequencies(128))


def test_mean_cosine_is_the_score_of_a_key_that_equals_its_query():
    distances = np.array([0, 1, 1000, LAST_POSITION])
    inv_freq = inverse_frequencies(64)
    assert np.allclose(mean_cosine(distances, inv_freq), np.cos(distances[:, None] * inv_freq).mean(axis=1))


@pytest.mark.parametrize("causal", [False, True])
def test_the_heat_map_is_the_attention_of_chapter_02(causal):
    figure = AttentionHeatMap(base=100.0, causal=causal, seq_len=4)
    rope, plain = figure.weights()
    wanted = RotaryPositionAttention(4, 100.0, causal=causal).forward(Q[:4], K[:4], Q[:4])[1]
    assert np.array_equal(rope, wanted)
    assert np.array_equal(plain, PositionFreeAttention(4, causal=causal).forward(Q[:4], K[:4], Q[:4])[1])
    assert all(f"{weight:.4f}" in figure.describe() for weight in rope.ravel())


def test_the_heat_map_takes_the_readers_own_vectors():
    queries, keys = np.random.default_rng(1).standard_normal((2, 20, 6))
    figure = AttentionHeatMap(queries, keys)
    assert figure.seq_len == 20 and figure.weights()[0].shape == (20, 20)
    assert "20 tokens" in figure.describe()
    queries[:] = 0
    assert figure.weights()[0].std() > 0, "a copy is kept"
    sent = figure.get_state()["sequences"][0]
    assert np.array_equal(np.frombuffer(sent["k"]).reshape(20, 6), keys) and sent["tokens"][3] == "3"
    assert AttentionHeatMap().get_state()["sequences"][0]["tokens"] == TOKENS
    assert AttentionHeatMap(K, Q).get_state()["sequences"][0]["tokens"] == list("01234")
    assert "one vector repeated, 64 tokens" in AttentionHeatMap(sequence=2).describe()
