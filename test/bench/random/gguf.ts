// The same random model for llama.cpp, architecture "qwen2", matrices as q4_0.

import type { Value } from '../../../models/gguf/file';
import { vocabulary } from '../../../models/gguf/vocabulary';
import type { ModelFolder } from '../../../src/engine/modelFolder';
import { Tokenizer } from '../../../src/engine/tokenizer';
import { writeGguf, type StreamedTensor } from './ggufStream';
import { BLOCK, randomMatrix, randomVector, type Quantised } from './numbers';
import { weightsOf, type Shape, type Weight } from './shape';

/** llama.cpp's number for "mostly q4_0" (include/llama.h, llama_ftype). */
const MOSTLY_Q4_0 = 2;
/** Bytes of a block of q4_0: a binary16 scale, then 32 codes. */
const BLOCK_BYTES = 2 + BLOCK / 2;

/** Writes the file. @param folder the model folder of the same shape, for its tokenizer; ids without a token are filled up */
export function writeRandomGguf(path: string, shape: Shape, folder: ModelFolder): void {
  const key = (values: Record<string, Value>): [string, Value][] =>
    Object.entries(values).map(([name, value]) => [`qwen2.${name}`, value]);
  const metadata: Record<string, Value> = {
    'general.architecture': { string: 'qwen2' },
    'general.name': { string: folder.name },
    'general.file_type': { uint32: MOSTLY_Q4_0 },
    'general.quantization_version': { uint32: 2 },
    ...Object.fromEntries(
      key({
        block_count: { uint32: shape.layers },
        context_length: { uint32: shape.context },
        embedding_length: { uint32: shape.hidden },
        feed_forward_length: { uint32: shape.inner },
        'attention.head_count': { uint32: shape.heads },
        'attention.head_count_kv': { uint32: shape.kvHeads },
        'attention.layer_norm_rms_epsilon': { float32: shape.rmsEps },
        'rope.freq_base': { float32: shape.ropeTheta },
        vocab_size: { uint32: shape.vocab },
      }),
    ),
    ...vocabulary(folder.tokenizerJson, new Tokenizer(folder), shape.vocab),
  };
  writeGguf(path, metadata, weightsOf(shape).map(tensor));
}

function tensor(weight: Weight): StreamedTensor {
  const { gguf: name, rows, columns } = weight;
  if (columns === undefined) {
    const bytes = (): Uint8Array => new Uint8Array(randomVector(weight).buffer);
    return { name, dims: [rows], type: 'f32', size: rows * 4, bytes };
  }
  const size = ((rows * columns) / BLOCK) * BLOCK_BYTES;
  return { name, dims: [rows, columns], type: 'q4_0', size, bytes: () => q4(randomMatrix(weight)) };
}

/**
 * The bytes of q4_0 (ggml-common.h, block_q4_0): byte i of a block holds the codes of numbers i and i + 16, where the codes given hold
 * those of 2i and 2i + 1.
 */
function q4({ codes, scales }: Quantised): Uint8Array {
  const bytes = new Uint8Array(scales.length * BLOCK_BYTES);
  const half = BLOCK / 2;
  for (let block = 0; block < scales.length; block++) {
    const to = block * BLOCK_BYTES;
    const from = block * half;
    bytes[to] = (scales[block] as number) & 0xff;
    bytes[to + 1] = (scales[block] as number) >> 8;
    for (let i = 0; i < half; i++) {
      const [first, second] = [codes[from + (i >> 1)], codes[from + ((i + half) >> 1)]] as [number, number];
      const shift = 4 * (i & 1);
      bytes[to + 2 + i] = ((first >> shift) & 15) | (((second >> shift) & 15) << 4);
    }
  }
  return bytes;
}
