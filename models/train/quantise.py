"""Ways to store the matrices of the model in fewer bytes, and the variants that are compared. Knows arrays, not graphs.

Layouts are those of ONNX Runtime's MatMulNBits (com.microsoft): along a row of inputs, so many of them, a block, share one scale.
"""
import dataclasses

import numpy as np


@dataclasses.dataclass(frozen=True)
class Scheme:
    """How a matrix is stored: 32 or 16 bits a number as floats, 8 or 4 as whole numbers with a scale a block."""
    bits: int = 32
    block: int = 32
    zeros: bool = False   # each block has a zero point of its own; otherwise the middle of the range
    accuracy: int = 4     # of MatMulNBits: 4 rounds the activations to 8 bits as well, 0 leaves them in float32

    def __str__(self):
        return f'fp{self.bits}' if self.bits > 8 else f'{self.bits}-bit, blocks of {self.block}' + ', zero points' * self.zeros + ', fp32 activations' * (self.accuracy == 0)


@dataclasses.dataclass(frozen=True)
class Plan:
    """The schemes of the layers' matrices, of the output matrix, and of the table of embeddings. Without the last, the table is the output matrix itself."""
    layers: Scheme
    head: Scheme
    table: Scheme | None = Scheme(16)

    def __str__(self):
        table = 'one table for embedding and output' if self.table is None and self.head.bits <= 8 else f'embedding {self.table}' if self.table else ''
        return '; '.join(filter(None, (str(self.layers), f'output {self.head}' * (self.head != self.layers), table)))


FP32, FP16, Q8, Q4 = Scheme(32), Scheme(16), Scheme(8), Scheme(4)


def blocks(bits, block, **options):
    """A plan with one scheme for all matrices."""
    scheme = Scheme(bits, block, **options)
    return Plan(scheme, scheme)


# What is compared; all of these are written by `export.py --variants`.
VARIANTS = {
    'fp32': Plan(FP32, FP32, None), 'fp16': Plan(FP16, FP16, None),
    'q8-32': blocks(8, 32), 'q8-64': blocks(8, 64), 'q8-128': blocks(8, 128), 'q8-32-exact': blocks(8, 32, accuracy=0),
    'q8-32-shared': Plan(Q8, Q8, None), 'q8-64-shared': Plan(Scheme(8, 64), Scheme(8, 64), None), 'q8-128-shared': Plan(Scheme(8, 128), Scheme(8, 128), None),
    'q4-16': blocks(4, 16), 'q4-32': blocks(4, 32), 'q4-64': blocks(4, 64), 'q4-128': blocks(4, 128),
    'q4-32-zeros': blocks(4, 32, zeros=True), 'q4-32-exact': blocks(4, 32, accuracy=0),
    'q4-32-head8': Plan(Q4, Q8), 'q4-32-head8-shared': Plan(Q4, Q8, None), 'q4-16-head8-shared': Plan(Scheme(4, 16), Q8, None),
    'q4-32-shared': Plan(Q4, Q4, None),
}
SHIPPED = 'q8-128-shared'  # becomes onnx/model_quantized.onnx


def quantize(weight, scheme):
    """[N, K] float32 → (codes uint8 [N, blocks, block], scales float32 [N, blocks], zero points uint8 [N, blocks]).

    8 bits: the largest number of a block becomes 127. 4 bits: of a range and narrower ones, the one with the least squared error; the row is
    filled up with zeros to whole blocks. A number is (code - zero point) * scale.
    """
    size = -weight.shape[1] % scheme.block
    x = np.pad(weight, ((0, 0), (0, size))).reshape(weight.shape[0], -1, scheme.block)
    top, middle = (1 << scheme.bits) - 1, 1 << (scheme.bits - 1)
    best = None
    for low, high in ranges(x, scheme):
        scale = (high - low) / top if scheme.zeros else high
        scale = np.where(scale == 0, 1, scale).astype(np.float32)
        zero = np.clip(np.rint(-low / scale), 0, top) if scheme.zeros else np.full_like(scale, middle)
        codes = np.clip(np.rint(x / scale) + zero, 0, top)
        error = np.square((codes - zero) * scale - x).sum(-1, keepdims=True)
        if best is None:
            best = [error, codes, scale, zero]
        else:
            better = error < best[0]
            best = [np.where(better, new, old) for new, old in zip((error, codes, scale, zero), best)]
    _, codes, scale, zero = best
    return codes.astype(np.uint8), scale[..., 0].astype(np.float32), zero[..., 0].astype(np.uint8)


def ranges(x, scheme):
    """Candidates for the numbers that a block [N, blocks, block] can hold: (least, largest) with zero points, (0, scale) without."""
    if scheme.zeros:
        low, high = np.minimum(x.min(-1, keepdims=True), 0), np.maximum(x.max(-1, keepdims=True), 0)
        for part in (1,) if scheme.bits == 8 else np.linspace(1, 0.7, 13):
            yield low * part, high * part
    elif scheme.bits == 8:
        yield 0, np.abs(x).max(-1, keepdims=True) / 127
    else:
        largest = np.take_along_axis(x, np.abs(x).argmax(-1, keepdims=True), -1)
        for part in np.linspace(1, 0.7, 13):
            yield 0, -largest * part / 8   # the code 0 stands for the largest
            yield 0, largest * part / 7


def pack(codes, bits):
    """Codes [.., n] as they stand in the file: 8 bits as they are, of 4 bits two in a byte, the first in the lower half [.., n/2]."""
    if bits == 8:
        return codes
    codes = np.concatenate((codes, np.zeros((*codes.shape[:-1], codes.shape[-1] % 2), np.uint8)), -1)
    return codes[..., ::2] | codes[..., 1::2] << 4
