"""Weights as a few files that a narrow door lets through: at most ROOM bytes together, parts of at most PART bytes and a manifest.json.

    python3 parts.py pack FILE FOLDER [16|12|8]     the weights of a checkpoint, with so many bits each
    python3 parts.py unpack FOLDER FILE             a checkpoint again: {'config', 'average', 'step', 'tokens'}; export.py reads it

Without a number of bits: the most that fit. 16 is fp16; with 12 and 8 bits, 32 weights that follow each other share a scale (fp32). 12 bits are about as
exact as fp16; 8 bits are those of export.py's 8-bit file, which is the same from them. Vectors stay fp32.
"""
import hashlib, json, math, os, sys
from pathlib import Path

import numpy as np

PART, ROOM, BLOCK = (16 << 20) - (1 << 16), 62 << 20, 32
BITS = (16, 12, 8)


def size(shapes, bits):
    """Bytes of tensors of these shapes."""
    counts = [(math.prod(shape), len(shape)) for shape in shapes]
    return sum(4 * n if axes < 2 else 2 * n if bits == 16 else n * bits // 8 + n // BLOCK * 4 for n, axes in counts)


def encode(value, bits):
    """A float32 array → bytes: its scales, then its integers."""
    if value.ndim < 2:
        return value.tobytes()
    if bits == 16:
        return value.astype(np.float16).tobytes()
    blocks, half = value.reshape(-1, BLOCK), (1 << bits - 1) - 1
    scale = np.abs(blocks).max(1, keepdims=True) / np.float32(half)
    scale[scale == 0] = 1
    q = (np.rint(blocks / scale) + half + 1).astype(np.uint16).reshape(-1)
    if bits == 8:
        return scale.tobytes() + q.astype(np.uint8).tobytes()
    a, b = q[::2], q[1::2]                              # two integers in three bytes
    return scale.tobytes() + np.stack((a & 255, a >> 8 | (b & 15) << 4, b >> 4), 1).astype(np.uint8).tobytes()


def decode(data, shape, bits):
    """The float32 array of the bytes that `encode` gave."""
    if len(shape) < 2:
        return np.frombuffer(data, np.float32).reshape(shape).copy()
    if bits == 16:
        return np.frombuffer(data, np.float16).astype(np.float32).reshape(shape)
    count, half = math.prod(shape), (1 << bits - 1) - 1
    scale, q = np.frombuffer(data, np.float32, count // BLOCK), np.frombuffer(data, np.uint8, offset=count // BLOCK * 4).astype(np.int32)
    if bits == 12:
        a, b, c = q.reshape(-1, 3).T
        q = np.stack((a | (b & 15) << 8, b >> 4 | c << 4), 1)
    return ((q.reshape(-1, BLOCK) - half - 1).astype(np.float32) * scale[:, None]).reshape(shape)


def write(folder, weights, facts, bits=None):
    """Writes weights {name: float32 array} and the manifest with `facts` (the configuration, the tokens, …) into the folder; each file in one move, the manifest last."""
    folder, shapes = Path(folder), {name: list(value.shape) for name, value in weights.items()}
    bits = bits or next((b for b in BITS if size(shapes.values(), b) <= ROOM), BITS[-1])
    data = b''.join(encode(value, bits) for value in weights.values())
    pieces = [data[at:at + PART] for at in range(0, len(data), PART)]
    listed = [{'file': f'weights.{i}.part', 'bytes': len(piece), 'sha256': hashlib.sha256(piece).hexdigest()} for i, piece in enumerate(pieces)]
    manifest = json.dumps({**facts, 'bits': bits, 'tensors': shapes, 'parts': listed}).encode()
    folder.mkdir(parents=True, exist_ok=True)
    for name, piece in [*zip((p['file'] for p in listed), pieces), ('manifest.json', manifest)]:
        (folder / (name + '.new')).write_bytes(piece)
        os.replace(folder / (name + '.new'), folder / name)
    return bits, len(data)


def read(folder):
    """(weights {name: float32 array}, the manifest); raises when a part is not the manifest's."""
    manifest, data = json.loads(Path(folder, 'manifest.json').read_text()), b''
    for part in manifest['parts']:
        piece = Path(folder, part['file']).read_bytes()
        assert hashlib.sha256(piece).hexdigest() == part['sha256'], f'{part["file"]} is not the part that the manifest names'
        data += piece
    weights, at = {}, 0
    for name, shape in manifest['tensors'].items():
        length = size([shape], manifest['bits'])
        weights[name] = decode(data[at:at + length], shape, manifest['bits'])
        at += length
    return weights, manifest


def main():
    """Packs or unpacks."""
    import torch
    if sys.argv[1] == 'pack':
        saved = torch.load(sys.argv[2], map_location='cpu')
        weights = {name: value.float().numpy() for name, value in (saved.get('average') or saved['model']).items()}
        bits, length = write(sys.argv[3], weights, {'config': saved['config'], 'step': saved.get('step', 0), 'tokens': saved.get('tokens', 0)}, *map(int, sys.argv[4:]))
        print(f'{length} bytes, {bits} bits a weight, in {sys.argv[3]}')
    else:
        weights, manifest = read(sys.argv[2])
        facts = {k: v for k, v in manifest.items() if k not in ('bits', 'tensors', 'parts')}
        torch.save({**facts, 'average': {n: torch.from_numpy(w) for n, w in weights.items()}}, sys.argv[3])
        print(facts, manifest['bits'], 'bits a weight →', sys.argv[3])


if __name__ == '__main__':
    main()
