// Rewrites a decoder's graph so that the cache lies in buffers that are ours; see attentionBlock.ts for what attention becomes. The weights
// of the model are not touched. A graph that is not understood is left alone, and the caller told which node was the reason.

import { AttentionBlock, NAMES } from './attentionBlock';
import { joinedCaches, readDecomposed, readOperand } from './decomposed';
import { readFused } from './fused';
import { takeLogitRows } from './logitRows';
import { matrixType } from './matrices';
import { joinProducts } from './joinProducts';
import { joinSkipNorms } from './skipNorms';
import { attributesOf, ELEMENT, makeNode, OnnxGraph, type GraphNode } from './onnx';
import { NotUnderstood, type AttentionSite, type Past, type Surroundings } from './site';

const PAST = /^past_key_values\.(\d+)\.(key|value)$/;
/** Names of our own values begin so. */
const OURS = 'glassbox.';
/** Numbers of one layer's row in the cache: kvHeads · headDim. The largest models have a few thousand. */
const WIDEST = 1 << 16;
const PRESENT = /^present\.\d+\.(key|value)$/;
/** Initializers of this many bytes stay in the file, where the file is larger than… */
const LARGE_TENSOR = 1 << 20;
/** …this many bytes. */
const LARGE_FILE = 64 << 20;

/** What the graph was, as far as running it needs to know. */
export interface RewrittenGraph {
  bytes: Uint8Array<ArrayBuffer>;
  /** Sizes of the cache, by layer; and how many keys a query can see, itself included, 0: all, or as the graph's own mask says. */
  layers: { kvHeads: number; headDim: number; window: number; scale: number }[];
  /** Whether scores are query · key · scale, but for masks. */
  plainScores: boolean;
  /** Windows of the masks that the graph asks for; see NAMES.mask. */
  windows: number[];
  /** All new keys and values come in one output. */
  together: boolean;
  /** Query heads of a layer. */
  heads: number;
  /** Whether masks of the graph itself are in use: what they depend on is not known. */
  ownMasks: boolean;
  /** Whether it gives only the logits that are asked for. */
  logitRows: boolean;
  /** In what numbers its matrices are; see matrixType. */
  matrices: string;
  /** Values on the way are rounded, to half precision or to 8 bits: the same sums in another order give other logits. */
  rounds: boolean;
  /** How attention was written, for the log: the operator of the first layer. */
  form: string;
  /** Where the runtime's own rotation is used, its tables: keys can then be moved to other positions. */
  rotary?: Rotary;
}

/** Tables of a rotary embedding. */
export interface Rotary {
  /** [position, half] cosines and sines. */
  cos: Float32Array;
  sin: Float32Array;
  /** Pairs of a head that are turned; the numbers after the first 2 · half stay. */
  half: number;
  /** Pairs are neighbours, (2d, 2d + 1), rather than half a head apart, (d, d + half). */
  interleaved: boolean;
}

/** What is known of the model besides its graph. */
export interface KnownModel {
  layers: number;
  heads: number;
  kvHeads: number;
  headDim: number;
}

/**
 * Rewrites the bytes of an ONNX file.
 * @param file its name, for weights that stay in it
 * @param lens true: heads can be taken out, and queries seen (see NAMES.keep and NAMES.query)
 * @returns the reason where the graph is not understood
 * @throws RangeError where the bytes are not an ONNX model
 */
export function rewriteGraph(
  model: Uint8Array,
  known: KnownModel,
  file: string,
  lens = false,
): RewrittenGraph | { reason: string } {
  const graph = new OnnxGraph(model);
  if (graph.opset < 13)
    return { reason: `the graph is of operator set ${graph.opset}; 13 is the first that is understood` };
  const taken = graph.valueNamed(OURS);
  if (taken !== undefined) return { reason: `the graph has a value "${taken}" of its own; names of ours begin so` };
  if (!graph.outputs.includes('logits')) return { reason: 'the graph has no output "logits"' };
  const pasts = readPasts(graph, known);
  if ('reason' in pasts) return pasts;
  const around: Surroundings = { graph, producers: graph.producers(), consumers: graph.consumers(), pasts };
  const sites = findSites(around, known);
  if (sites instanceof NotUnderstood) return { reason: sites.reason };
  const missing = Array.from({ length: known.layers }, (_, layer) => layer).find((layer) => !sites.has(layer));
  if (missing !== undefined) {
    const name = `past_key_values.${missing}.key`;
    const reader = around.consumers.get(name)?.[0];
    const found = `no attention was found that reads ${name}`;
    return { reason: reader === undefined ? found : `${found}; ${new NotUnderstood(reader, 'does').reason}` };
  }
  if (sites.size > known.layers)
    return { reason: `there are ${sites.size} layers where ${known.layers} were expected` };

  replaceAttention(graph, sites, lens);
  const together = giveNewRows(graph, [...sites.values()]);
  answerShapes(graph, around);
  graph.dropOutputs((name) => PRESENT.test(name));
  const logitRows = takeLogitRows(graph);
  joinSkipNorms(graph);
  if (model.length <= LARGE_FILE) joinProducts(graph);
  graph.prune();
  const left = graph.nodes.find((node) => [...node.inputs, ...node.within].some((name) => PAST.test(name)));
  if (left !== undefined)
    return {
      reason: new NotUnderstood(left, `reads ${left.inputs.find((n) => PAST.test(n)) ?? ''} in a way that is not known`)
        .reason,
    };

  const all = [...sites.values()].sort((a, b) => a.layer - b.layer);
  const rotary = readRotary(graph, all);
  if (model.length > LARGE_FILE) graph.referTo(file, model, LARGE_TENSOR);
  return {
    bytes: graph.encode(),
    layers: all.map(({ kvHeads, headDim, window = 0, scale }) => ({ kvHeads, headDim, window, scale })),
    plainScores: all.every(({ softcap, factors = [] }) => softcap === 0 && factors.length === 0),
    windows: [...new Set(all.flatMap(({ window = lens ? 0 : undefined }) => (window === undefined ? [] : [window])))],
    heads: known.heads,
    together,
    ownMasks: all.some(({ added }) => added.length > 0),
    logitRows,
    matrices: matrixType(graph),
    rounds: all.some(({ half }) => half) || graph.nodes.some(roundsTo8Bits),
    form: [...around.producers.values()].find(({ outputs }) => outputs[0] === all[0]?.output.name)?.op ?? '',
    ...(rotary === undefined ? {} : { rotary }),
  };
}

/** Whether a product quantises what it multiplies. */
function roundsTo8Bits(node: GraphNode): boolean {
  if (node.op === 'MatMulNBits') return attributesOf(node).get('accuracy_level') === 4;
  return node.op === 'DynamicQuantizeLinear' || node.op === 'DynamicQuantizeMatMul';
}

/** The cache inputs, also by the names of their copies in another precision. */
function readPasts(graph: OnnxGraph, known: KnownModel): Map<string, Past> | { reason: string } {
  const pasts = new Map<string, Past>();
  for (const { name, element, shape } of graph.inputs) {
    const match = PAST.exec(name);
    if (match === null || shape.length !== 4) continue;
    const [kvHeads, headDim] = [shape[1] ?? known.kvHeads, shape[3] ?? known.headDim];
    if (!(kvHeads > 0 && headDim > 0 && kvHeads * headDim <= WIDEST))
      return { reason: `the cache input ${name} has ${kvHeads} heads of ${headDim} numbers` };
    if (shape[2] !== undefined) return { reason: `the cache input ${name} has ${shape[2]} positions, always` };
    pasts.set(name, {
      layer: Number(match[1]),
      kind: match[2] as 'key' | 'value',
      kvHeads,
      headDim,
      half: element === ELEMENT.float16,
    });
  }
  for (const node of graph.nodes) {
    const past = node.op === 'Cast' || node.op === 'Identity' ? pasts.get(node.inputs[0] ?? '') : undefined;
    const copy = node.outputs[0] ?? '';
    if (past === undefined || copy === '') continue;
    pasts.set(copy, {
      ...past,
      half: node.op === 'Cast' ? attributesOf(node).get('to') === ELEMENT.float16 : past.half,
    });
  }
  return pasts;
}

/** Each layer's attention, in whatever form. */
function findSites(around: Surroundings, { heads }: KnownModel): Map<number, AttentionSite> | NotUnderstood {
  const sites = new Map<number, AttentionSite>();
  const joined = joinedCaches(around);
  if (joined instanceof NotUnderstood) return joined;
  for (const node of around.graph.nodes) {
    const site =
      readFused(node, joined, around) ??
      (node.op === 'Softmax' ? readDecomposed(node, joined, heads, around) : undefined);
    if (site instanceof NotUnderstood) return site;
    if (site === undefined) continue;
    if (site.output.name === '') return new NotUnderstood(node, 'has no output');
    if (site.heads !== heads) return new NotUnderstood(node, `has ${site.heads} heads where config.json says ${heads}`);
    if (sites.has(site.layer)) return new NotUnderstood(node, `is a second attention of layer ${site.layer}`);
    if (site.heads % site.kvHeads !== 0)
      return new NotUnderstood(node, `has ${site.heads} heads for ${site.kvHeads} of the cache`);
    sites.set(site.layer, site);
  }
  return sites;
}

/** Puts each block in the place of the node that gave its result. */
function replaceAttention(graph: OnnxGraph, sites: ReadonlyMap<number, AttentionSite>, lens: boolean): void {
  const masks = new Map<string, string>();
  const byOutput = new Map([...sites.values()].map((site) => [site.output.name, site]));
  graph.nodes = graph.nodes.flatMap((node): GraphNode[] => {
    const site = byOutput.get(node.outputs[0] ?? '');
    if (site === undefined) return [node];
    const block = new AttentionBlock(graph, site, masks, lens);
    block.build();
    return block.nodes;
  });
}

/** Makes the new keys and values outputs: one for all where they are alike in size, since each output costs some microseconds. */
function giveNewRows(graph: OnnxGraph, sites: AttentionSite[]): boolean {
  const names = [...sites]
    .sort((a, b) => a.layer - b.layer)
    .flatMap(({ layer }) => [NAMES.newKey(layer), NAMES.newValue(layer)]);
  const sizes = new Set(sites.map(({ kvHeads, headDim }) => `${kvHeads} ${headDim}`));
  if (sizes.size > 1) {
    names.forEach((name) => graph.output(name));
    return false;
  }
  graph.nodes.push(makeNode('Concat', names, [NAMES.newRows], { axis: 0 }));
  graph.output(NAMES.newRows);
  return true;
}

/** Whoever asks for the shape of a cache is told the one it would have had. */
function answerShapes(graph: OnnxGraph, around: Surroundings): void {
  const joined = joinedCaches(around);
  graph.nodes = graph.nodes.map((node) => {
    if (node.op !== 'Shape' || node.bytes.length === 0) return node;
    const of = node.inputs[0] ?? '';
    const behind = joined instanceof NotUnderstood ? undefined : readOperand(of, joined, around)?.path;
    const name = around.pasts.has(of)
      ? NAMES.pastShape
      : behind?.length === 0
        ? NAMES.totalShape
        : behind?.[0] === 'Reshape' && behind.includes('Expand')
          ? NAMES.repeatedShape
          : undefined;
    if (name === undefined) return node;
    graph.input(name, 'int64');
    return makeNode('Identity', [name], node.outputs);
  });
}

/** The rotation's tables, where all layers share them and they lie in the file. */
function readRotary(graph: OnnxGraph, sites: AttentionSite[]): Rotary | undefined {
  const first = sites[0]?.rotary;
  if (first === undefined || sites.some(({ rotary }) => rotary?.cos !== first.cos || rotary.sin !== first.sin))
    return undefined;
  const [cos, sin] = [graph.initializer(first.cos), graph.initializer(first.sin)];
  const [cosines, sines] = [cos?.values(), sin?.values()];
  const half = cos?.dims[1];
  if (cosines === undefined || cosines.length !== sines?.length || half === undefined) return undefined;
  // Tables of some long-context models are scaled: what they do is not a rotation, and cannot be undone by one.
  for (let i = 0; i < cosines.length; i++)
    if (!(Math.abs((cosines[i] as number) ** 2 + (sines[i] as number) ** 2 - 1) <= 1e-2)) return undefined;
  return { cos: Float32Array.from(cosines), sin: Float32Array.from(sines), half, interleaved: first.interleaved };
}
