// Damages ONNX files for tests of their reader: as bytes, as a protobuf whose lengths stay right, and as a graph whose nodes make no sense.

import { concat, fields, lengthField, stringField, text, varintField, type Field } from '../src/engine/protobuf';
import type { Random } from '../src/engine/random';

/** Numbers of onnx/onnx.proto. */
const MODEL_GRAPH = 7;
const GRAPH = { node: 1, name: 2, initializer: 5, input: 11, output: 12 };
const NODE = { input: 1, output: 2, op: 4, attribute: 5 };
/** Bytes of an initializer that are likely to say what it is; the weights follow. */
const HEADER = 64;
/** A varint that goes on after its tenth byte, where the longest ends. */
const ENDLESS = Uint8Array.from({ length: 12 }, () => 0xff);
const VALUES = [0, 1, 7, 2 ** 31, 2 ** 40, 2 ** 53];
/** Names that mean something to the rewriter, where they should not stand. */
const NAMES = ['', 'logits', 'input_ids', 'past_key_values.0.key', 'past_key_values.1000000000.key', 'glassbox.zero'];

/** Makes other bytes of an ONNX file's; the bytes it is given stay. */
export type Damage = (onnx: Uint8Array, random: Random) => Uint8Array;

/** Damage that knows nothing of lengths. */
export const BYTES: Record<string, Damage> = {
  'bits flipped': (onnx, random) => {
    const damaged = Uint8Array.from(onnx);
    for (let i = below(random, 8); i >= 0; i--) {
      const at = place(onnx, random);
      damaged[at] = (damaged[at] as number) ^ (1 << below(random, 8));
    }
    return damaged;
  },
  'cut off': (onnx, random) => onnx.slice(0, place(onnx, random)),
  'a range deleted': (onnx, random) => spliced(onnx, place(onnx, random), 1 + below(random, 40), new Uint8Array()),
  'a range inserted': (onnx, random) =>
    spliced(
      onnx,
      place(onnx, random),
      0,
      Uint8Array.from({ length: 1 + below(random, 40) }, () => below(random, 256)),
    ),
  'a range doubled': (onnx, random) => {
    const at = place(onnx, random);
    return spliced(onnx, at, 0, onnx.slice(at, at + 1 + below(random, 400)));
  },
  'a number without end': (onnx, random) =>
    spliced(onnx, place(onnx, random), 1, ENDLESS.slice(0, 4 + below(random, 9))),
  zeros: (onnx, random) => {
    const at = place(onnx, random);
    return Uint8Array.from(onnx).fill(0, at, at + 1 + below(random, 40));
  },
};

/** Damage to a field somewhere in the graph; the messages around it get the right lengths. */
export const FIELDS: Record<string, Damage> = Object.fromEntries(
  Object.entries<(field: Field, random: Random, names: readonly string[]) => Uint8Array>({
    'a field deleted': () => new Uint8Array(),
    'a field doubled': ({ whole }) => concat([whole, whole]),
    'a field of another number': ({ wire, bytes, value }, random) =>
      wire === 0 ? varintField(1 + below(random, 21), value) : lengthField(1 + below(random, 21), bytes),
    'a field of another wire type': ({ whole }, random) =>
      concat([Uint8Array.of(((whole[0] as number) & 0xf8) | below(random, 8)), whole.subarray(1)]),
    'another number': ({ number }, random) =>
      random() < 0.3
        ? concat([Uint8Array.of(number * 8), ENDLESS.slice(0, 9), Uint8Array.of(1)])
        : varintField(number, pick(random, VALUES)),
    'another name': ({ number }, random, names) => stringField(number, pick(random, random() < 0.5 ? NAMES : names)),
    'nothing in it': ({ number }) => lengthField(number, new Uint8Array()),
  }).map(([name, change]): [string, Damage] => [
    name,
    (onnx, random) => {
      const names = nodesOf(onnx).flatMap(({ inputs, outputs, op }) => [...inputs, ...outputs, op]);
      return inGraph(onnx, (graph) => somewhere(graph, random, (field) => change(field, random, names)));
    },
  ]),
);

/** A graph with its nodes, as far as they are to be changed. */
export interface Node {
  op: string;
  inputs: string[];
  outputs: string[];
  whole: Uint8Array;
  /** Further fields of NodeProto, after those that it has. */
  rest?: Uint8Array;
}

/** The nodes of an ONNX file. */
export function nodesOf(onnx: Uint8Array): Node[] {
  const graph = fields(onnx).find(({ number }) => number === MODEL_GRAPH) as Field;
  return fields(graph.bytes)
    .filter(({ number }) => number === GRAPH.node)
    .map((field) => readNode(field));
}

/** An ONNX file with nodes before all others, and each other node as `change` wants it. */
export function withNodes(
  onnx: Uint8Array,
  added: Uint8Array,
  change: (node: Node) => Partial<Node> = () => ({}),
): Uint8Array {
  return inGraph(onnx, (graph) =>
    concat([
      added,
      ...fields(graph).map((field) => {
        if (field.number !== GRAPH.node) return field.whole;
        const before = readNode(field);
        const changed = change(before);
        return Object.keys(changed).length === 0 ? field.whole : writeNode(field, { ...before, ...changed });
      }),
    ]),
  );
}

/** A node as a field of the graph. @param rest further fields of NodeProto */
export function nodeField(
  op: string,
  inputs: readonly string[],
  outputs: readonly string[],
  rest = new Uint8Array(),
): Uint8Array {
  return lengthField(
    GRAPH.node,
    concat([
      ...inputs.map((name) => stringField(NODE.input, name)),
      ...outputs.map((name) => stringField(NODE.output, name)),
      stringField(NODE.op, op),
      rest,
    ]),
  );
}

/** The file with its graph changed. */
export function inGraph(onnx: Uint8Array, change: (graph: Uint8Array) => Uint8Array): Uint8Array {
  return concat(
    fields(onnx).map((field) =>
      field.number === MODEL_GRAPH ? lengthField(MODEL_GRAPH, change(field.bytes)) : field.whole,
    ),
  );
}

function readNode({ bytes, whole }: Field): Node {
  const inside = fields(bytes);
  const texts = (number: number): string[] => inside.filter((field) => field.number === number).map(text);
  return { op: texts(NODE.op)[0] ?? '', inputs: texts(NODE.input), outputs: texts(NODE.output), whole };
}

function writeNode({ bytes }: Field, { op, inputs, outputs, rest = new Uint8Array() }: Node): Uint8Array {
  const kept = fields(bytes).filter(({ number }) => ![NODE.input, NODE.output, NODE.op].includes(number));
  return nodeField(op, inputs, outputs, concat([...kept.map(({ whole }) => whole), rest]));
}

/** A message with one field changed, of its own or of a message in it. */
function somewhere(message: Uint8Array, random: Random, change: (field: Field) => Uint8Array): Uint8Array {
  const all = fields(message);
  if (all.length === 0) return message;
  const kinds = [...new Set(all.map(({ number }) => number))]; // an input is as likely as a node, though there are few
  const kind = pick(random, kinds);
  const chosen = pick(
    random,
    all.filter(({ number }) => number === kind),
  );
  const inner = chosen.wire === 2 && random() < 0.8 && isMessage(chosen.bytes);
  const instead = inner ? lengthField(chosen.number, somewhere(chosen.bytes, random, change)) : change(chosen);
  return concat(all.map((field) => (field === chosen ? instead : field.whole)));
}

function isMessage(bytes: Uint8Array): boolean {
  try {
    return fields(bytes).length > 0;
  } catch {
    return false;
  }
}

/** A byte of the file that is not among its weights. */
function place(onnx: Uint8Array, random: Random): number {
  for (;;) {
    const at = below(random, onnx.length);
    if (!weightsOf(onnx).some(([from, to]) => at >= from && at < to)) return at;
  }
}

const known = new WeakMap<Uint8Array, [number, number][]>();
/** Where the weights lie in a file, from and to. */
function weightsOf(onnx: Uint8Array): [number, number][] {
  const found = known.get(onnx);
  if (found !== undefined) return found;
  const graph = fields(onnx).find(({ number }) => number === MODEL_GRAPH) as Field;
  const ranges = fields(graph.bytes)
    .filter(({ number, whole }) => number === GRAPH.initializer && whole.length > HEADER)
    .map(({ whole }): [number, number] => {
      const from = whole.byteOffset - onnx.byteOffset;
      return [from + HEADER, from + whole.length];
    });
  known.set(onnx, ranges);
  return ranges;
}

function spliced(bytes: Uint8Array, at: number, gone: number, added: Uint8Array): Uint8Array {
  return concat([bytes.subarray(0, at), added, bytes.subarray(at + gone)]);
}

/** A whole number from 0 to below `n`. */
export function below(random: Random, n: number): number {
  return Math.floor(random() * n);
}

/** One of them. */
export function pick<T>(random: Random, all: readonly T[]): T {
  return all[below(random, all.length)] as T;
}
