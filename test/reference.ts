// The oracle: a Llama-style decoder's forward pass, written to be read, in double precision, without a cache. Slow on purpose.

/** Weights by their Hugging Face names; matrices are [out, in], row-major. */
export interface LlamaWeights {
  layers: number;
  hidden: number;
  heads: number;
  kvHeads: number;
  headDim: number;
  ropeTheta: number;
  rmsEps: number;
  /** The rotated pairs of a head are neighbours, as in GGUF files; otherwise half a head apart. */
  interleaved?: boolean;
  /** So many numbers at the front of each head are rotated, and the others are not (Phi); headDim where it is not given. */
  rotaryDim?: number;
  /** The projections to queries, keys and values have a bias (Qwen2). */
  biases?: boolean;
  /** What the heads give has a bias besides, and the products of the feed-forward network (Llama with attention_bias and mlp_bias). */
  innerBiases?: boolean;
  /** Each head's query and key go through an RMSNorm before they are rotated (Qwen3). */
  headNorms?: boolean;
  /** Scores s become softcap · tanh(s / softcap) (Gemma 2). */
  softcap?: number;
  /** A query sees this many keys, its own included (Mistral). */
  window?: number;
  /** The window holds in every other layer only, from the first on (Gemma 2). */
  alternating?: boolean;
  /** Instead of a rotation, slope · (key − query) is added to the scores; head h of H has the slope 2^(−8 (h + 1) / H) (Press et al. 2022). */
  alibi?: boolean;
  /** Each head has a number that takes part in its softmax like the score of one more key, which has no value (gpt-oss). */
  sinks?: boolean;
  /** What query · key is multiplied by; headDim^−½ where it is not given. */
  scale?: number;
  /** The output matrix is not the embedding's. */
  untied?: boolean;
  /** So many feed-forward networks, each weighted by its share of a softmax over all (Shazeer et al. 2017, without the choice of a few). */
  experts?: number;
  /** A layer's feed-forward block comes before its attention block. */
  feedForwardFirst?: boolean;
  tensor: (name: string) => Float32Array;
}

/** One position's activations. */
export type Vector = Float64Array<ArrayBufferLike>;

export interface Forward {
  /** [position][vocab] */
  logits: Vector[];
  /** [layer][head][query][key], key ≤ query */
  attention: number[][][][];
}

/** What is taken away at one query, in all layers; what earlier queries took from it stays. */
export interface Without {
  query: number;
  /** What this head gives is 0 there. */
  head?: { layer: number; head: number };
  /** Keys [start, end) that it does not see. */
  span?: readonly [start: number, end: number];
}

/** The numbers of a layer's attention on the way, [position][..] each. */
export interface Steps {
  /** Before the rotation. */
  plainQueries: Vector[];
  plainKeys: Vector[];
  queries: Vector[];
  keys: Vector[];
  values: Vector[];
  /** What the heads give, side by side. */
  mixed: Vector[];
}

export interface Look {
  without?: Without;
  /** Told of each layer. */
  steps?: (layer: number, steps: Steps) => void;
}

/** Runs `ids` through the model. */
export function forward(w: LlamaWeights, ids: readonly number[], { without, steps }: Look = {}): Forward {
  const { layers, hidden, heads, kvHeads, headDim, rmsEps, tensor } = w;
  const embedding = tensor('model.embed_tokens.weight'); // [vocab, hidden]
  let x: Vector[] = ids.map((id) => Float64Array.from(embedding.subarray(id * hidden, (id + 1) * hidden))); // [position][hidden]
  const attention: number[][][][] = [];

  for (let layer = 0; layer < layers; layer++) {
    const weight = (name: string): Float32Array => tensor(`model.layers.${layer}.${name}.weight`);
    if (w.feedForwardFirst) x = feedForward(w, x, weight);

    // attention block
    const normed = x.map((row) => rmsNorm(row, weight('input_layernorm'), rmsEps));
    const project = (part: 'q' | 'k' | 'v', row: Vector): Vector => {
      const out = matVec(weight(`self_attn.${part}_proj`), row);
      return w.biases ? add(out, Float64Array.from(tensor(`model.layers.${layer}.self_attn.${part}_proj.bias`))) : out;
    };
    const straight = (part: 'q' | 'k'): Vector[] =>
      normed.map((row) => {
        const projected = project(part, row);
        return w.headNorms ? perHead(projected, headDim, weight(`self_attn.${part}_norm`), rmsEps) : projected;
      });
    const turned = (row: Vector, position: number): Vector => (w.alibi ? row : rotate(row, position, w));
    const [plainQueries, plainKeys] = [straight('q'), straight('k')];
    const q = plainQueries.map(turned); // [position][head · headDim]
    const k = plainKeys.map(turned); // [position][kvHead · headDim]
    const v = normed.map((row) => project('v', row));
    const mixed = x.map(() => new Float64Array(heads * headDim));
    const ofLayer: number[][][] = [];
    for (let head = 0; head < heads; head++) {
      const qAt = head * headDim;
      const kvAt = Math.floor(head / (heads / kvHeads)) * headDim; // several query heads share one key head
      const ofHead: number[][] = [];
      for (let query = 0; query < ids.length; query++) {
        const scores: number[] = [];
        for (let key = 0; key <= query; key++) {
          let dot = 0;
          for (let d = 0; d < headDim; d++) dot += q[query]![qAt + d]! * k[key]![kvAt + d]!;
          const score = scored(w, dot * (w.scale ?? headDim ** -0.5), [layer, head], query - key);
          scores.push(isHidden(without, query, key) ? -Infinity : score);
        }
        const weights = w.sinks
          ? softmax([...scores, tensor(`model.layers.${layer}.self_attn.sinks`)[head]!]).slice(0, -1)
          : softmax(scores);
        for (let key = 0; key <= query; key++)
          for (let d = 0; d < headDim; d++) mixed[query]![qAt + d]! += weights[key]! * v[key]![kvAt + d]!;
        ofHead.push(weights);
      }
      ofLayer.push(ofHead);
    }
    attention.push(ofLayer);
    takeOut(without, layer, headDim, mixed);
    steps?.(layer, { plainQueries, plainKeys, queries: q, keys: k, values: v, mixed });
    const biased = (module: string, row: Vector): Vector =>
      w.innerBiases ? add(row, tensor(`model.layers.${layer}.${module}.bias`)) : row;
    x = x.map((row, position) =>
      add(row, biased('self_attn.o_proj', matVec(weight('self_attn.o_proj'), mixed[position]!))),
    );

    if (!w.feedForwardFirst) x = feedForward(w, x, weight, biased);
  }
  const out = w.untied ? tensor('lm_head.weight') : embedding;
  return { logits: x.map((row) => matVec(out, rmsNorm(row, tensor('model.norm.weight'), rmsEps))), attention };
}

/** Whether a key is hidden from a query. */
export function isHidden(without: Without | undefined, query: number, key: number): boolean {
  const { span, query: at } = without ?? {};
  return span !== undefined && query === at && key >= span[0] && key < span[1];
}

/** Makes what a head gives 0 where it is to be. @param mixed [position][head · headDim] of the layer */
export function takeOut(without: Without | undefined, layer: number, headDim: number, mixed: Vector[]): void {
  if (without?.head?.layer === layer)
    mixed[without.query]?.fill(0, without.head.head * headDim, (without.head.head + 1) * headDim);
}

/** The feed-forward block of a layer (SwiGLU), or a mixture of several. */
function feedForward(
  w: LlamaWeights,
  x: Vector[],
  weight: (name: string) => Float32Array,
  biased: (module: string, row: Vector) => Vector = (_, row) => row,
): Vector[] {
  return x.map((row) => {
    const inner = rmsNorm(row, weight('post_attention_layernorm'), w.rmsEps);
    const network = (name: string): Vector => {
      const product = (part: string, of: Vector): Vector =>
        biased(`${name}.${part}_proj`, matVec(weight(`${name}.${part}_proj`), of));
      const [gate, up] = [product('gate', inner), product('up', inner)];
      return product(
        'down',
        up.map((value, i) => value * silu(gate[i]!)),
      );
    };
    if (w.experts === undefined) return add(row, network('mlp'));
    const shares = softmax([...matVec(weight('mlp.gate'), inner)]);
    return shares.reduce(
      (sum, share, e) =>
        add(
          sum,
          network(`mlp.experts.${e}`).map((value) => value * share),
        ),
      row,
    );
  });
}

/** How many keys a query sees in a layer, its own included; undefined: all. */
export function windowOf({ window, alternating }: LlamaWeights, layer: number): number | undefined {
  return alternating && layer % 2 === 1 ? undefined : window;
}

/** A score, as the softmax gets it. @param distance query − key */
function scored(w: LlamaWeights, score: number, [layer, head]: [number, number], distance: number): number {
  const window = windowOf(w, layer);
  if (window !== undefined && distance >= window) return -Infinity;
  const capped = w.softcap === undefined ? score : w.softcap * Math.tanh(score / w.softcap);
  return w.alibi ? capped - 2 ** ((-8 * (head + 1)) / w.heads) * distance : capped;
}

/** matrix [out, in] · vector [in] → [out] */
export function matVec(matrix: Float32Array, vector: Vector): Vector {
  const n = vector.length;
  const out = new Float64Array(matrix.length / n);
  for (let o = 0; o < out.length; o++) {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += matrix[o * n + i]! * vector[i]!;
    out[o] = sum;
  }
  return out;
}

/** x / √(mean x² + ε) · weight */
function rmsNorm(x: Vector, weight: Float32Array, eps: number): Vector {
  const meanSquare = x.reduce((sum, value) => sum + value * value, 0) / x.length;
  return x.map((value, i) => (value / Math.sqrt(meanSquare + eps)) * weight[i]!);
}

/** rmsNorm of each head by itself. */
function perHead(x: Vector, headDim: number, weight: Float32Array, eps: number): Vector {
  const heads = Array.from({ length: x.length / headDim }, (_, head) =>
    rmsNorm(x.subarray(head * headDim, (head + 1) * headDim), weight, eps),
  );
  return Float64Array.from(heads.flatMap((head) => [...head]));
}

/** Rotary position embedding (Su et al. 2021): each head's pair (d, d + rotaryDim/2), or (2d, 2d + 1), turns by position · θ^(−2d/rotaryDim). */
function rotate(x: Vector, position: number, w: LlamaWeights): Vector {
  const { headDim, ropeTheta, interleaved = false, rotaryDim = headDim } = w;
  const out = Float64Array.from(x);
  const half = rotaryDim / 2;
  for (let at = 0; at < x.length; at += headDim) {
    for (let d = 0; d < half; d++) {
      const angle = position * ropeTheta ** ((-2 * d) / rotaryDim);
      const [first, second] = interleaved ? [at + 2 * d, at + 2 * d + 1] : [at + d, at + half + d];
      const [a, b] = [x[first]!, x[second]!];
      out[first] = a * Math.cos(angle) - b * Math.sin(angle);
      out[second] = b * Math.cos(angle) + a * Math.sin(angle);
    }
  }
  return out;
}

/** exp(x) over the sum of all. */
export function softmax(scores: number[]): number[] {
  const max = Math.max(...scores);
  const exps = scores.map((score) => Math.exp(score - max));
  const total = exps.reduce((sum, e) => sum + e, 0);
  return exps.map((e) => e / total);
}

function silu(x: number): number {
  return x / (1 + Math.exp(-x));
}

/** The sum, number by number. */
export function add(a: Vector, b: ArrayLike<number>): Vector {
  return a.map((value, i) => value + b[i]!);
}

/** The largest difference between two lists of numbers. @throws RangeError when their lengths differ */
export function farthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new RangeError(`${a.length} and ${b.length} numbers`);
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs((a[i] as number) - (b[i] as number)));
  return most;
}
