"""What ropelib.triton_fast is made of, and its two fusions: cache writes to a KV cache, norm normalises.

angles: exact angles, tables; tiles: how programs read and write; checks: what is refused; launch: plans that spare
the CPU work; operators: registration with PyTorch. None of them imports ropelib.triton_fast.
"""
