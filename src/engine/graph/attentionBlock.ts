// Attention over a cache that is ours. Keys and values of the past come in as they lie in memory, [kvHead, 1, capacity, headDim], without a
// copy; only those of the new tokens go out. With a capacity of C rows, of which the first P count, and n new tokens:
//
//   scores  = [query · keysPastᵀ | query · keysNewᵀ] · scale + mask          [kvHead, group, n, C + n]
//   weights = softmax(scores)                                                the attention map; costs nothing until it is fetched
//   output  = weights · [valuesPast ; valuesNew]
//
// The mask hides the rows from P to C.

import { MICROSOFT, makeNode, type GraphNode, type OnnxGraph } from './onnx';
import type { GivenAttribute } from './tensors';
import type { AttentionSite, HeadsValue } from './site';

/** Less than any score, and finite, so that it can be multiplied and added. */
export const HIDDEN = -1e30;

/** Names of the inputs and outputs that a rewritten graph has instead of the cache's. */
export const NAMES = {
  pastKey: (layer: number): string => `glassbox.past.${layer}.key`,
  pastValue: (layer: number): string => `glassbox.past.${layer}.value`,
  /** [2 · layer · n, kvHead, 1, headDim]: the new keys and values of all layers in turn, where they are alike in size. */
  newRows: 'glassbox.new.rows',
  newKey: (layer: number): string => `glassbox.new.${layer}.key`,
  newValue: (layer: number): string => `glassbox.new.${layer}.value`,
  /** [kvHead, group, n, C + n], or [1, head, n, C + n]: the same numbers in the same order. */
  attention: (layer: number): string => `glassbox.attention.${layer}`,
  /** int64 [2]: C and n. */
  split: 'glassbox.split',
  /** float32 [n, C + n]: 0 where a query may look, HIDDEN elsewhere; for a window of so many keys, 0 without. */
  mask: (window: number): string => `glassbox.mask.${window}`,
  /** int64 [C + n]: where each column of the scores is in a mask of the graph's own, [.., P + n]; P + n where it is hidden. */
  columns: 'glassbox.columns',
  /** int64 [1, n]: positions of the new tokens. */
  positions: 'glassbox.positions',
  /** int64 [4]: the shape that a cache input had, and that it has with the new tokens. */
  pastShape: 'glassbox.past.shape',
  totalShape: 'glassbox.total.shape',
  /** The same with a head for each query head. */
  repeatedShape: 'glassbox.repeated.shape',
  /** Of a lens: float32 [kvHead, group, 1, 1], what each head's result is multiplied by. */
  keep: (layer: number): string => `glassbox.keep.${layer}`,
  /** Of a lens: [n, head · headDim], the queries after the rotation, before they are scaled. */
  query: (layer: number): string => `glassbox.lens.${layer}.query`,
  /** int64 [rows]: which of the new tokens' logits are wanted. */
  rows: 'glassbox.rows',
} as const;

/** Writes the nodes of an attention site. */
export class AttentionBlock {
  readonly #graph: OnnxGraph;
  readonly #site: AttentionSite;
  readonly #masks: Map<string, string>;
  readonly #lens: boolean;
  readonly nodes: GraphNode[] = [];

  /**
   * @param masks masks of the graph that were widened for row 0, by name; shared by all layers
   * @param lens heads can be taken out, and the queries seen: slower, for looking inside
   */
  constructor(graph: OnnxGraph, site: AttentionSite, masks: Map<string, string>, lens = false) {
    this.#lens = lens;
    this.#graph = graph;
    this.#site = site;
    this.#masks = masks;
  }

  /** Replaces the attention: declares inputs and outputs, and leaves the nodes in `nodes`. */
  build(): void {
    const { layer, heads, kvHeads, added, output } = this.#site;
    // A lens has a mask of ours besides the graph's own: parts of the text can be hidden.
    const window = this.#site.window ?? (this.#lens ? 0 : undefined);
    const group = heads / kvHeads;
    this.nodes.push(...(this.#site.nodes ?? []));
    const query = this.#query();
    const keys = this.#rows('key', NAMES.newKey(layer));
    const values = this.#rows('value', NAMES.newValue(layer));
    const pastKeys = this.#graph.input(NAMES.pastKey(layer), 'float32');
    const pastValues = this.#graph.input(NAMES.pastValue(layer), 'float32');
    const split = this.#declared(NAMES.split, 'int64');

    const product = (a: string, b: string, name: string, turned: Record<string, number>): string =>
      this.#add('FusedMatMul', [a, b], name, turned, MICROSOFT);
    const withKeys = { transB: 1, transBatchA: this.#site.query.headsFirst ? 0 : 1 };
    let scores = this.#add(
      'Concat',
      [
        product(query, pastKeys, 'scores.past', withKeys),
        product(query, keys, 'scores.new', { ...withKeys, transBatchB: 1 }),
      ],
      'scores',
      { axis: 3 },
    );
    scores = this.#capped(scores);
    if (window !== undefined)
      scores = this.#add('Add', [scores, this.#declared(NAMES.mask(window), 'float32')], 'masked');
    for (const [i, mask] of added.entries()) {
      const wide = this.#add('Reshape', [scores, this.#shape([1, heads, 0, 0])], `scores.${i}`);
      scores = this.#add('Add', [wide, this.#widened(mask)], `masked.${i}`);
    }
    const weights = this.#add('Softmax', [scores], NAMES.attention(layer), { axis: 3 });
    const grouped =
      added.length === 0 ? weights : this.#add('Reshape', [weights, this.#shape([kvHeads, group, 0, 0])], 'weights');
    const [past, fresh] = [this.#name('weights.past'), this.#name('weights.new')];
    this.nodes.push(makeNode('Split', [grouped, split], [past, fresh], { axis: 3 }));
    let mixed = this.#add(
      'Add',
      [product(past, pastValues, 'mixed.past', {}), product(fresh, values, 'mixed.new', { transBatchB: 1 })],
      'mixed',
    );
    if (this.#lens) mixed = this.#add('Mul', [mixed, this.#declared(NAMES.keep(layer), 'float32')], 'mixed.kept');
    this.#put(mixed, output);
    this.#graph.output(weights);
  }

  /** The queries, rotated and scaled: [kvHead, group, n, headDim], or [n, kvHead, group, headDim] where the heads do not come first. */
  #query(): string {
    const { headDim, heads, kvHeads, scale, factors = [] } = this.#site;
    const inTables = !this.#lens && this.#tablesTakeScale();
    const { name, headsFirst } = this.#prepared('query', inTables ? scale : 1);
    if (this.#lens) this.#show(name, headsFirst);
    const group = heads / kvHeads;
    const shape = headsFirst ? [kvHeads, group, -1, headDim] : [-1, kvHeads, group, headDim];
    let query = this.#add('Reshape', [name, this.#shape(shape)], 'query');
    // A product with a factor of its own leaves the fast path for single rows, and a scalar would be fused into one: hence a vector.
    const vector = new Array<number>(headDim).fill(scale);
    const constant = inTables ? [] : [this.#constant(`scale.${scale}.${headDim}`, 'float32', vector)];
    const single = factors.map((by) => (this.#site.half ? this.#add('Cast', [by], `${by}.float32`, { to: 1 }) : by));
    for (const [i, by] of [...constant, ...single].entries())
      query = this.#add('Mul', [query, by], `query.scaled.${i}`);
    return query;
  }

  /** Whether the rotation can scale the queries by the way: its tables are constant, and it touches all of a head. */
  #tablesTakeScale(): boolean {
    const { rotary, headDim } = this.#site;
    if (rotary === undefined || !this.#graph.isInitializer(rotary.sin)) return false;
    return (this.#graph.initializer(rotary.cos)?.dims[1] ?? 0) * 2 === headDim;
  }

  /** Makes the queries an output. */
  #show(name: string, headsFirst: boolean): void {
    const { layer, heads, headDim } = this.#site;
    const last = headsFirst ? this.#add('Transpose', [name], 'query.last', { perm: [0, 2, 1, 3] }) : name;
    this.#add('Reshape', [last, this.#shape([-1, heads * headDim])], NAMES.query(layer));
    this.#graph.output(NAMES.query(layer));
  }

  /** Keys or values as the cache holds them, [n, kvHead, 1, headDim], under the name that is fetched. */
  #rows(part: 'key' | 'value', output: string): string {
    const { headDim, kvHeads } = this.#site;
    const prepared = this.#prepared(part);
    const name = prepared.headsFirst
      ? this.#add('Transpose', [prepared.name], `${part}.last`, { perm: [0, 2, 1, 3] })
      : prepared.name;
    return this.#add('Reshape', [name, this.#shape([-1, kvHeads, 1, headDim])], output);
  }

  /** float32 and, where that is still to be done, rotated; @param scale factor that the rotation puts in by the way */
  #prepared(part: 'query' | 'key' | 'value', scale = 1): HeadsValue {
    const { rotary, half, heads, kvHeads, headDim } = this.#site;
    let { name } = this.#site[part];
    const { headsFirst } = this.#site[part];
    const single = (value: string): string =>
      half ? this.#add('Cast', [value], `${part}.${value}.float32`, { to: 1 }) : value;
    name = single(name);
    if (rotary === undefined || part === 'value') return { name, headsFirst };
    const positions = rotary.positions ?? this.#declared(NAMES.positions, 'int64');
    const turned = this.#graph.initializer(rotary.cos)?.dims[1];
    const attributes = {
      interleaved: rotary.interleaved ? 1 : 0,
      num_heads: part === 'query' ? heads : kvHeads,
      // fewer numbers than the head has: only its first are turned
      ...(turned !== undefined && turned * 2 < headDim ? { rotary_embedding_dim: turned * 2 } : {}),
    };
    const factor = this.#constant(`scale.${scale}`, 'float32', [scale]);
    const tables = [rotary.cos, rotary.sin]
      .map(single)
      .map((table) => (scale === 1 ? table : this.#add('Mul', [table, factor], `${part}.${table}.scaled`)));
    return {
      name: this.#add('RotaryEmbedding', [name, positions, ...tables], `${part}.rotated`, attributes, MICROSOFT),
      headsFirst,
    };
  }

  /** The attention's result in the layout and under the name that the layer goes on with. */
  #put(mixed: string, { name, headsFirst }: HeadsValue): void {
    const { heads, headDim, outputHalf: half = this.#site.half } = this.#site;
    const single = half ? this.#name('output.float32') : name;
    const first = this.#add(
      'Reshape',
      [mixed, this.#shape([1, heads, -1, headDim])],
      headsFirst ? single : 'mixed.heads',
    );
    if (!headsFirst) {
      const turned = this.#add('Transpose', [first], 'mixed.last', { perm: [0, 2, 1, 3] });
      this.#add('Reshape', [turned, this.#shape([1, -1, heads * headDim])], single);
    }
    if (half) this.nodes.push(makeNode('Cast', [single], [name], { to: 10 }));
  }

  #capped(scores: string): string {
    const { softcap } = this.#site;
    if (softcap === 0) return scores;
    const cap = this.#constant(`softcap.${softcap}`, 'float32', [softcap]);
    return this.#add(
      'Mul',
      [this.#add('Tanh', [this.#add('Div', [scores, cap], 'cap.in')], 'cap.tanh'), cap],
      'capped',
    );
  }

  /** A mask of the graph's, [.., n, P + n], with its columns where the scores have theirs: [1, 1 or head, n, C + n]. */
  #widened(mask: string): string {
    const known = this.#masks.get(mask);
    if (known !== undefined) return known;
    const wide = `glassbox.widened.${this.#masks.size}`;
    const [cast, four, padded] = ['float32', 'four', 'padded'].map((part) => `${wide}.${part}`) as [
      string,
      string,
      string,
    ];
    const hidden = this.#graph.constant('glassbox.hidden', 'float32', [HIDDEN], []);
    this.nodes.push(
      makeNode('Cast', [mask], [cast], { to: 1 }),
      makeNode('Expand', [cast, this.#shape([1, 1, 1, 1])], [four]),
      makeNode('Pad', [four, this.#constant('pads', 'int64', [0, 0, 0, 0, 0, 0, 0, 1]), hidden], [padded]),
      makeNode('Gather', [padded, this.#declared(NAMES.columns, 'int64')], [wide], { axis: 3 }),
    );
    this.#masks.set(mask, wide);
    return wide;
  }

  #declared(name: string, element: 'float32' | 'int64'): string {
    return this.#graph.input(name, element);
  }

  #constant(name: string, element: 'float32' | 'int64', values: number[]): string {
    return this.#graph.constant(`glassbox.${name}`, element, values, [values.length]);
  }

  #shape(dims: number[]): string {
    return this.#graph.constant(`glassbox.shape.${dims.join('x')}`, 'int64', dims, [dims.length]);
  }

  #name(name: string): string {
    return name.startsWith('glassbox.') ? name : `glassbox.${this.#site.layer}.${name}`;
  }

  #add(
    op: string,
    inputs: string[],
    output: string,
    attributes: Record<string, GivenAttribute> = {},
    domain = '',
  ): string {
    const known = output === this.#site.output.name || output.startsWith('glassbox.') ? output : this.#name(output);
    this.nodes.push(makeNode(op, inputs, [known], attributes, domain));
    return known;
  }
}
