"""ropelib.scaling against 50-digit values, against Hugging Face transformers, and what it refuses."""

import copy
import json
import math
from pathlib import Path

import numpy as np
import pytest

from ropelib import scaling
from ropelib.reference import inverse_frequencies

GOLDEN = json.loads((Path(__file__).parent / "data" / "golden_scaling.json").read_text())


def difference(ours, theirs):
    """The largest relative difference; pairs that stand still must stand still in both."""
    ours, theirs = np.asarray(ours), np.asarray(theirs, dtype=np.float64)
    assert ours.dtype == np.float64 and ours.shape == theirs.shape
    assert np.array_equal(ours == 0, theirs == 0)
    return np.max(np.abs(ours[ours != 0] / theirs[theirs != 0] - 1), initial=0.0)


# --- 50-digit values ---


@pytest.mark.parametrize("row", GOLDEN["context_extension"], ids=lambda row: row["name"])
def test_golden_rows_to_float64_rounding(row):
    inv_freq, attention_factor = scaling.from_config(row, seq_len=row["seq_len"])
    assert difference(inv_freq, row["inv_freq"]) < 1e-14
    assert type(attention_factor) is float
    assert attention_factor == pytest.approx(row["attention_factor"], rel=1e-15)


@pytest.mark.parametrize(("name", "base"), GOLDEN["ntk_base"].items())
def test_ntk_base(name, base):
    head_dim, factor = (int(part[1:]) for part in name.split("_"))
    inv_freq, _ = scaling.ntk(head_dim, factor=factor)
    assert difference(inv_freq, inverse_frequencies(head_dim, base)) < 1e-14
    assert inv_freq[0] == 1
    assert inv_freq[-1] == pytest.approx(inverse_frequencies(head_dim)[-1] / factor, rel=1e-14)


@pytest.mark.parametrize(("factor", "expected"), GOLDEN["yarn_attention_factor"].items())
def test_yarn_attention_factor(factor, expected):
    _, attention_factor = scaling.yarn(128, factor=int(factor), original_max_position_embeddings=4096)
    assert attention_factor == pytest.approx(expected, rel=1e-15)


def test_longrope_attention_factor():
    lists = {"short_factor": [1.0] * 8, "long_factor": [2.0] * 8, "original_max_position_embeddings": 4096}
    expected = pytest.approx(GOLDEN["longrope_attention_factor"]["s32_L4096"], rel=1e-15)
    assert scaling.longrope(16, factor=32, **lists)[1] == expected
    assert scaling.longrope(16, max_position_embeddings=131072, **lists)[1] == expected
    assert scaling.longrope(16, factor=32, max_position_embeddings=4096, **lists)[1] == expected
    assert scaling.longrope(16, max_position_embeddings=2048, **lists)[1] == 1


def test_given_attention_factor():
    trained = {"original_max_position_embeddings": 4096, "attention_factor": 2}
    for _, attention_factor in (
        scaling.yarn(16, factor=4, mscale=1.0, mscale_all_dim=0.5, **trained),
        scaling.longrope(16, factor=4, short_factor=[1.0] * 8, long_factor=[2.0] * 8, **trained),
    ):
        assert attention_factor == 2 and type(attention_factor) is float


# --- Hugging Face transformers, over a sweep ---

LLAMA3 = {
    "rope_type": "llama3",
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192,
}
YARN = {"rope_type": "yarn", "factor": 16.0, "original_max_position_embeddings": 4096}
LONGROPE = {"rope_type": "longrope", "original_max_position_embeddings": 4096}
RULES = {  # rope_parameters, max_position_embeddings, seq_len
    "default": ({"rope_type": "default"}, 4096, None),
    "linear": ({"rope_type": "linear", "factor": 2.5}, 10240, None),
    "dynamic_unknown_length": ({"rope_type": "dynamic", "factor": 2.0}, 4096, None),
    "dynamic_short": ({"rope_type": "dynamic", "factor": 2.0}, 4096, 100),
    "dynamic_L": ({"rope_type": "dynamic", "factor": 2.0}, 4096, 4096),
    "dynamic_2L": ({"rope_type": "dynamic", "factor": 2.0}, 4096, 8192),
    "dynamic_4L": ({"rope_type": "dynamic", "factor": 2.0}, 4096, 16384),
    "dynamic_factor_1": ({"rope_type": "dynamic", "factor": 1.0}, 4096, 12000),
    "yarn": (YARN, 65536, None),
    "yarn_not_truncated": (YARN | {"truncate": False}, 65536, None),
    "yarn_ends_at_0_and_last": (YARN | {"original_max_position_embeddings": 16}, 256, None),
    "yarn_ramp_is_a_point": (YARN | {"original_max_position_embeddings": 6}, 96, None),
    "yarn_ramp_ends_before_0": (YARN | {"original_max_position_embeddings": 2}, 32, None),
    "yarn_ramp_starts_beyond_last": (
        YARN | {"original_max_position_embeddings": 131072, "rope_theta": 10.0},
        2**21,
        None,
    ),
    "yarn_ramp_beyond_last": (YARN | {"original_max_position_embeddings": 1024, "rope_theta": 10.0}, 16384, None),
    "yarn_other_betas": (YARN | {"beta_fast": 20.0, "beta_slow": 2.0}, 65536, None),
    "yarn_equal_betas": (YARN | {"beta_fast": 1.0, "beta_slow": 1.0}, 65536, None),
    "yarn_equal_betas_not_truncated": (YARN | {"beta_fast": 1, "beta_slow": 1, "truncate": False}, 65536, None),
    "yarn_deepseek_v3": (YARN | {"factor": 40.0, "mscale": 1.0, "mscale_all_dim": 1.0}, 163840, None),
    "yarn_unequal_mscales": (YARN | {"factor": 40.0, "mscale": 1.0, "mscale_all_dim": 0.707}, 163840, None),
    "yarn_mscale_alone": (YARN | {"mscale": 0.707}, 65536, None),
    "yarn_mscale_all_dim_0": (YARN | {"mscale": 0.707, "mscale_all_dim": 0}, 65536, None),
    "yarn_attention_factor": (YARN | {"attention_factor": 1.25, "mscale": 1.0, "mscale_all_dim": 0.5}, 65536, None),
    "longrope_unknown_length": (LONGROPE, 131072, None),
    "longrope_short": (LONGROPE, 131072, 4096),
    "longrope_long": (LONGROPE, 131072, 4097),
    "longrope_factor": (LONGROPE | {"factor": 8.0}, 131072, 5000),
    "longrope_attention_factor": (LONGROPE | {"attention_factor": 1.1}, 131072, 5000),
    "llama3": (LLAMA3 | {"factor": 8.0}, 131072, None),
    "llama3_2": (LLAMA3 | {"factor": 32.0}, 131072, None),
    "llama3_step": (LLAMA3 | {"factor": 16.0, "high_freq_factor": 1.0}, 131072, None),
    "proportional": ({"rope_type": "proportional"}, 131072, None),
    "proportional_factor": ({"rope_type": "proportional", "factor": 8.0}, 131072, None),
}
HEADS = {64: 150_000.0, 80: 10_000, 96: 500_000.0, 128: 1_000_000}  # head_dim: rope_theta
FRACTIONS = (1.0, 0.75, 0.5)


def config_of(rule, head_dim, fraction):
    rope_parameters, max_position_embeddings, seq_len = copy.deepcopy(RULES[rule])
    rope_parameters = {"rope_theta": HEADS[head_dim], "partial_rotary_factor": fraction} | rope_parameters
    if rope_parameters["rope_type"] == "longrope":
        pairs = int(head_dim * fraction) // 2
        rope_parameters["short_factor"] = np.linspace(1, 3, pairs).tolist()
        rope_parameters["long_factor"] = np.geomspace(1, 64, pairs).tolist()
    config = {
        "hidden_size": 2 * head_dim,
        "num_attention_heads": 2,
        "max_position_embeddings": max_position_embeddings,
        "rope_parameters": rope_parameters,
    }
    return config, seq_len


def in_version_4(config):
    """The same config as transformers 4 wrote it, with the legacy name of rope_type."""
    config = copy.deepcopy(config)
    rope_scaling = config.pop("rope_parameters")
    config |= {key: rope_scaling.pop(key) for key in ("rope_theta", "partial_rotary_factor")}
    rope_scaling["type"] = rope_scaling.pop("rope_type")
    return config | {"rope_scaling": None if rope_scaling == {"type": "default"} else rope_scaling}


def rope_of(config, seq_len=None, layer_type=None):
    """inv_freq and attention_factor as transformers computes them for a config object."""
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS
    from transformers.models.gemma3.modeling_gemma3 import Gemma3RotaryEmbedding
    from transformers.models.phi.modeling_phi import PhiRotaryEmbedding

    rope_parameters = config.rope_parameters[layer_type] if layer_type else config.rope_parameters
    if rope_parameters["rope_type"] != "default":
        rule = ROPE_INIT_FUNCTIONS[rope_parameters["rope_type"]]
        inv_freq, attention_factor = rule(config, seq_len=seq_len, layer_type=layer_type)
    elif layer_type:
        inv_freq, attention_factor = Gemma3RotaryEmbedding.compute_default_rope_parameters(
            config, layer_type=layer_type
        )
    else:
        inv_freq, attention_factor = PhiRotaryEmbedding.compute_default_rope_parameters(config)
    return inv_freq.double().numpy(), attention_factor


SWEEP = [(rule, head_dim, fraction) for rule in RULES for head_dim in HEADS for fraction in FRACTIONS]


@pytest.mark.parametrize("case", SWEEP, ids=str)
def test_equals_transformers(case):
    from transformers import LlamaConfig

    config, seq_len = config_of(*case)
    inv_freq, attention_factor = scaling.from_config(config, seq_len=seq_len)
    theirs, their_factor = rope_of(LlamaConfig(**copy.deepcopy(config)), seq_len)
    # Where a blend is almost θ/factor, float32 rounding of its weight counts factor times; 32 is too often for 1e-6.
    assert difference(inv_freq, theirs) < (32 * np.finfo(np.float32).eps if case[0] == "llama3_2" else 1e-6)
    assert attention_factor == pytest.approx(their_factor, rel=1e-15)


@pytest.mark.parametrize("case", [case for case in SWEEP if not case[0].startswith(("longrope", "default"))], ids=str)
def test_equals_the_formulas_of_transformers_in_float64(case, monkeypatch):
    """What is left of the difference is transformers' float32: computed in float64, their formulas give our numbers."""
    import torch
    from transformers import LlamaConfig, modeling_rope_utils

    class Float64Torch:
        float = float32 = torch.float64

        def __getattr__(self, name):
            return getattr(torch, name)

    monkeypatch.setattr(modeling_rope_utils, "torch", Float64Torch())
    config, seq_len = config_of(*case)
    theirs, _ = rope_of(LlamaConfig(**copy.deepcopy(config)), seq_len)
    assert difference(scaling.from_config(config, seq_len=seq_len)[0], theirs) < 1e-13


@pytest.mark.parametrize("case", SWEEP, ids=str)
def test_all_spellings_of_a_config_are_equal(case):
    from transformers import LlamaConfig

    config, seq_len = config_of(*case)
    expected = scaling.from_config(config, seq_len=seq_len)
    version_4, as_object = in_version_4(config), LlamaConfig(**copy.deepcopy(config))
    unchanged = copy.deepcopy(config)
    for spelling in (version_4, as_object, as_object.to_dict(), config | {"head_dim": None}):
        inv_freq, attention_factor = scaling.from_config(spelling, seq_len=seq_len)
        assert np.array_equal(inv_freq, expected[0])
        assert attention_factor == expected[1]
    assert config == unchanged


# --- configs spelled as published ---

LISTS = {"short_factor": np.linspace(1, 3, 48).tolist(), "long_factor": np.geomspace(1, 64, 48).tolist()}
PHI_3 = {"rope_theta": 10000.0, "max_position_embeddings": 131072, "original_max_position_embeddings": 4096}
DEEPSEEK = {"hidden_size": 7168, "num_attention_heads": 128, "qk_rope_head_dim": 64, "qk_nope_head_dim": 128}
YARN_40 = {"factor": 40, "original_max_position_embeddings": 4096, "beta_fast": 32, "beta_slow": 1, "type": "yarn"}
PUBLISHED = {
    "LlamaConfig": {  # 3.1
        "hidden_size": 4096,
        "num_attention_heads": 32,
        "rope_theta": 500000.0,
        "rope_scaling": LLAMA3 | {"factor": 8.0},
    },
    "Llama4TextConfig": {  # Scout: no blend between the two bands
        "head_dim": 128,
        "rope_theta": 500000.0,
        "rope_scaling": LLAMA3 | {"factor": 16.0, "high_freq_factor": 1.0},
    },
    "Phi3Config": PHI_3
    | {"hidden_size": 3072, "num_attention_heads": 32, "rope_scaling": LISTS | {"type": "longrope"}},
    "Phi4MultimodalConfig": PHI_3
    | {
        "hidden_size": 3072,
        "num_attention_heads": 24,
        "partial_rotary_factor": 0.75,
        "rope_scaling": LISTS | {"type": "longrope"},
    },
    "DeepseekV3Config": DEEPSEEK
    | {"rope_theta": 10000, "rope_scaling": YARN_40 | {"mscale": 1.0, "mscale_all_dim": 1.0}},
    "DeepseekV2Config": DEEPSEEK
    | {"rope_theta": 50000.0, "rope_scaling": YARN_40 | {"factor": 32.0, "beta_fast": 1.0}},  # Kimi K2's betas
    "GptOssConfig": {
        "hidden_size": 2880,
        "num_attention_heads": 64,
        "head_dim": 64,
        "rope_theta": 150000,
        "rope_scaling": YARN_40 | {"factor": 32.0, "truncate": False},
    },
    "GPTNeoXConfig": {"hidden_size": 2048, "num_attention_heads": 8, "rotary_pct": 0.25, "rotary_emb_base": 10000},
    "PhiConfig": {"hidden_size": 2560, "num_attention_heads": 32, "partial_rotary_factor": 0.4, "rope_theta": 10000.0},
    "StableLmConfig": {
        "hidden_size": 2560,
        "num_attention_heads": 32,
        "partial_rotary_factor": 0.25,
        "rope_theta": 10000,
    },
    "JetMoeConfig": {"hidden_size": 2048, "num_attention_heads": 32, "kv_channels": 128, "rope_theta": 10000.0},
    "Zamba2Config": {"hidden_size": 2560, "num_attention_heads": 32, "attention_head_dim": 160, "rope_theta": 10000},
    "MiniMaxM2Config": {"hidden_size": 3072, "head_dim": 128, "rotary_dim": 64, "rope_theta": 5000000},
}


@pytest.mark.parametrize("name", PUBLISHED)
@pytest.mark.parametrize("seq_len", [None, 5000])
def test_published_configs(name, seq_len):
    import transformers

    published = {"max_position_embeddings": 131072} | PUBLISHED[name]
    as_object = getattr(transformers, name)(**copy.deepcopy(published))
    expected, their_factor = rope_of(as_object, seq_len)
    for spelling in (published, as_object, as_object.to_dict()):
        inv_freq, attention_factor = scaling.from_config(spelling, seq_len=seq_len)
        assert difference(inv_freq, expected) < 1e-6
        assert attention_factor == pytest.approx(their_factor, rel=1e-15)


@pytest.mark.parametrize("layer_type", ["full_attention", "sliding_attention"])
def test_layers_that_differ(layer_type):
    from transformers import Gemma3TextConfig, Gemma4TextConfig

    gemma_3 = {"head_dim": 256, "rope_theta": 1e6, "rope_local_base_freq": 1e4}
    gemma_3["rope_scaling"] = {"rope_type": "linear", "factor": 8.0}
    gemma_4 = {"head_dim": 256, "global_head_dim": 512, "rope_parameters": Gemma4TextConfig().rope_parameters}
    for published, config in (
        (gemma_3, Gemma3TextConfig(**copy.deepcopy(gemma_3))),
        (gemma_4, Gemma4TextConfig(**copy.deepcopy(gemma_4))),
    ):
        expected, _ = rope_of(config.per_layer_config[layer_type] if published is gemma_4 else config, None, layer_type)
        for spelling in (published, config):
            inv_freq, attention_factor = scaling.from_config(spelling, layer_type=layer_type)
            assert difference(inv_freq, expected) < 1e-6
            assert attention_factor == 1
    with pytest.raises(ValueError, match="per_layer_config"):
        scaling.from_config(config.to_dict(), layer_type=layer_type)


# --- what the rules mean ---


def test_dynamic_ntk_stretches_by_more_than_the_length():
    for seq_len, stretch in ((8192, 3), (16384, 7)):
        inv_freq, _ = scaling.dynamic_ntk(64, factor=2, max_position_embeddings=4096, seq_len=seq_len)
        assert difference(inv_freq, scaling.ntk(64, factor=stretch)[0]) < 1e-15


def test_llama3_keeps_blends_and_divides():
    plain = inverse_frequencies(128, 500_000.0)
    inv_freq, _ = scaling.llama3(128, 500_000.0, factor=8, **{key: LLAMA3[key] for key in LLAMA3 if key != "rope_type"})
    kept, divided = np.isclose(inv_freq, plain, rtol=1e-14), np.isclose(inv_freq, plain / 8, rtol=1e-14)
    assert (kept.sum(), (~kept & ~divided).sum(), divided.sum()) == (29, 6, 29)


def test_partial_rotary_and_proportional_differ():
    partial, _ = scaling.default(64, partial_rotary_factor=0.25)
    proportional, _ = scaling.proportional(64, partial_rotary_factor=0.25)
    assert np.array_equal(partial, inverse_frequencies(16))
    assert np.array_equal(proportional, np.where(np.arange(32) < 8, inverse_frequencies(64), 0))
    assert not scaling.proportional(64, partial_rotary_factor=0.0)[0].any()


def test_factor_1_changes_nothing():
    plain = inverse_frequencies(64)
    lengths = {"original_max_position_embeddings": 4096}
    for inv_freq, attention_factor in (
        scaling.linear(64, factor=1),
        scaling.ntk(64, factor=1),
        scaling.yarn(64, factor=1, **lengths),
        scaling.llama3(64, factor=1, low_freq_factor=1, high_freq_factor=4, **lengths),
        scaling.proportional(64, partial_rotary_factor=1.0),
        scaling.longrope(64, factor=1, short_factor=[1] * 32, long_factor=[2] * 32, **lengths),
    ):
        assert difference(inv_freq, plain) < 1e-15
        assert attention_factor == 1


# --- what is refused ---

PLAIN = {"head_dim": 64, "rope_theta": 1e4, "max_position_embeddings": 4096}
COMPLETE = {
    "linear": {"factor": 2.0},
    "ntk": {"factor": 2.0},
    "dynamic": {"factor": 2.0},
    "yarn": {"factor": 2.0, "original_max_position_embeddings": 2048},
    "longrope": {"short_factor": [1.0] * 32, "long_factor": [2.0] * 32, "original_max_position_embeddings": 2048},
    "llama3": {"factor": 2.0, "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 2048},
    "proportional": {"partial_rotary_factor": 0.5},
}


def config_with(rope_type, **changes):
    return PLAIN | {"rope_parameters": {"rope_type": rope_type} | COMPLETE.get(rope_type, {}) | changes}


@pytest.mark.parametrize(
    ("rope_type", "key"), [(rope_type, key) for rope_type, keys in COMPLETE.items() for key in keys]
)
@pytest.mark.parametrize("absent", ["missing", "None"])
def test_missing_key_is_named(rope_type, key, absent):
    config = config_with(rope_type)
    scaling.from_config(config)
    config["rope_parameters"][key] = None
    if absent == "missing":
        del config["rope_parameters"][key]
    with pytest.raises(ValueError, match=rf'"{rope_type}" needs {key}'):
        scaling.from_config(config)


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"head_dim": 64}, "rope_theta"),
        ({"head_dim": 64, "rope_theta": None, "rope_parameters": {"rope_type": "default"}}, "rope_theta"),
        ({"rope_theta": 1e4}, "head_dim"),
        ({"rope_theta": 1e4, "hidden_size": 64}, "num_attention_heads"),
        ({"rope_theta": 1e4, "hidden_size": 64, "num_attention_heads": 3}, "num_attention_heads"),
        ({**config_with("dynamic"), "max_position_embeddings": None}, "max_position_embeddings"),
        ({**config_with("longrope"), "max_position_embeddings": None}, "factor, max_position_embeddings"),
        (config_with("su_scaled"), "rope_type.*'su_scaled'"),
        (PLAIN | {"rope_scaling": {"factor": 2.0}}, "rope_type.*None"),
        (PLAIN | {"rope_scaling": "linear"}, "rope_scaling"),
        (PLAIN | {"rope_parameters": {"rope_type": "default", "rope_theta": 5e5}}, "rope_theta.*500000.0 and 10000.0"),
        (config_with("yarn") | {"original_max_position_embeddings": 1024}, "original_max_position_embeddings.*1024"),
        (PLAIN | {"rope_parameters": {"rope_type": "linear", "factor": 2}, "rope_scaling": {"factor": 3}}, "equal"),
        (PLAIN | {"rope_parameters": {"full_attention": {"rope_type": "default"}}}, r"layer_type=.*full_attention"),
    ],
)
def test_config_that_does_not_say_is_refused(config, named):
    with pytest.raises(ValueError, match=named):
        scaling.from_config(config)


@pytest.mark.parametrize(
    ("rope_type", "changes", "named"),
    [
        *((rope_type, {"factor": 0.5}, "factor.*at least 1.*0.5") for rope_type in COMPLETE),
        *((rope_type, {"factor": math.inf}, "factor.*finite.*inf") for rope_type in COMPLETE),
        *((rope_type, {"factor": "4"}, "factor.*'4'") for rope_type in COMPLETE),
        *((rope_type, {"partial_rotary_factor": 1.5}, "partial_rotary_factor.*1.5") for rope_type in COMPLETE),
        *((rope_type, {"rope_theta": -1.0}, "base.*-1.0") for rope_type in COMPLETE),
        *((t, {"original_max_position_embeddings": 0}, "original_max.*0") for t in ("yarn", "longrope", "llama3")),
        ("default", {"partial_rotary_factor": 0.33}, "even, but is 21 for 64 and 0.33"),
        ("default", {"partial_rotary_factor": 0}, "partial_rotary_factor.*0"),
        ("proportional", {"partial_rotary_factor": -0.1}, "partial_rotary_factor.*-0.1"),
        ("ntk", {"partial_rotary_factor": 1 / 32}, "at least 4"),
        ("yarn", {"beta_fast": 1, "beta_slow": 2}, "beta_fast.*1 and 2"),
        ("yarn", {"beta_slow": 0}, "beta_slow.*0"),
        ("yarn", {"truncate": 0}, "truncate.*0"),
        ("yarn", {"rope_theta": 1.0}, "base must exceed 1.*1.0"),
        ("yarn", {"attention_factor": -1.0}, "attention_factor.*-1.0"),
        ("yarn", {"mscale": "1", "mscale_all_dim": 1}, "mscale.*'1'"),
        ("longrope", {"attention_factor": math.nan}, "attention_factor.*nan"),
        ("longrope", {"short_factor": [1.0] * 31}, r"short_factor.*\(32,\).*\(31,\)"),
        ("longrope", {"long_factor": 2.0}, r"long_factor.*\(32,\).*\(\)"),
        ("longrope", {"long_factor": [1.0] * 31 + [0.0]}, "long_factor.*positive.*0.0"),
        ("llama3", {"low_freq_factor": 4, "high_freq_factor": 1}, "low_freq_factor.*4 and 1"),
        ("llama3", {"low_freq_factor": 0}, "low_freq_factor.*0"),
    ],
)
def test_invalid_value_is_named(rope_type, changes, named):
    config = config_with(rope_type, **changes)
    config["rope_theta"] = changes.get("rope_theta", 1e4)
    with pytest.raises(ValueError, match=named):
        scaling.from_config(config)


@pytest.mark.parametrize("rope_type", ["dynamic", "longrope"])
@pytest.mark.parametrize("seq_len", [0, -1, math.nan, "8"])
def test_invalid_seq_len_is_named(rope_type, seq_len):
    with pytest.raises(ValueError, match="seq_len"):
        scaling.from_config(config_with(rope_type), seq_len=seq_len)


def test_layer_type_of_a_config_without_layers_is_refused():
    with pytest.raises(ValueError, match=r"layer_type.*'full_attention'"):
        scaling.from_config(PLAIN, layer_type="full_attention")


def test_the_first_name_of_longrope():
    config = config_with("longrope")
    as_su = PLAIN | {"rope_scaling": config["rope_parameters"] | {"rope_type": None, "type": "su"}}
    assert np.array_equal(scaling.from_config(as_su, seq_len=4096)[0], inverse_frequencies(64) / 2)


def test_unused_keys_are_warned_of():
    with pytest.warns(UserWarning, match='"mrope" makes no use of mrope_section'):
        inv_freq, _ = scaling.from_config(PLAIN | {"rope_scaling": {"type": "mrope", "mrope_section": [8, 12, 12]}})
    assert np.array_equal(inv_freq, inverse_frequencies(64))
    with pytest.warns(UserWarning, match='"yarn" makes no use of beta_fats'):
        scaling.from_config(config_with("yarn", beta_fats=16))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (None, "config must be a mapping .* got None"),
        ("config.json", "config must be a mapping .* 'config.json'"),
        ({"head_dim": 8, "rope_theta": "1e4"}, "rope_theta must be a number, .* '1e4'"),
        (
            {"head_dim": 8, "rope_theta": 1e4, "rope_scaling": {"type": "linear", "rope_type": "yarn", "factor": 2.0}},
            "rope_type must have one value, .* 'yarn' and type 'linear'",
        ),
    ],
)
def test_a_config_that_is_none_or_contradicts_itself_is_refused(config, message):
    with pytest.raises(ValueError, match=message):
        scaling.from_config(config)
