// Graphs that are well-formed as protobuf and absurd as graphs: cycles, endless chains, numbers and sizes that nothing has.

import { concat, lengthField, stringField, varintField } from '../src/engine/protobuf';
import { inGraph, nodeField, withNodes, type Node } from './graphDamage';
import { attribute, floatsTensor, type Attribute } from './onnxTensors';

/** Long enough to overflow a stack and to show what takes the square of it. */
const MANY = 12_000;
/** Operators whose second input the rewriter follows. */
const FOLLOWED = ['Mul', 'Div', 'Add', 'Softmax', 'MatMul', 'Concat', 'Where', 'Cast', 'Transpose', 'Reshape'];
const ATTENTION = ['GroupQueryAttention', 'MultiHeadAttention', 'Attention'];
/** −5 as a varint. */
const NEGATIVE = Uint8Array.of(0xfb, ...new Array<number>(8).fill(0xff), 1);

export interface Absurd {
  what: string;
  write: (onnx: Uint8Array) => Uint8Array;
  /** How the rewriter may end; undefined: in any way that the fuzz allows. */
  ends?: readonly ('graph' | 'reason' | 'damage')[];
  /** It takes its time, and does not depend on much: two forms are enough. */
  large?: boolean;
}

const identity = (input: string, output: string): Uint8Array => nodeField('Identity', [input], [output]);
/** Every input that the rewriter follows, at this place, is another value. */
const reading =
  (name: string, ops: readonly string[], at: readonly number[]) =>
  ({ op, inputs }: Node): Partial<Node> =>
    ops.includes(op) ? { inputs: inputs.map((input, i) => (at.includes(i) ? name : input)) } : {};
const past = (name: string, dims: readonly Uint8Array[]): Uint8Array => {
  const shape = lengthField(2, concat(dims.map((dim) => lengthField(1, dim))));
  const type = lengthField(2, lengthField(1, concat([varintField(1, 1), shape])));
  return lengthField(11, concat([stringField(1, name), type]));
};
const pasts = (dims: readonly Uint8Array[]): Uint8Array =>
  concat([0, 1, 2].flatMap((layer) => ['key', 'value'].map((part) => past(`past_key_values.${layer}.${part}`, dims))));
const sized = (kvHeads: Uint8Array, headDim: Uint8Array): Uint8Array =>
  pasts([stringField(2, 'batch'), kvHeads, stringField(2, 'past'), headDim]);
const after = (onnx: Uint8Array, added: Uint8Array): Uint8Array => inGraph(onnx, (graph) => concat([graph, added]));
const many = (one: (i: number) => Uint8Array): Uint8Array => concat(Array.from({ length: MANY }, (_, i) => one(i)));
const given = (name: string, value: Attribute): Uint8Array => lengthField(5, attribute(name, value));

/** Graphs in graphs, each in a node of the one before. */
function nested(depth: number): Uint8Array {
  let inner: Uint8Array = new Uint8Array();
  for (let i = 0; i < depth; i++)
    inner = lengthField(
      1,
      concat([stringField(4, 'If'), lengthField(5, concat([stringField(1, 'a'), lengthField(6, inner)]))]),
    );
  return inner;
}

/** Attributes of the attention operators, of kinds and values that they do not have. */
const ATTRIBUTES: [string, Attribute][] = [
  ['num_heads', { float: 6.3 }],
  ['num_heads', [6]],
  ['num_heads', -6],
  ['num_heads', 0],
  ['num_heads', 2 ** 60],
  ['num_heads', { tensor: floatsTensor(Float32Array.of(6), []) }],
  ['q_num_heads', 2 ** 60],
  ['q_num_heads', -6],
  ['q_num_heads', { float: 1.5 }],
];

export const ABSURD: readonly Absurd[] = [
  { what: 'an empty file', write: () => new Uint8Array(), ends: ['damage'] },
  {
    what: 'a text',
    write: () => Buffer.from('version https://git-lfs.github.com/spec/v1\noid sha256:0'),
    ends: ['damage'],
  },
  { what: 'another protobuf', write: () => concat([varintField(1, 7), stringField(2, 'x')]), ends: ['damage'] },
  { what: 'a graph that is a number', write: () => varintField(7, 5), ends: ['damage'] },
  { what: 'a graph without anything in it', write: (onnx) => inGraph(onnx, () => new Uint8Array()), ends: ['reason'] },
  { what: 'nodes that are numbers', write: (onnx) => after(onnx, varintField(1, 5)), ends: ['damage'] },
  ...FOLLOWED.flatMap((op): Absurd[] =>
    [[0], [1]].map((at) => ({
      what: `two nodes that read each other, and ${op}'s inputs ${at.join(', ')} from them`,
      write: (onnx) =>
        withNodes(
          onnx,
          concat([identity('loop.a', 'loop.b'), identity('loop.b', 'loop.a')]),
          reading('loop.a', [op], at),
        ),
    })),
  ),
  {
    what: 'sums of themselves, twice',
    write: (onnx) =>
      withNodes(
        onnx,
        nodeField('Add', ['loop', 'loop'], ['loop']),
        reading('loop', ['Softmax', 'MatMul', 'Add'], [0, 1]),
      ),
  },
  {
    what: 'many softmaxes of sums of themselves',
    large: true,
    write: (onnx) =>
      after(
        onnx,
        concat([
          nodeField('Add', ['loop', 'loop'], ['loop']),
          concat(Array.from({ length: 2000 }, (_, i) => nodeField('Softmax', ['loop'], [`soft.${i}`]))),
        ]),
      ),
  },
  {
    what: 'a chain of very many nodes',
    large: true,
    write: (onnx) =>
      withNodes(
        onnx,
        many((i) => identity(`chain.${i}`, `chain.${i + 1}`)),
        reading(`chain.${MANY}`, FOLLOWED, [1]),
      ),
  },
  {
    what: 'one value that very many nodes read',
    large: true,
    write: (onnx) =>
      after(
        onnx,
        many((i) => identity('input_ids', `copy.${i}`)),
      ),
    ends: ['graph'],
  },
  {
    what: 'a node of very many inputs and outputs',
    large: true,
    write: (onnx) => {
      const names = Array.from({ length: 2 * MANY }, (_, i) => `many.${i}`);
      return after(onnx, nodeField('Sum', names, names));
    },
  },
  {
    what: 'very many empty nodes',
    large: true,
    write: (onnx) =>
      after(
        onnx,
        many(() => lengthField(1, new Uint8Array())),
      ),
    ends: ['graph'],
  },
  {
    what: 'very many nodes with graphs in them, which are needed',
    large: true,
    write: (onnx) =>
      after(
        onnx,
        concat([many((i) => nodeField('If', ['input_ids'], [`if.${i}`])), nodeField('Sum', ['if.7'], ['logits'])]),
      ),
  },
  {
    what: 'very many operator sets',
    large: true,
    write: (onnx) =>
      concat([
        onnx,
        many(() => lengthField(8, varintField(2, 17))),
        ...Array.from({ length: 4 }, () => many(() => lengthField(8, varintField(2, 17)))),
      ]),
  },
  { what: 'graphs in graphs, without end', large: true, write: (onnx) => after(onnx, nested(3000)), ends: ['damage'] },
  {
    what: 'all outputs of one name',
    write: (onnx) => withNodes(onnx, new Uint8Array(), ({ outputs }) => ({ outputs: outputs.map(() => 'same') })),
    ends: ['damage'],
  },
  { what: 'no outputs', write: (onnx) => withNodes(onnx, new Uint8Array(), () => ({ outputs: [] })), ends: ['reason'] },
  ...['Softmax', ...ATTENTION].map((op): Absurd => ({
    what: `${op} without outputs`,
    write: (onnx) => withNodes(onnx, new Uint8Array(), (node) => (node.op === op ? { outputs: [] } : {})),
  })),
  {
    what: 'nodes without inputs',
    write: (onnx) => withNodes(onnx, new Uint8Array(), () => ({ inputs: [] })),
    ends: ['reason'],
  },
  ...['glassbox.zero', 'glassbox.split', 'glassbox.0.scores'].map((name): Absurd => ({
    what: `a value of the name ${name}`,
    write: (onnx) => after(onnx, identity('input_ids', name)),
    ends: ['reason'],
  })),
  {
    what: 'a weight of the name glassbox.shape.1x1x1x1',
    write: (onnx) =>
      after(onnx, lengthField(5, floatsTensor(Float32Array.of(1, 2), [2], false, 'glassbox.shape.1x1x1x1'))),
    ends: ['reason'],
  },
  {
    what: 'the cache of layer 1 000 000 000, which nobody reads',
    write: (onnx) =>
      after(
        onnx,
        past('past_key_values.1000000000.key', [
          stringField(2, 'b'),
          varintField(1, 2),
          stringField(2, 'p'),
          varintField(1, 16),
        ]),
      ),
    ends: ['graph'],
  },
  {
    what: 'the cache of layer 1 000 000 000 instead of the first',
    write: (onnx) => {
      const far = (name: string): string => name.replace('values.0', 'values.1000000000');
      const dims = [stringField(2, 'b'), varintField(1, 2), stringField(2, 'p'), varintField(1, 16)];
      return withNodes(
        onnx,
        concat([past(far('past_key_values.0.key'), dims), past(far('past_key_values.0.value'), dims)]),
        ({ inputs }) => ({ inputs: inputs.map(far) }),
      );
    },
    ends: ['reason'],
  },
  ...[
    ['2⁴⁰ heads', varintField(1, 2 ** 40), varintField(1, 16)],
    ['heads of 2⁴⁰ numbers', varintField(1, 2), varintField(1, 2 ** 40)],
    ['heads of 2³⁰ numbers', varintField(1, 2), varintField(1, 2 ** 30)],
    ['heads of −5 numbers', varintField(1, 2), concat([Uint8Array.of(8), NEGATIVE])],
    ['heads of no number', varintField(1, 2), varintField(1, 0)],
  ].map(([what, kvHeads, headDim]): Absurd => ({
    what: `a cache of ${what as string}`,
    write: (onnx) => after(onnx, sized(kvHeads as Uint8Array, headDim as Uint8Array)),
    ends: ['reason'],
  })),
  ...ATTRIBUTES.map(([name, value]): Absurd => ({
    what: `${name} = ${typeof value === 'object' && 'tensor' in value ? 'a tensor' : JSON.stringify(value)}`,
    write: (onnx) =>
      withNodes(onnx, new Uint8Array(), ({ op, whole }) =>
        ATTENTION.includes(op) && whole.length > 0 ? { rest: given(name, value) } : {},
      ),
  })),
  {
    what: 'a list of numbers that never end',
    write: (onnx) =>
      withNodes(onnx, new Uint8Array(), () => ({
        rest: lengthField(5, concat([stringField(1, 'perm'), lengthField(8, new Uint8Array(10_000).fill(0xff))])),
      })),
    ends: ['damage'],
  },
  {
    what: 'a list of very many numbers',
    large: true,
    write: (onnx) =>
      withNodes(onnx, new Uint8Array(), ({ op }) =>
        op === 'Softmax' || ATTENTION.includes(op)
          ? {
              rest: lengthField(5, concat([stringField(1, 'perm'), lengthField(8, new Uint8Array(20 * MANY).fill(1))])),
            }
          : {},
      ),
  },
];
