// Writes ONNX files for tests: a graph as a list of nodes, put into protobuf by hand (onnx/onnx.proto gives the field numbers).

import { concat, lengthField, stringField, varintField } from '../src/engine/protobuf';
import { attribute, floatsTensor, intsTensor, tensorProto, TYPES, type Attribute } from './onnxTensors';

export { TYPES };

export interface ValueInfo {
  name: string;
  type: keyof typeof TYPES;
  shape: (number | string)[];
}

/**
 * How names are given, as exporters give them: 'plain' Op_7; 'torch' /scope/Op_1 with the output /scope/Op_1_output_0 and constants as
 * nodes (torch.onnx); 'genai' /scope/Op_1 with the output /scope/Op_1/output_0 and shared constants (ONNX Runtime's model builder).
 */
export type Naming = 'plain' | 'torch' | 'genai';

interface State {
  naming: Naming;
  parts: Uint8Array[];
  counts: Map<string, number>;
  constants: Map<string, string>;
}

/** A graph under construction; each method adds something and returns its name. */
export class GraphWriter {
  readonly #state: State;
  readonly #scope: string;

  constructor(naming: Naming = 'plain', scope = '', state?: State) {
    this.#state = state ?? { naming, parts: [], counts: new Map(), constants: new Map() };
    this.#scope = scope;
  }

  /** A writer into the same graph that names what it adds after `scope`. */
  under(scope: string): GraphWriter {
    return new GraphWriter(this.#state.naming, scope, this.#state);
  }

  /** Adds a node. @returns the names of its outputs */
  nodes(
    op: string,
    inputs: string[],
    outputs: number | string[],
    attributes: Record<string, Attribute> = {},
    domain = '',
  ): string[] {
    const name = this.#name(op);
    const separator = { plain: '.', torch: '_output_', genai: '/output_' }[this.#state.naming];
    const bare = this.#state.naming === 'plain' && outputs === 1;
    const names =
      typeof outputs === 'number'
        ? Array.from({ length: outputs }, (_, i) => (bare ? name : `${name}${separator}${i}`))
        : outputs;
    this.#state.parts.push(
      lengthField(
        1,
        concat([
          ...inputs.map((input) => stringField(1, input)),
          ...names.map((output) => stringField(2, output)),
          stringField(3, name),
          stringField(4, op),
          ...Object.entries(attributes).map(([key, value]) => lengthField(5, attribute(key, value))),
          stringField(7, domain),
        ]),
      ),
    );
    return names;
  }

  /** Adds a node with one output. @returns its name */
  node(op: string, inputs: string[], attributes: Record<string, Attribute> = {}, output?: string, domain = ''): string {
    return this.nodes(op, inputs, output === undefined ? 1 : [output], attributes, domain)[0] as string;
  }

  /** Adds an initializer, float32 or, with `half`, float16. */
  float(name: string, data: Float32Array, dims: number[], half = false): string {
    this.#state.parts.push(lengthField(5, floatsTensor(data, dims, half, name)));
    return name;
  }

  /** Adds an initializer of truth values, one byte each. */
  bools(name: string, data: Uint8Array, dims: number[]): string {
    this.#state.parts.push(lengthField(5, tensorProto(name, TYPES.bool, data, dims)));
    return name;
  }

  ints(values: number[], dims = [values.length]): string {
    const tensor = (name = ''): Uint8Array => intsTensor(values, dims, name);
    return this.#constant(`INT64/${dims.length === 0 ? values[0] : `[${values.join(', ')}]`}`, 'ints', tensor);
  }

  scalar(value: number, half = false): string {
    const tensor = (name = ''): Uint8Array => floatsTensor(Float32Array.of(value), [], half, name);
    return this.#constant(`${half ? 'FLOAT16' : 'FLOAT'}/${value}`, 'scalar', tensor);
  }

  /** The bytes of the finished graph alone: a branch of another's If. */
  graph(inputs: ValueInfo[], outputs: ValueInfo[]): Uint8Array {
    return concat([
      ...this.#state.parts,
      stringField(2, 'test'),
      ...inputs.map((v) => lengthField(11, valueInfo(v))),
      ...outputs.map((v) => lengthField(12, valueInfo(v))),
    ]);
  }

  /** The bytes of the finished model. */
  finish(inputs: ValueInfo[], outputs: ValueInfo[], opset = 17): Uint8Array {
    const graph = this.graph(inputs, outputs);
    const opsetImport = (domain: string, version: number): Uint8Array =>
      lengthField(8, concat([stringField(1, domain), varintField(2, version)]));
    return concat([
      varintField(1, opset < 23 ? 8 : 11),
      opsetImport('', opset),
      opsetImport('com.microsoft', 1),
      lengthField(7, graph),
    ]);
  }

  #constant(shared: string, prefix: string, tensor: (name?: string) => Uint8Array): string {
    const { naming, parts, constants } = this.#state;
    if (naming === 'torch') return this.node('Constant', [], { value: { tensor: tensor() } });
    if (naming === 'plain') {
      const name = this.#name(prefix);
      parts.push(lengthField(5, tensor(name)));
      return name;
    }
    const name = `/model/constants/${shared}`;
    if (!constants.has(name)) {
      constants.set(name, name);
      parts.push(lengthField(5, tensor(name)));
    }
    return name;
  }

  #name(what: string): string {
    const { naming, counts } = this.#state;
    const key = naming === 'plain' ? '' : `${this.#scope}/${what}`;
    const count = counts.get(key) ?? 0;
    counts.set(key, count + 1);
    return naming === 'plain' ? `${what}_${count}` : count === 0 ? key : `${key}_${count}`;
  }
}

function valueInfo({ name, type, shape }: ValueInfo): Uint8Array {
  const dims = shape.map((d) => lengthField(1, typeof d === 'number' ? varintField(1, d) : stringField(2, d)));
  const tensorType = concat([varintField(1, TYPES[type]), lengthField(2, concat(dims))]);
  return concat([stringField(1, name), lengthField(2, lengthField(1, tensorType))]);
}
