// Random weights in bfloat16 as a folder with safetensors, written piece by piece: they need not fit into memory.

import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { EMBEDDING, weightsOf } from '../../../src/engine/build/matrices';
import { readShape } from '../../../src/engine/build/shape';
import { byteTokenizer } from '../../tinyModel';

const PIECE = 1 << 20;

/** Writes config.json, a byte tokenizer and model.safetensors. @returns how many weights there are */
export function writeRandomSource(dir: string, given: Record<string, unknown>): number {
  mkdirSync(dir, { recursive: true });
  const config = { hidden_act: 'silu', bos_token_id: 256, eos_token_id: 257, ...given };
  const json = (name: string, value: unknown): void => writeFileSync(join(dir, name), JSON.stringify(value));
  json('config.json', config);
  json('tokenizer.json', byteTokenizer());
  json('tokenizer_config.json', { tokenizer_class: 'GPT2Tokenizer', bos_token: '<s>', eos_token: '</s>' });
  let at = 0;
  const header: Record<string, unknown> = {};
  const weights = [...weightsOf(readShape(config, 'config.json'))].map(([name, shape]) => {
    const size = shape.reduce((product, dim) => product * dim, 1);
    header[name] = { dtype: 'BF16', shape, data_offsets: [at, (at += 2 * size)] };
    return { name, size, columns: shape[1] };
  });
  const file = openSync(join(dir, 'model.safetensors'), 'w');
  try {
    const text = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    write(file, Buffer.concat([length, text]));
    const next = bits();
    for (const { name, size, columns } of weights) {
      const { middle, spread } = placed(name, columns);
      for (let first = 0; first < size; first += PIECE) {
        const values = new Float32Array(Math.min(PIECE, size - first));
        for (let i = 0; i < values.length; i++) values[i] = middle + spread * (next() / 2 ** 31 - 1);
        write(file, new Uint8Array(Uint16Array.from(new Uint32Array(values.buffer), (bits) => bits >>> 16).buffer));
      }
    }
  } finally {
    closeSync(file);
  }
  return at / 2;
}

/**
 * Where a weight's numbers lie: matrices leave the variance as it is, but what attention and networks add is a fifth and a third of that. At full
 * strength each of 30 random layers would make the rounding of those before it larger, which trained ones do not.
 */
function placed(name: string, columns: number | undefined): { middle: number; spread: number } {
  if (columns === undefined) return { middle: name.endsWith('bias') ? 0 : 1, spread: 0.2 };
  const gain = name.includes('o_proj') ? 0.2 : name.includes('down_proj') ? 0.3 : 1;
  const deviation = name === EMBEDDING ? 0.25 : gain * columns ** -0.5;
  return { middle: 0, spread: deviation * Math.sqrt(3) };
}

function write(file: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(file, bytes, done);
}

/** Uniform 32-bit numbers (xorshift, Marsaglia 2003). */
function bits(): () => number {
  let state = 0x9e3779b9;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
