// Matrices on their way from the weights into the file of a graph: read in pieces, quantised, written.

import { t } from '../../l10n';
import { EngineError } from '../errors';
import type { OnnxGraph, Stored } from './onnxFile';
import { BLOCK, quantise, rowBytes, type Bits } from './quantise';
import type { Weights } from './safetensors';

/** Numbers that are read at once: bounds the memory of a build, and the time until a cancel is noticed. */
const PIECE = 1 << 21;

/** A quantised matrix in the file. */
export interface StoredMatrix {
  rows: number;
  columns: number;
  bits: Bits;
  codes: Stored;
  scales: Stored;
  /** Of 4 bits. */
  zeros?: Stored;
}

/** Carries weights into a graph. */
export class Carrier {
  readonly #graph: OnnxGraph;
  readonly #weights: Weights;
  readonly #onPiece: (numbers: number) => void;

  /** @param onPiece told how many numbers have been written since it was last called; what it throws ends the work */
  constructor(graph: OnnxGraph, weights: Weights, onPiece: (numbers: number) => void) {
    this.#graph = graph;
    this.#weights = weights;
    this.#onPiece = onPiece;
  }

  /** A vector, float32. */
  async vector(name: string): Promise<Float32Array> {
    const [length = 0] = this.#weights.shape(name) ?? [];
    const values = await this.#weights.read(name, 0, length);
    if (!values.every(Number.isFinite)) throw notFinite(name);
    this.#onPiece(length);
    return values;
  }

  /** Matrices of as many columns, one under the other, as one. */
  async matrix(names: readonly string[], bits: Bits): Promise<StoredMatrix> {
    const sizes = names.map((name) => this.#weights.shape(name) as [number, number]);
    const rows = sizes.reduce((sum, [count]) => sum + count, 0);
    const columns = (sizes[0] as [number, number])[1];
    const row = rowBytes(columns, bits);
    const stored: StoredMatrix = {
      rows,
      columns,
      bits,
      codes: this.#graph.reserve(rows * row.codes),
      scales: this.#graph.reserve(rows * row.scales),
      ...(row.zeros === 0 ? {} : { zeros: this.#graph.reserve(rows * row.zeros) }),
    };
    let done = 0;
    for (const [i, name] of names.entries()) {
      const [count] = sizes[i] as [number, number];
      const step = Math.max(1, Math.floor(PIECE / columns));
      for (let first = 0; first < count; first += step) {
        const piece = Math.min(step, count - first);
        const values = await this.#weights.read(name, first * columns, piece * columns);
        this.#write(stored, name, done, values);
        done += piece;
        this.#onPiece(values.length);
      }
    }
    return stored;
  }

  #write(
    { columns, bits, codes, scales, zeros }: StoredMatrix,
    name: string,
    done: number,
    values: Float32Array,
  ): void {
    const row = rowBytes(columns, bits);
    let made;
    try {
      made = quantise(values, columns, bits);
    } catch (error) {
      throw error instanceof RangeError ? notFinite(name) : error;
    }
    this.#graph.write(codes, done * row.codes, made.codes);
    this.#graph.write(scales, done * row.scales, made.scales);
    if (zeros !== undefined && made.zeros !== undefined) this.#graph.write(zeros, done * row.zeros, made.zeros);
  }
}

/** Adds the node x · matrixᵀ. @param accuracy of MatMulNBits: 4 rounds activations to 8 bits, 0 does not. @returns `out` */
export function product(
  graph: OnnxGraph,
  { rows, columns, bits, ...stored }: StoredMatrix,
  x: string,
  out: string,
  accuracy: number,
): string {
  const blocks = Math.ceil(columns / BLOCK);
  const inputs = [
    graph.external(`${out}.codes`, 'uint8', stored.codes, [rows, blocks, (BLOCK * bits) / 8]),
    graph.external(`${out}.scales`, 'float32', stored.scales, [rows, blocks]),
  ];
  if (stored.zeros !== undefined)
    inputs.push(graph.external(`${out}.zeros`, 'uint8', stored.zeros, [rows, Math.ceil(blocks / 2)]));
  const sizes = { K: { int: columns }, N: { int: rows }, accuracy_level: { int: accuracy } };
  const quantised = { bits: { int: bits }, block_size: { int: BLOCK } };
  return graph.node('MatMulNBits', [x, ...inputs], out, { ...sizes, ...quantised }, 'com.microsoft');
}

function notFinite(name: string): EngineError {
  return new EngineError(
    'model_damaged',
    t('The weight {0} holds numbers that are not finite. Restore the safetensors, or fetch the model again.', name),
  );
}
