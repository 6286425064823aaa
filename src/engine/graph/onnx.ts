// An ONNX model as a list of nodes that can be changed: what lies between the protobuf's bytes and the rewriting of a graph. Whatever is
// not touched keeps its bytes. Field numbers: onnx/onnx.proto of github.com/onnx/onnx.

import { concat, fields, inside, lengthField, stringField, text, varintField, type Field } from '../protobuf';
import {
  encodeAttribute,
  joinedTensor,
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
const ATTRIBUTE = { graph: 6, graphs: 11 };
const OPSET = { domain: 1, version: 2 };

/** Graphs in graphs; protobuf's own readers stop at 100 messages in messages. */
const DEEPEST = 30;

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
  /** What graphs inside it read, of their own values and those around it. */
  within: readonly string[];
  /** The message NodeProto. */
  bytes: Uint8Array;
}

/** A declared input of the graph. */
export interface GraphInput {
  name: string;
  element: number;
  /** Sizes; undefined where the size is named or not said. No more than what stands there: it may be 0, or larger than anything. */
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
    const [graph, other] = this.#model.filter((field) => field.number === MODEL.graph);
    if (graph === undefined) throw new RangeError('not an ONNX model: there is no graph in it');
    if (other !== undefined) throw new RangeError('not an ONNX model: there are two graphs in it');
    this.opset = this.#model
      .filter((field) => field.number === MODEL.opsetImport)
      .reduce((most, field) => Math.max(most, standardVersion(field)), 0);
    for (const field of inside(graph)) {
      if (field.number === GRAPH.node) this.nodes.push(readNode(field));
      else if (field.number === GRAPH.initializer) this.#initializers.set(tensorName(field), field.bytes);
      else if (field.number === GRAPH.input) {
        const input = readInput(field);
        this.inputs.push(input);
        this.#inputFields.set(input.name, field.bytes);
      } else if (field.number === GRAPH.output) {
        const name = inside(field).find((f) => f.number === VALUE_INFO.name);
        this.#outputs.push({ name: name === undefined ? '' : text(name), bytes: field.bytes });
      } else if (field.number !== GRAPH.valueInfo) this.#others.push(field.whole); // notes on shapes would be stale
    }
  }

  get outputs(): string[] {
    return this.#outputs.map(({ name }) => name);
  }

  /** The node that computes each value; none for inputs and initializers. @throws RangeError where two compute the same */
  producers(): Map<string, GraphNode> {
    const found = new Map<string, GraphNode>();
    for (const node of this.nodes)
      for (const name of node.outputs) {
        if (name === '') continue; // an output that is not asked for
        if (found.has(name)) throw new RangeError(`not an ONNX model: two nodes give "${name}"`);
        found.set(name, node);
      }
    return found;
  }

  /** The nodes that read each value. */
  consumers(): Map<string, GraphNode[]> {
    const found = new Map<string, GraphNode[]>();
    for (const node of this.nodes)
      for (const name of new Set(node.inputs)) {
        const readers = found.get(name);
        if (readers === undefined) found.set(name, [node]);
        else readers.push(node);
      }
    return found;
  }

  /** A value whose name begins so; undefined where there is none. */
  valueNamed(start: string): string | undefined {
    const begins = (name: string): boolean => name.startsWith(start);
    for (const { inputs, outputs, within } of this.nodes) {
      const found = [inputs, outputs, within].map((names) => names.find(begins)).find((name) => name !== undefined);
      if (found !== undefined) return found;
    }
    return [...this.#initializers.keys(), ...this.#inputFields.keys()].find(begins);
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

  /**
   * Adds an initializer that holds the numbers of several, one after the other, along their first axis.
   * @returns false where one is missing or does not lie in the file as bytes
   */
  concatenate(name: string, parts: readonly string[]): boolean {
    const joined = joinedTensor(
      name,
      parts.map((part) => this.#initializers.get(part)),
    );
    if (joined !== undefined) this.#initializers.set(name, joined);
    return joined !== undefined;
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
      for (const name of node.inputs) needed.add(name);
      for (const name of node.within) needed.add(name);
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
  return { name, op, domain, inputs, outputs, within: [], bytes };
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

/** @param depth of graphs in graphs around the node */
function readNode(message: Field, depth = 0): GraphNode {
  if (depth > DEEPEST) throw new RangeError(`not an ONNX model: there are graphs in graphs, more than ${DEEPEST}`);
  const { bytes } = message;
  const within: string[] = [];
  const node = { name: '', op: '', domain: '', inputs: [] as string[], outputs: [] as string[], within, bytes };
  for (const field of inside(message)) {
    if (field.number === NODE.input) node.inputs.push(text(field));
    else if (field.number === NODE.output) node.outputs.push(text(field));
    else if (field.number === NODE.name) node.name = text(field);
    else if (field.number === NODE.op) node.op = text(field);
    else if (field.number === NODE.domain) node.domain = text(field) === 'ai.onnx' ? '' : text(field);
    else if (field.number === NODE.attribute) for (const name of readWithin(field, depth)) within.push(name);
  }
  return node;
}

/** What the nodes of the graphs in an attribute read, and the graphs give. */
function readWithin(attribute: Field, depth: number): string[] {
  const found: string[] = [];
  for (const graph of inside(attribute)) {
    if (graph.number !== ATTRIBUTE.graph && graph.number !== ATTRIBUTE.graphs) continue;
    for (const field of inside(graph)) {
      if (field.number === GRAPH.output)
        found.push(...inside(field).flatMap((f) => (f.number === VALUE_INFO.name ? [text(f)] : [])));
      if (field.number !== GRAPH.node) continue;
      const { inputs, within } = readNode(field, depth + 1);
      for (const names of [inputs, within]) for (const name of names) found.push(name);
    }
  }
  return found;
}

function readInput(message: Field): GraphInput {
  const input: GraphInput = { name: '', element: 0, shape: [] };
  for (const field of inside(message)) {
    if (field.number === VALUE_INFO.name) input.name = text(field);
    if (field.number !== VALUE_INFO.type) continue;
    const tensor = inside(field).find((f) => f.number === 1);
    for (const part of tensor === undefined ? [] : inside(tensor)) {
      if (part.number === 1) input.element = part.value;
      if (part.number === 2)
        input.shape = inside(part)
          .filter((dim) => dim.number === 1)
          .map((dim) => inside(dim).find((f) => f.number === 1)?.value);
    }
  }
  return input;
}

function tensorName(message: Field): string {
  const name = inside(message).find((field) => field.number === 8);
  return name === undefined ? '' : text(name);
}

function opsetDomain(field: Field): string {
  const domain = inside(field).find((f) => f.number === OPSET.domain);
  return domain === undefined ? '' : text(domain);
}

function standardVersion(field: Field): number {
  if (!['', 'ai.onnx'].includes(opsetDomain(field))) return 0;
  return inside(field).find((f) => f.number === OPSET.version)?.value ?? 0;
}

/** A tensor whose numbers lie in `file`, as one that says where; undefined where it is small or lies elsewhere already. */
function externalTensor(bytes: Uint8Array, location: string, file: Uint8Array, least: number): Uint8Array | undefined {
  const parts = fields(bytes);
  const raw = parts.find((field) => field.number === 9)?.bytes;
  if (raw === undefined || raw.length < least || raw.buffer !== file.buffer) return undefined;
  const entry = (key: string, value: string): Uint8Array =>
    lengthField(13, concat([stringField(1, key), stringField(2, value)]));
  return concat([
    ...parts.filter((field) => field.number !== 9).map((field) => field.whole),
    entry('location', location),
    entry('offset', String(raw.byteOffset - file.byteOffset)),
    entry('length', String(raw.length)),
    varintField(14, 1), // data_location: EXTERNAL
  ]);
}
