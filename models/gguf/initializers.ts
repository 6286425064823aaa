// The named float32 arrays of an ONNX file.

import { readFileSync } from 'node:fs';
import { fields, text } from '../../src/engine/protobuf';

// Field numbers of onnx.proto (github.com/onnx/onnx, onnx/onnx.proto).
const MODEL_GRAPH = 7;
const GRAPH_INITIALIZER = 5;
const TENSOR = { dims: 1, type: 2, name: 8, raw: 9 };
const FLOAT = 1;

export interface Initializer {
  dims: number[];
  /** Row-major. */
  values: Float32Array;
}

/**
 * Every float32 initializer that stands in the file itself, by name.
 * @throws RangeError where the file is not an ONNX model
 */
export function readInitializers(path: string): Map<string, Initializer> {
  const graph = fields(readFileSync(path)).find((field) => field.number === MODEL_GRAPH);
  if (graph === undefined) throw new RangeError('it holds no graph');
  const found = new Map<string, Initializer>();
  for (const field of fields(graph.bytes)) {
    if (field.number !== GRAPH_INITIALIZER) continue;
    const parts = fields(field.bytes);
    const one = (number: number): (typeof parts)[number] | undefined => parts.find((part) => part.number === number);
    const [name, raw] = [one(TENSOR.name), one(TENSOR.raw)];
    if (one(TENSOR.type)?.value !== FLOAT || name === undefined || raw === undefined) continue;
    const dims = parts.filter((part) => part.number === TENSOR.dims).flatMap(numbers);
    const values = new Float32Array(Uint8Array.from(raw.bytes).buffer);
    if (values.length === dims.reduce((a, b) => a * b, 1)) found.set(text(name), { dims, values });
  }
  return found;
}

/** Dimensions come one a field, or packed into one. */
function numbers(field: { wire: number; value: number; bytes: Uint8Array }): number[] {
  if (field.wire === 0) return [field.value];
  const found: number[] = [];
  let [value, shift] = [0, 0];
  for (const byte of field.bytes) {
    value += (byte & 0x7f) * 2 ** shift;
    shift += 7;
    if (byte < 0x80) {
      found.push(value);
      [value, shift] = [0, 0];
    }
  }
  return found;
}
