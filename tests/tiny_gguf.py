"""A Llama of random weights in a GGUF file, small enough to write anew for every defect."""

import gguf
import numpy as np

LAYERS, WIDTH, HEADS, KV_HEADS, HEAD_DIM, INNER, WORDS = 2, 24, 3, 1, 8, 40, 50
SHAPES = {
    "attn_norm": (WIDTH,),
    "attn_q": (HEADS * HEAD_DIM, WIDTH),
    "attn_k": (KV_HEADS * HEAD_DIM, WIDTH),
    "attn_v": (KV_HEADS * HEAD_DIM, WIDTH),
    "attn_output": (WIDTH, HEADS * HEAD_DIM),
    "ffn_norm": (WIDTH,),
    "ffn_gate": (INNER, WIDTH),
    "ffn_up": (INNER, WIDTH),
    "ffn_down": (WIDTH, INNER),
}


def tensors():
    random = np.random.default_rng(0)
    shapes = {f"blk.{i}.{name}.weight": shape for i in range(LAYERS) for name, shape in SHAPES.items()}
    shapes |= {"token_embd.weight": (WORDS, WIDTH), "output_norm.weight": (WIDTH,)}
    return {name: random.normal(size=shape, scale=0.3).astype(np.float32) for name, shape in shapes.items()}


def write(path, *, architecture="llama", weights=None, without=(), scaling=None, split="smollm"):
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_block_count(LAYERS)
    writer.add_embedding_length(WIDTH)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(HEAD_DIM)
    writer.add_feed_forward_length(INNER)
    writer.add_vocab_size(WORDS)
    writer.add_context_length(64)
    writer.add_layer_norm_rms_eps(1e-5)
    if "base" not in without:
        writer.add_rope_freq_base(500.0)
    if scaling:
        writer.add_string(f"{architecture}.rope.scaling.type", scaling)
    writer.add_tokenizer_pre(split)
    letters = [chr(ord("A") + i) for i in range(WORDS - 3)]
    writer.add_token_list(["<|endoftext|>", "<|im_end|>", *letters, "YZ"])
    writer.add_token_types([3, 3] + [1] * (WORDS - 2))
    writer.add_token_merges(["Y Z"])
    for name, value in (tensors() if weights is None else weights).items():
        if name not in without:
            writer.add_tensor(name, value)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
