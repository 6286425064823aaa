// An ONNX model as data that can be changed freely, for turning test models into other data types. Graphs inside attributes are graphs
// of the same kind. Field numbers: onnx/onnx.proto.

import { concat, fields, inside, lengthField, stringField, text, varintField } from '../../src/engine/protobuf';
import { readAttribute, type AttributeValue } from '../../src/engine/graph/tensors';
import { attribute, tensorProto, TYPES, type Attribute } from '../onnxTensors';

/** A tensor in the file. */
export interface EditableTensor {
  type: number;
  dims: number[];
  raw: Uint8Array;
}

export interface EditableNode {
  op: string;
  domain: string;
  name: string;
  inputs: string[];
  outputs: string[];
  /** By name; what is no graph stays as the bytes of its AttributeProto. */
  attributes: Map<string, Uint8Array | EditableGraph>;
}

/** An input or output of a graph. */
export interface EditableValue {
  name: string;
  type: number;
  /** TensorShapeProto. */
  shape: Uint8Array | undefined;
}

export interface EditableGraph {
  nodes: EditableNode[];
  tensors: Map<string, EditableTensor>;
  inputs: EditableValue[];
  outputs: EditableValue[];
}

const MODEL_GRAPH = 7;
const GRAPH = { node: 1, initializer: 5, input: 11, output: 12 };
const ATTRIBUTE_GRAPH = 6;
/** AttributeProto.GRAPH */
const GRAPH_TYPE = 5;

/** The graph of a model, changed in place by `change`. @returns the bytes of the changed model */
export function edited(model: Uint8Array, change: (graph: EditableGraph) => void): Uint8Array<ArrayBuffer> {
  return concat(
    fields(model).map((field) => {
      if (field.number !== MODEL_GRAPH) return field.whole;
      const graph = readGraph(field.bytes);
      change(graph);
      return lengthField(MODEL_GRAPH, writeGraph(graph));
    }),
  );
}

function readGraph(bytes: Uint8Array): EditableGraph {
  const graph: EditableGraph = { nodes: [], tensors: new Map(), inputs: [], outputs: [] };
  for (const field of fields(bytes)) {
    if (field.number === GRAPH.node) graph.nodes.push(readNode(field.bytes));
    if (field.number === GRAPH.initializer) graph.tensors.set(...readTensor(field.bytes));
    if (field.number === GRAPH.input) graph.inputs.push(readValue(field.bytes));
    if (field.number === GRAPH.output) graph.outputs.push(readValue(field.bytes));
  }
  return graph;
}

function writeGraph(graph: EditableGraph): Uint8Array {
  return concat([
    ...graph.nodes.map((node) => lengthField(GRAPH.node, writeNode(node))),
    stringField(2, 'graph'),
    ...[...graph.tensors].map(([name, tensor]) => lengthField(GRAPH.initializer, writeTensor(name, tensor))),
    ...graph.inputs.map((value) => lengthField(GRAPH.input, writeValue(value))),
    ...graph.outputs.map((value) => lengthField(GRAPH.output, writeValue(value))),
  ]);
}

function readNode(bytes: Uint8Array): EditableNode {
  const node: EditableNode = { op: '', domain: '', name: '', inputs: [], outputs: [], attributes: new Map() };
  for (const field of fields(bytes)) {
    if (field.number === 1) node.inputs.push(text(field));
    if (field.number === 2) node.outputs.push(text(field));
    if (field.number === 3) node.name = text(field);
    if (field.number === 4) node.op = text(field);
    if (field.number === 7) node.domain = text(field);
    if (field.number !== 5) continue;
    const parts = inside(field);
    const name = parts.find(({ number }) => number === 1);
    const graph = parts.find(({ number }) => number === ATTRIBUTE_GRAPH);
    node.attributes.set(
      name === undefined ? '' : text(name),
      graph === undefined ? field.bytes : readGraph(graph.bytes),
    );
  }
  return node;
}

function writeNode({ op, domain, name, inputs, outputs, attributes }: EditableNode): Uint8Array {
  const graph = (name: string, graph: EditableGraph): Uint8Array =>
    concat([stringField(1, name), lengthField(ATTRIBUTE_GRAPH, writeGraph(graph)), varintField(20, GRAPH_TYPE)]);
  return concat([
    ...inputs.map((value) => stringField(1, value)),
    ...outputs.map((value) => stringField(2, value)),
    stringField(3, name),
    stringField(4, op),
    ...[...attributes].map(([key, value]) => lengthField(5, value instanceof Uint8Array ? value : graph(key, value))),
    stringField(7, domain),
  ]);
}

/** A TensorProto; its numbers as raw bytes, wherever they were written. */
export function readTensor(bytes: Uint8Array): [string, EditableTensor] {
  const parts = fields(bytes);
  const number = (of: number): number => parts.find((field) => field.number === of)?.value ?? 0;
  const name = parts.find((field) => field.number === 8);
  const dims = parts.filter((field) => field.number === 1).map(({ value }) => value);
  const raw = parts.find((field) => field.number === 9)?.bytes ?? new Uint8Array(0);
  if (raw.length === 0 && dims.every((dim) => dim > 0)) throw new RangeError('a tensor of a test has no raw bytes');
  return [name === undefined ? '' : text(name), { type: number(2), dims, raw }];
}

export function writeTensor(name: string, { type, dims, raw }: EditableTensor): Uint8Array {
  return tensorProto(name, type, raw, dims);
}

function readValue(bytes: Uint8Array): EditableValue {
  const value: EditableValue = { name: '', type: 0, shape: undefined };
  for (const field of fields(bytes)) {
    if (field.number === 1) value.name = text(field);
    if (field.number !== 2) continue;
    for (const tensor of inside(field))
      for (const part of inside(tensor)) {
        if (part.number === 1) value.type = part.value;
        if (part.number === 2) value.shape = part.bytes;
      }
  }
  return value;
}

function writeValue({ name, type, shape }: EditableValue): Uint8Array {
  const tensor = concat([varintField(1, type), ...(shape === undefined ? [] : [lengthField(2, shape)])]);
  return concat([stringField(1, name), lengthField(2, lengthField(1, tensor))]);
}

/** A new node. */
export function nodeOf(
  op: string,
  inputs: string[],
  outputs: string[],
  attributes: Record<string, Attribute> = {},
  domain = '',
): EditableNode {
  const written = Object.entries(attributes).map(([key, value]) => [key, attribute(key, value)] as const);
  return { op, domain, name: `${outputs[0] ?? ''}_${op}`, inputs, outputs, attributes: new Map(written) };
}

/** An attribute's value; undefined where the node has none of the name, or it is a graph. */
export function valueOf(node: EditableNode, name: string): AttributeValue | undefined {
  const found = node.attributes.get(name);
  return found instanceof Uint8Array ? readAttribute(found)[1] : undefined;
}

/** The tensor that an attribute holds. */
export function tensorOf(node: EditableNode, name: string): EditableTensor | undefined {
  const found = node.attributes.get(name);
  const tensor = found instanceof Uint8Array ? fields(found).find(({ number }) => number === 5) : undefined;
  return tensor === undefined ? undefined : readTensor(tensor.bytes)[1];
}

/** The graphs inside a node. */
export function graphsIn(node: EditableNode): EditableGraph[] {
  return [...node.attributes.values()].filter((value): value is EditableGraph => !(value instanceof Uint8Array));
}

/** Has all nodes read other values, those of inner graphs included. */
export function readInstead(graph: EditableGraph, names: ReadonlyMap<string, string>): void {
  for (const node of graph.nodes) {
    node.inputs = node.inputs.map((name) => names.get(name) ?? name);
    for (const inner of graphsIn(node)) readInstead(inner, names);
  }
}

/** The float32 numbers of a tensor; undefined where it holds something else. */
export function floatsOf(tensor: EditableTensor | undefined): Float32Array | undefined {
  if (tensor?.type !== TYPES.float32) return undefined;
  return new Float32Array(new Uint8Array(tensor.raw).buffer);
}

export function bytesOf(array: ArrayBufferView): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}
