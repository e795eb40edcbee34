"""Context extension: every rule, and the reading of it from a model's config.

Each rule returns (inv_freq, attention_factor) and is a function of this module: scaling.yarn(...), scaling.llama3(...).
"""

import inspect
import warnings
from collections.abc import Callable, Mapping
from numbers import Real
from typing import Any

from ropelib.rules import RULES, Scaled, default, dynamic_ntk, linear, llama3, longrope, ntk, proportional, yarn

__all__ = [
    "RULES",
    "Scaled",
    "default",
    "dynamic_ntk",
    "from_config",
    "linear",
    "llama3",
    "longrope",
    "ntk",
    "proportional",
    "yarn",
]

# Keys that configs keep beside the rule, or inside it; the second line has GPT-NeoX's names for two of them.
_BESIDE = ("rope_theta", "partial_rotary_factor", "original_max_position_embeddings", "max_position_embeddings")
_OLD_NAMES = {"longrope": ("su",)}  # Phi-3's configs may hold both
_GPT_NEOX = {"rotary_emb_base": "rope_theta", "rotary_pct": "partial_rotary_factor"}


def from_config(config: Any, *, seq_len: int | None = None, layer_type: str | None = None) -> Scaled:
    """The (inv_freq, attention_factor) of a Hugging Face config, in the spelling of transformers 4 or 5.

    config:     a mapping, such as a parsed config.json, or an object with attributes; None means absent
    seq_len:    the current length, in tokens, for "dynamic" and "longrope"; None is a short sequence
    layer_type: a key of rope_parameters where layers differ, such as "full_attention" in Gemma 3
    returns:    inv_freq, (rotary_dim/2,), in radians per position; attention_factor, dimensionless

    The rule stands in rope_parameters or rope_scaling, and without one this is plain RoPE. What the rule lacks is
    looked up beside it, as Phi-3 keeps the trained length there. The width of a head is qk_rope_head_dim (DeepSeek),
    rotary_dim, head_dim or hidden_size/num_attention_heads, in this order.

    Raises ValueError, with the key, for an unknown rope_type, a missing key or one with two values; warns of keys
    that the rule does not use. Stricter than transformers, which takes 10 000 for a missing rope_theta, and
    max_position_embeddings, often the extended length, for a missing original_max_position_embeddings. Its Llama
    ignores partial_rotary_factor in "default" alone; here it always counts, as in the models that are trained so.
    """
    if config is None or isinstance(config, (str, bytes, list, tuple, int, float)):
        raise ValueError(f"config must be a mapping such as a parsed config.json, or an object, but got {config!r:.80}")
    if layer_type is not None and getattr(config, "is_heterogeneous", False):
        config = config.per_layer_config[layer_type]
    read = config.get if isinstance(config, Mapping) else lambda key: getattr(config, key, None)
    given = _rope_parameters(read, layer_type)
    is_plain = given.keys() <= {"rope_theta", "partial_rotary_factor"}
    rope_type = given.get("rope_type", given.get("type", "default" if is_plain else None))
    if given.get("type", rope_type) not in (rope_type, *_OLD_NAMES.get(rope_type, ())):
        raise ValueError(f"rope_type must have one value, but the config has {rope_type!r} and type {given['type']!r}")
    if rope_type not in RULES:
        raise ValueError(f"rope_type must be one of {', '.join(RULES)}, but got {rope_type!r}")

    known = given | ({} if seq_len is None else {"seq_len": seq_len})
    for key in (*_BESIDE, *_GPT_NEOX):
        name, beside = _GPT_NEOX.get(key, key), read(key)
        if beside is not None and known.setdefault(name, beside) != beside and layer_type is None:
            raise ValueError(f"{name} must have one value, but the config has {known[name]!r} and {beside!r}")
    known |= _head(read, layer_type)

    parameters = inspect.signature(RULES[rope_type]).parameters
    needed = ["rope_theta", *(name for name, parameter in parameters.items() if parameter.default is parameter.empty)]
    if missing := [name for name in needed if name not in known]:
        raise ValueError(f'rope_type "{rope_type}" needs {", ".join(missing)}, but the config has none')
    if unused := given.keys() - parameters.keys() - {"rope_type", "type", "rope_theta"}:
        warnings.warn(f'rope_type "{rope_type}" makes no use of {", ".join(sorted(unused))}', stacklevel=2)
    known["base"] = known["rope_theta"]
    if not isinstance(known["base"], Real) or isinstance(known["base"], bool):
        raise ValueError(f"rope_theta must be a number, but the config has {known['base']!r}")
    return RULES[rope_type](**{name: known[name] for name in parameters if name in known})


def _rope_parameters(read: Callable[[str], Any], layer_type: str | None) -> dict[str, Any]:
    found = [value for key in ("rope_parameters", "rope_scaling") if (value := read(key))]
    if found and found[0] != found[-1]:
        raise ValueError(f"rope_parameters and rope_scaling must be equal where both are given, but are {found}")
    parameters = found[0] if found else {}
    if not isinstance(parameters, Mapping):
        raise ValueError(f"rope_parameters and rope_scaling must be mappings, but got {parameters!r}")
    layers = [key for key, inner in parameters.items() if isinstance(inner, Mapping)]
    if (local_base := read("rope_local_base_freq")) is not None and not layers:  # Gemma 3 before version 5
        parameters = {"full_attention": parameters, "sliding_attention": {"rope_theta": local_base}}
        layers = list(parameters)
    if layers and layer_type not in layers:
        raise ValueError(f"rope_parameters differ by layer, so layer_type= must be one of {layers}: got {layer_type!r}")
    if layer_type is not None and not layers:
        raise ValueError(f"layer_type must be None where all layers share rope_parameters, but got {layer_type!r}")
    parameters = parameters[layer_type] if layers else parameters
    return {key: value for key, value in parameters.items() if value is not None}


def _head(read: Callable[[str], Any], layer_type: str | None) -> dict[str, Any]:
    for key in ("qk_rope_head_dim", "rotary_dim"):
        if read(key) is not None:
            return {"head_dim": read(key), "partial_rotary_factor": 1.0}
    overrides = read("per_layer_config")
    if isinstance(overrides, Mapping) and any("head_dim" in layer for layer in overrides.values()):
        raise ValueError(f"head_dim must not differ by layer in per_layer_config, but got {overrides!r}")
    # Zamba and JetMoe have names of their own; Gemma 4 has a second width.
    keys = ("head_dim", "attention_head_dim", "kv_channels")
    for key in ("global_head_dim", *keys) if layer_type == "full_attention" else keys:
        if read(key) is not None:
            return {"head_dim": read(key)}
    hidden_size, heads = read("hidden_size"), read("num_attention_heads")
    if not hidden_size or not heads or hidden_size % heads:
        rule = "head_dim must be given, or hidden_size and num_attention_heads that divides it"
        raise ValueError(f"{rule}, but the config has None, {hidden_size!r} and {heads!r}")
    return {"head_dim": hidden_size // heads}
