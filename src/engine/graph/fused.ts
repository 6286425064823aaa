// Attention as one operator: com.microsoft GroupQueryAttention and MultiHeadAttention
// (github.com/microsoft/onnxruntime, docs/ContribOperators.md), and Attention of ONNX 23.

import { HIDDEN } from './attentionBlock';
import { attributesOf, ELEMENT, makeNode, type GraphNode } from './onnx';
import { readOperand, type Joined } from './decomposed';
import { NotUnderstood, type AttentionSite, type Past, type Surroundings } from './site';

/** More heads, or numbers a head, than any model has. */
const MOST = 1 << 16;

/** Reads a fused operator; undefined where the node is none. */
export function readFused(
  node: GraphNode,
  joined: ReadonlyMap<string, Joined>,
  around: Surroundings,
): AttentionSite | NotUnderstood | undefined {
  switch (node.op) {
    case 'GroupQueryAttention':
      return groupQuery(node, around);
    case 'MultiHeadAttention':
      return multiHead(node, joined, around);
    case 'Attention':
      return attention23(node, around);
    default:
      return undefined;
  }
}

function groupQuery(node: GraphNode, { graph, pasts }: Surroundings): AttentionSite | NotUnderstood {
  const [
    query = '',
    key = '',
    value = '',
    pastKey = '',
    pastValue = '',
    ,
    ,
    cos = '',
    sin = '',
    positions = '',
    bias = '',
    sink = '',
  ] = node.inputs;
  const past = ofLayer(pasts, pastKey, pastValue);
  if (past === undefined) return new NotUnderstood(node, 'does not read the cache inputs of one layer');
  const number = numbersOf(node);
  if (sink !== '' || number('smooth_softmax', 0) > 0) return new NotUnderstood(node, 'has attention sinks of its own');
  if (node.inputs.length > 12 && node.inputs.slice(12).some((name) => name !== ''))
    return new NotUnderstood(node, 'has a quantised cache');
  if ((node.outputs[3] ?? '') !== '') return new NotUnderstood(node, 'gives its scores away');
  const heads = number('num_heads', 0);
  if (!isCount(heads)) return new NotUnderstood(node, 'does not say how many heads there are');
  const rotary = number('do_rotary', 0) === 1;
  if (rotary && (cos === '' || sin === '')) return new NotUnderstood(node, 'rotates without tables');
  const half = rotary ? graph.initializer(cos)?.dims[1] : undefined;
  if (half !== undefined && !(isCount(half) && 2 * half <= past.headDim))
    return new NotUnderstood(node, `rotates ${2 * half} numbers of ${past.headDim}`);
  const window = number('local_window_size', -1);
  const site = {
    ...common(node, past, heads),
    scale: number('scale', 0) || past.headDim ** -0.5,
    softcap: number('softcap', 0),
    window: window > 0 ? window : 0,
    added: bias === '' ? [] : [bias],
    ...(rotary
      ? {
          rotary: {
            cos,
            sin,
            interleaved: number('rotary_interleaved', 0) === 1,
            ...(positions === '' ? {} : { positions }),
          },
        }
      : {}),
  };
  if (key !== '') return { ...site, ...threeValues(query, key, value) };
  // one value holds the three, one after the other
  const parts = ['query', 'key', 'value'].map((part) => `glassbox.${part}.split.${past.layer}`);
  const [q, kv] = [heads * past.headDim, past.kvHeads * past.headDim];
  const sizes = graph.constant(`glassbox.sizes.${past.layer}`, 'int64', [q, kv, kv], [3]);
  return {
    ...site,
    ...threeValues(parts[0] as string, parts[1] as string, parts[2] as string),
    nodes: [makeNode('Split', [query, sizes], parts, { axis: 2 })],
  };
}

function multiHead(
  node: GraphNode,
  joined: ReadonlyMap<string, Joined>,
  around: Surroundings,
): AttentionSite | NotUnderstood {
  const { graph, pasts } = around;
  const [query = '', key = '', value = '', bias = '', padding = '', added = '', pastKey = '', pastValue = ''] =
    node.inputs;
  // Where several query heads share a key head, the graph joins and repeats the cache itself.
  const [keys, values] = [readOperand(key, joined, around), readOperand(value, joined, around)];
  const outside = keys !== undefined && values?.joined.layer === keys.joined.layer;
  const past = outside ? keys.joined : ofLayer(pasts, pastKey, pastValue);
  if (past === undefined) return new NotUnderstood(node, 'does not read the cache inputs of one layer');
  if (key === '' || value === '') return new NotUnderstood(node, 'has query, key and value in one');
  if (padding !== '') return new NotUnderstood(node, 'has a mask for padding');
  const attributes = attributesOf(node);
  const heads = attributes.get('num_heads');
  if (!isCount(heads)) return new NotUnderstood(node, 'does not say how many heads there are');
  const scale = attributes.get('scale');
  const site = {
    ...common(node, past, heads),
    scale: typeof scale === 'number' && scale !== 0 ? scale : past.headDim ** -0.5,
    softcap: 0,
    window: attributes.get('unidirectional') === 1 ? 0 : undefined,
    added: added === '' ? [] : [added],
  };
  if (!outside && past.kvHeads !== heads) return new NotUnderstood(node, 'has fewer heads in its cache than queries');
  if (added === '' && site.window === undefined) return new NotUnderstood(node, 'has no mask');
  if (outside) {
    if (bias !== '' || keys.factor * values.factor !== 1 || keys.factors.length + values.factors.length > 0)
      return new NotUnderstood(node, 'changes the cache before it reads it');
    const fresh = (name: string): { name: string; headsFirst: boolean } => ({ name, headsFirst: true });
    const query3 = { name: query, headsFirst: false };
    return { ...site, query: query3, key: fresh(keys.joined.fresh), value: fresh(values.joined.fresh) };
  }
  if (bias === '') return { ...site, ...threeValues(query, key, value) };
  const of = (part: string): string => `glassbox.${part}.${past.layer}`;
  const three = ['query', 'key', 'value'] as const;
  const size = heads * past.headDim;
  const sizes = graph.constant(of('sizes'), 'int64', [size, size, size], [3]);
  const nodes = [
    makeNode(
      'Split',
      [bias, sizes],
      three.map((part) => of(`${part}.bias`)),
      { axis: 0 },
    ),
  ];
  for (const [i, part] of three.entries())
    nodes.push(makeNode('Add', [[query, key, value][i] as string, of(`${part}.bias`)], [of(`${part}.biased`)]));
  return { ...site, ...threeValues(of('query.biased'), of('key.biased'), of('value.biased')), nodes };
}

function attention23(node: GraphNode, around: Surroundings): AttentionSite | NotUnderstood {
  const { graph, pasts } = around;
  if (node.domain !== '') return new NotUnderstood(node, 'is an older operator');
  const [query = '', key = '', value = '', added = '', pastKey = '', pastValue = '', padding = ''] = node.inputs;
  const past = ofLayer(pasts, pastKey, pastValue);
  if (past === undefined) return new NotUnderstood(node, 'does not read the cache inputs of one layer');
  const number = numbersOf(node);
  if (padding !== '' || (node.outputs[3] ?? '') !== '') return new NotUnderstood(node, 'is used in an unusual way');
  const causal = number('is_causal', 0) === 1;
  if (added === '' && !causal) return new NotUnderstood(node, 'has no mask');
  const truth = added === '' ? false : isTruth(added, around);
  if (truth === undefined) return new NotUnderstood(node, 'has a mask of a type that is not known');
  const heads = number('q_num_heads', 0);
  if (!isCount(heads)) return new NotUnderstood(node, 'does not say how many heads there are');
  return {
    ...common(node, past, heads),
    ...threeValues(query, key, value),
    scale: number('scale', 0) || past.headDim ** -0.5,
    softcap: number('softcap', 0),
    window: causal ? 0 : undefined,
    ...(truth ? truthMask(added, past.layer) : { added: added === '' ? [] : [added] }),
  };

  /** A mask of truth values as one that is added. */
  function truthMask(mask: string, layer: number): Pick<AttentionSite, 'added' | 'nodes'> {
    const name = `glassbox.truth.${layer}`;
    const [zero, hidden] = [
      graph.constant('glassbox.zero', 'float32', [0], []),
      graph.constant('glassbox.hidden', 'float32', [HIDDEN], []),
    ];
    return { added: [name], nodes: [makeNode('Where', [mask, zero, hidden], [name])] };
  }
}

const GIVES_TRUTH = new Set(['And', 'Or', 'Not', 'Xor', 'Less', 'LessOrEqual', 'Greater', 'GreaterOrEqual', 'Equal']);
const GIVES_NUMBERS = new Set(['Add', 'Sub', 'Mul', 'Div', 'ConstantOfShape', 'Trilu']);
const KEEPS_TYPE = new Set([
  'Expand',
  'Unsqueeze',
  'Squeeze',
  'Reshape',
  'Slice',
  'Identity',
  'Concat',
  'Transpose',
  'Tile',
]);

/** Whether a value holds truth values; undefined where its origin does not tell. */
function isTruth(name: string, around: Surroundings, depth = 0): boolean | undefined {
  const node = around.producers.get(name);
  if (node === undefined || depth > 16) return undefined;
  if (GIVES_TRUTH.has(node.op)) return true;
  if (node.op === 'Cast') return attributesOf(node).get('to') === ELEMENT.bool;
  if (node.op === 'Where')
    return (
      isTruth(node.inputs[1] ?? '', around, depth + 1) ?? isTruth(node.inputs[2] ?? '', around, depth + 1) ?? false
    );
  if (GIVES_NUMBERS.has(node.op)) return false;
  return KEEPS_TYPE.has(node.op) ? isTruth(node.inputs[0] ?? '', around, depth + 1) : undefined;
}

/** Reads a node's attributes that are single numbers. */
function numbersOf(node: GraphNode): (name: string, otherwise: number) => number {
  const attributes = attributesOf(node);
  return (name, otherwise) => {
    const found = attributes.get(name);
    return typeof found === 'number' ? found : otherwise;
  };
}

function threeValues(query: string, key: string, value: string): Pick<AttentionSite, 'query' | 'key' | 'value'> {
  const of = (name: string): { name: string; headsFirst: boolean } => ({ name, headsFirst: false });
  return { query: of(query), key: of(key), value: of(value) };
}

function common(
  node: GraphNode,
  { layer, kvHeads, headDim, half }: Past,
  heads: number,
): Pick<AttentionSite, 'layer' | 'node' | 'heads' | 'kvHeads' | 'headDim' | 'half' | 'output'> {
  const output = { name: node.outputs[0] ?? '', headsFirst: false };
  return { layer, node: node.name || output.name, heads, kvHeads, headDim, half, output };
}

/** A number of heads, or of what they hold. */
function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= MOST;
}

function ofLayer(pasts: ReadonlyMap<string, Past>, key: string, value: string): Past | undefined {
  const [k, v] = [pasts.get(key), pasts.get(value)];
  return k?.kind === 'key' && v?.kind === 'value' && k.layer === v.layer ? k : undefined;
}
