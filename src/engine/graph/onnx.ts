// An ONNX model as a list of nodes that can be changed: what lies between the protobuf's bytes and the rewriting of a graph. Whatever is
// not touched keeps its bytes. Field numbers: onnx/onnx.proto of github.com/onnx/onnx.

import { concat, fields, lengthField, stringField, text, varintField, type Field } from '../protobuf';
import {
  encodeAttribute,
  readAttribute,
  tensorBytes,
  type AttributeValue,
  type GivenAttribute,
  type ReadTensor,
  readTensor,
} from './tensors';

const MODEL = { opsetImport: 8, graph: 7 };
const GRAPH = { node: 1, initializer: 5, input: 11, output: 12, valueInfo: 13 };
const NODE = { input: 1, output: 2, name: 3, op: 4, attribute: 5, domain: 7 };
const VALUE_INFO = { name: 1, type: 2 };
const OPSET = { domain: 1, version: 2 };

/** com.microsoft, the domain of ONNX Runtime's own operators. */
export const MICROSOFT = 'com.microsoft';

/** Element types by their numbers in TensorProto. */
export const ELEMENT = { float32: 1, int64: 7, bool: 9, float16: 10 } as const;

/** An operator at work. */
export interface GraphNode {
  name: string;
  op: string;
  domain: string;
  inputs: readonly string[];
  outputs: readonly string[];
  /** The message NodeProto. */
  bytes: Uint8Array;
}

/** A declared input of the graph. */
export interface GraphInput {
  name: string;
  element: number;
  /** Sizes; undefined where the size is named or not said. */
  shape: (number | undefined)[];
}

/** A graph that is being changed. */
export class OnnxGraph {
  readonly #model: Field[];
  readonly #others: Uint8Array[] = [];
  readonly #initializers = new Map<string, Uint8Array>();
  readonly #inputFields = new Map<string, Uint8Array>();
  readonly #added = new Map<string, Uint8Array>();
  #outputs: { name: string; bytes: Uint8Array }[] = [];
  nodes: GraphNode[] = [];
  readonly inputs: GraphInput[] = [];
  /** The version of the standard operators. */
  readonly opset: number;

  /**
   * @param model bytes of an ONNX file
   * @throws RangeError where the bytes are not an ONNX model
   */
  constructor(model: Uint8Array) {
    this.#model = fields(model);
    const graph = this.#model.find((field) => field.number === MODEL.graph && field.wire === 2);
    if (graph === undefined) throw new RangeError('not an ONNX model: there is no graph in it');
    this.opset = Math.max(0, ...this.#model.filter((f) => f.number === MODEL.opsetImport).map(standardVersion));
    for (const field of fields(graph.bytes)) {
      if (field.number === GRAPH.node) this.nodes.push(readNode(field.bytes));
      else if (field.number === GRAPH.initializer) this.#initializers.set(tensorName(field.bytes), field.bytes);
      else if (field.number === GRAPH.input) {
        const input = readInput(field.bytes);
        this.inputs.push(input);
        this.#inputFields.set(input.name, field.bytes);
      } else if (field.number === GRAPH.output) {
        const name = fields(field.bytes).find((f) => f.number === VALUE_INFO.name);
        this.#outputs.push({ name: name === undefined ? '' : text(name), bytes: field.bytes });
      } else if (field.number !== GRAPH.valueInfo) this.#others.push(field.whole); // notes on shapes would be stale
    }
  }

  get outputs(): string[] {
    return this.#outputs.map(({ name }) => name);
  }

  /** The node that computes a value; undefined for inputs and initializers. */
  producers(): Map<string, GraphNode> {
    return new Map(this.nodes.flatMap((node) => node.outputs.map((name) => [name, node] as const)));
  }

  /** The nodes that read each value. */
  consumers(): Map<string, GraphNode[]> {
    const found = new Map<string, GraphNode[]>();
    for (const node of this.nodes)
      for (const name of new Set(node.inputs)) found.set(name, [...(found.get(name) ?? []), node]);
    return found;
  }

  isInitializer(name: string): boolean {
    return this.#initializers.has(name);
  }

  /** An initializer, its numbers as far as they lie in the file itself. */
  initializer(name: string): ReadTensor | undefined {
    const bytes = this.#initializers.get(name);
    return bytes === undefined ? undefined : readTensor(bytes);
  }

  /** Adds an initializer. @returns its name */
  constant(name: string, element: 'float32' | 'int64', values: readonly number[], dims: readonly number[]): string {
    this.#initializers.set(name, tensorBytes(name, element, values, dims));
    return name;
  }

  /** Declares an input; its shape is left open. @returns its name */
  input(name: string, element: 'float32' | 'float16' | 'int64'): string {
    const tensor = lengthField(1, varintField(1, ELEMENT[element])); // TypeProto.tensor_type.elem_type
    this.#added.set(name, concat([stringField(VALUE_INFO.name, name), lengthField(VALUE_INFO.type, tensor)]));
    return name;
  }

  /** Declares an output by its name alone: the runtime infers the rest. */
  output(name: string): void {
    this.#outputs.push({ name, bytes: stringField(VALUE_INFO.name, name) });
  }

  /** Takes outputs of the graph away. */
  dropOutputs(dropped: (name: string) => boolean): void {
    this.#outputs = this.#outputs.filter(({ name }) => !dropped(name));
  }

  /** Takes away the nodes whose results nobody needs, and the inputs and initializers that only they read. */
  prune(): void {
    const needed = new Set(this.outputs);
    const kept: GraphNode[] = [];
    for (const node of [...this.nodes].reverse()) {
      if (!node.outputs.some((name) => needed.has(name))) continue;
      kept.push(node);
      // A node with a graph inside may read anything.
      for (const name of hasSubgraph(node) ? [...this.#initializers.keys(), ...this.producers().keys()] : node.inputs)
        needed.add(name);
    }
    this.nodes = kept.reverse();
    for (const name of this.#initializers.keys()) if (!needed.has(name)) this.#initializers.delete(name);
    for (const name of this.#inputFields.keys()) if (!needed.has(name)) this.#inputFields.delete(name);
    for (const name of this.#added.keys()) if (!needed.has(name)) this.#added.delete(name);
  }

  /** The model as it is now. */
  encode(): Uint8Array<ArrayBuffer> {
    const graph = concat([
      ...this.nodes.map(({ bytes }) => lengthField(GRAPH.node, bytes)),
      ...[...this.#initializers.values()].map((bytes) => lengthField(GRAPH.initializer, bytes)),
      ...[...this.#inputFields.values(), ...this.#added.values()].map((bytes) => lengthField(GRAPH.input, bytes)),
      ...this.#outputs.map(({ bytes }) => lengthField(GRAPH.output, bytes)),
      ...this.#others,
    ]);
    const known = this.#model.some((f) => f.number === MODEL.opsetImport && opsetDomain(f) === MICROSOFT);
    return concat([
      ...this.#model.map((field) => (field.number === MODEL.graph ? lengthField(MODEL.graph, graph) : field.whole)),
      ...(known
        ? []
        : [
            lengthField(
              MODEL.opsetImport,
              concat([stringField(OPSET.domain, MICROSOFT), varintField(OPSET.version, 1)]),
            ),
          ]),
    ]);
  }

  /** Puts each initializer of at least `least` bytes where it is: into the model's own file, read by the runtime when needed. */
  referTo(location: string, file: Uint8Array, least: number): void {
    for (const [name, bytes] of this.#initializers) {
      const external = externalTensor(bytes, location, file, least);
      if (external !== undefined) this.#initializers.set(name, external);
    }
  }
}

/** A new node. */
export function makeNode(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Record<string, GivenAttribute> = {},
  domain = '',
): GraphNode {
  const name = `glassbox/${outputs[0] ?? op}`;
  const bytes = concat([
    ...inputs.map((value) => stringField(NODE.input, value)),
    ...outputs.map((value) => stringField(NODE.output, value)),
    stringField(NODE.name, name),
    stringField(NODE.op, op),
    ...Object.entries(attributes).map(([key, value]) => lengthField(NODE.attribute, encodeAttribute(key, value))),
    ...(domain === '' ? [] : [stringField(NODE.domain, domain)]),
  ]);
  return { name, op, domain, inputs, outputs, bytes };
}

/** The node with other inputs or outputs. */
export function renamed(
  node: GraphNode,
  inputs: readonly string[],
  outputs: readonly string[] = node.outputs,
): GraphNode {
  const kept = fields(node.bytes).filter(({ number }) => number !== NODE.input && number !== NODE.output);
  const bytes = concat([
    ...inputs.map((value) => stringField(NODE.input, value)),
    ...outputs.map((value) => stringField(NODE.output, value)),
    ...kept.map(({ whole }) => whole),
  ]);
  return { ...node, inputs, outputs, bytes };
}

/** The attributes of a node by name. */
export function attributesOf(node: GraphNode): Map<string, AttributeValue> {
  return new Map(
    fields(node.bytes)
      .filter(({ number }) => number === NODE.attribute)
      .map(({ bytes }) => readAttribute(bytes)),
  );
}

function hasSubgraph(node: GraphNode): boolean {
  return ['If', 'Loop', 'Scan'].includes(node.op);
}

function readNode(bytes: Uint8Array): GraphNode {
  const node = { name: '', op: '', domain: '', inputs: [] as string[], outputs: [] as string[], bytes };
  for (const field of fields(bytes)) {
    if (field.number === NODE.input) node.inputs.push(text(field));
    else if (field.number === NODE.output) node.outputs.push(text(field));
    else if (field.number === NODE.name) node.name = text(field);
    else if (field.number === NODE.op) node.op = text(field);
    else if (field.number === NODE.domain) node.domain = text(field) === 'ai.onnx' ? '' : text(field);
  }
  return node;
}

function readInput(bytes: Uint8Array): GraphInput {
  const input: GraphInput = { name: '', element: 0, shape: [] };
  for (const field of fields(bytes)) {
    if (field.number === VALUE_INFO.name) input.name = text(field);
    if (field.number !== VALUE_INFO.type) continue;
    const tensor = fields(field.bytes).find((f) => f.number === 1);
    for (const part of tensor === undefined ? [] : fields(tensor.bytes)) {
      if (part.number === 1) input.element = part.value;
      if (part.number === 2)
        input.shape = fields(part.bytes)
          .filter((dim) => dim.number === 1)
          .map((dim) => fields(dim.bytes).find((f) => f.number === 1)?.value);
    }
  }
  return input;
}

function tensorName(bytes: Uint8Array): string {
  const name = fields(bytes).find((field) => field.number === 8);
  return name === undefined ? '' : text(name);
}

function opsetDomain(field: Field): string {
  const domain = fields(field.bytes).find((f) => f.number === OPSET.domain);
  return domain === undefined ? '' : text(domain);
}

function standardVersion(field: Field): number {
  if (!['', 'ai.onnx'].includes(opsetDomain(field))) return 0;
  return fields(field.bytes).find((f) => f.number === OPSET.version)?.value ?? 0;
}

/** A tensor whose numbers lie in `file`, as one that says where; undefined where it is small or lies elsewhere already. */
function externalTensor(bytes: Uint8Array, location: string, file: Uint8Array, least: number): Uint8Array | undefined {
  const inside = fields(bytes);
  const raw = inside.find((field) => field.number === 9)?.bytes;
  if (raw === undefined || raw.length < least || raw.buffer !== file.buffer) return undefined;
  const entry = (key: string, value: string): Uint8Array =>
    lengthField(13, concat([stringField(1, key), stringField(2, value)]));
  return concat([
    ...inside.filter((field) => field.number !== 9).map((field) => field.whole),
    entry('location', location),
    entry('offset', String(raw.byteOffset - file.byteOffset)),
    entry('length', String(raw.length)),
    varintField(14, 1), // data_location: EXTERNAL
  ]);
}
