// Writes ONNX files for tests: a graph as a list of nodes, put into protobuf by hand (onnx/onnx.proto gives the field numbers).

import { concat, lengthField, stringField, varintField } from '../src/engine/protobuf';

const FLOAT = 1;
const INT64 = 7;
/** Element types, by their numbers in TensorProto. */
export const TYPES = { float32: FLOAT, float16: 10, int64: INT64 } as const;

export interface ValueInfo {
  name: string;
  type: keyof typeof TYPES;
  shape: (number | string)[];
}

/** A graph under construction; each method adds something and returns its name. */
export class GraphWriter {
  readonly #parts: Uint8Array[] = [];
  #count = 0;

  /** Adds a node. @returns the names of its outputs */
  nodes(
    op: string,
    inputs: string[],
    outputs: number | string[],
    attributes: Record<string, number | number[]> = {},
    domain = '',
  ): string[] {
    const names =
      typeof outputs === 'number' ? Array.from({ length: outputs }, () => `${op}_${this.#count++}`) : outputs;
    this.#parts.push(
      lengthField(
        1,
        concat([
          ...inputs.map((name) => stringField(1, name)),
          ...names.map((name) => stringField(2, name)),
          stringField(4, op),
          ...Object.entries(attributes).map(([name, value]) => lengthField(5, attribute(name, value))),
          stringField(7, domain),
        ]),
      ),
    );
    return names;
  }

  /** Adds a node with one output. @returns its name */
  node(op: string, inputs: string[], attributes: Record<string, number | number[]> = {}, output?: string): string {
    return this.nodes(op, inputs, output === undefined ? 1 : [output], attributes)[0] as string;
  }

  float(name: string, data: Float32Array, dims: number[]): string {
    return this.#tensor(name, FLOAT, new Uint8Array(data.buffer, data.byteOffset, data.byteLength), dims);
  }

  ints(values: number[], dims = [values.length]): string {
    const data = BigInt64Array.from(values, BigInt);
    return this.#tensor(`ints_${this.#count++}`, INT64, new Uint8Array(data.buffer), dims);
  }

  scalar(value: number): string {
    return this.float(`scalar_${this.#count++}`, Float32Array.of(value), []);
  }

  /** The bytes of the finished model. */
  finish(inputs: ValueInfo[], outputs: ValueInfo[], opset = 17): Uint8Array {
    const graph = concat([
      ...this.#parts,
      stringField(2, 'test'),
      ...inputs.map((v) => lengthField(11, valueInfo(v))),
      ...outputs.map((v) => lengthField(12, valueInfo(v))),
    ]);
    const opsetImport = (domain: string, version: number): Uint8Array =>
      lengthField(8, concat([stringField(1, domain), varintField(2, version)]));
    return concat([varintField(1, 8), opsetImport('', opset), opsetImport('com.microsoft', 1), lengthField(7, graph)]);
  }

  #tensor(name: string, type: number, raw: Uint8Array, dims: number[]): string {
    this.#parts.push(
      lengthField(
        5,
        concat([
          ...dims.map((d) => varintField(1, d)),
          varintField(2, type),
          stringField(8, name),
          lengthField(9, raw),
        ]),
      ),
    );
    return name;
  }
}

function attribute(name: string, value: number | number[]): Uint8Array {
  const ints = Array.isArray(value) ? value : [value];
  // A negative number is a varint of ten bytes, which the writer does not make: axes are given from the front.
  return concat([
    stringField(1, name),
    ...ints.map((i) => varintField(Array.isArray(value) ? 8 : 3, i)),
    varintField(20, Array.isArray(value) ? 7 : 2),
  ]);
}

function valueInfo({ name, type, shape }: ValueInfo): Uint8Array {
  const dims = shape.map((d) => lengthField(1, typeof d === 'number' ? varintField(1, d) : stringField(2, d)));
  const tensorType = concat([varintField(1, TYPES[type]), lengthField(2, concat(dims))]);
  return concat([stringField(1, name), lengthField(2, lengthField(1, tensorType))]);
}
