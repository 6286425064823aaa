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
  tensor: (name: string) => Float32Array;
}

/** One position's activations. */
type Vector = Float64Array<ArrayBufferLike>;

export interface Forward {
  /** [position][vocab] */
  logits: Vector[];
  /** [layer][head][query][key], key ≤ query */
  attention: number[][][][];
}

/** Runs `ids` through the model. */
export function forward(w: LlamaWeights, ids: readonly number[]): Forward {
  const { layers, hidden, heads, kvHeads, headDim, rmsEps, tensor } = w;
  const embedding = tensor('model.embed_tokens.weight'); // [vocab, hidden]
  let x: Vector[] = ids.map((id) => Float64Array.from(embedding.subarray(id * hidden, (id + 1) * hidden))); // [position][hidden]
  const attention: number[][][][] = [];

  for (let layer = 0; layer < layers; layer++) {
    const weight = (name: string): Float32Array => tensor(`model.layers.${layer}.${name}.weight`);

    // attention block
    const normed = x.map((row) => rmsNorm(row, weight('input_layernorm'), rmsEps));
    const q = normed.map((row, position) => rotate(matVec(weight('self_attn.q_proj'), row), position, w)); // [position][head · headDim]
    const k = normed.map((row, position) => rotate(matVec(weight('self_attn.k_proj'), row), position, w)); // [position][kvHead · headDim]
    const v = normed.map((row) => matVec(weight('self_attn.v_proj'), row));
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
          scores.push(dot / Math.sqrt(headDim));
        }
        const weights = softmax(scores);
        for (let key = 0; key <= query; key++)
          for (let d = 0; d < headDim; d++) mixed[query]![qAt + d]! += weights[key]! * v[key]![kvAt + d]!;
        ofHead.push(weights);
      }
      ofLayer.push(ofHead);
    }
    attention.push(ofLayer);
    x = x.map((row, position) => add(row, matVec(weight('self_attn.o_proj'), mixed[position]!)));

    // feed-forward block (SwiGLU)
    x = x.map((row) => {
      const inner = rmsNorm(row, weight('post_attention_layernorm'), rmsEps);
      const gate = matVec(weight('mlp.gate_proj'), inner);
      const up = matVec(weight('mlp.up_proj'), inner);
      return add(
        row,
        matVec(
          weight('mlp.down_proj'),
          up.map((value, i) => value * silu(gate[i]!)),
        ),
      );
    });
  }
  // the output matrix is the embedding
  return { logits: x.map((row) => matVec(embedding, rmsNorm(row, tensor('model.norm.weight'), rmsEps))), attention };
}

/** matrix [out, in] · vector [in] → [out] */
function matVec(matrix: Float32Array, vector: Vector): Vector {
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

/** Rotary position embedding (Su et al. 2021): each head's pair (d, d + headDim/2), or (2d, 2d + 1), turns by position · θ^(−2d/headDim). */
function rotate(x: Vector, position: number, { headDim, ropeTheta, interleaved = false }: LlamaWeights): Vector {
  const out = new Float64Array(x.length);
  const half = headDim / 2;
  for (let at = 0; at < x.length; at += headDim) {
    for (let d = 0; d < half; d++) {
      const angle = position * ropeTheta ** ((-2 * d) / headDim);
      const [first, second] = interleaved ? [at + 2 * d, at + 2 * d + 1] : [at + d, at + half + d];
      const [a, b] = [x[first]!, x[second]!];
      out[first] = a * Math.cos(angle) - b * Math.sin(angle);
      out[second] = b * Math.cos(angle) + a * Math.sin(angle);
    }
  }
  return out;
}

function softmax(scores: number[]): number[] {
  const max = Math.max(...scores);
  const exps = scores.map((score) => Math.exp(score - max));
  const total = exps.reduce((sum, e) => sum + e, 0);
  return exps.map((e) => e / total);
}

function silu(x: number): number {
  return x / (1 + Math.exp(-x));
}

function add(a: Vector, b: Vector): Vector {
  return a.map((value, i) => value + b[i]!);
}

/** The largest difference between two lists of numbers. @throws RangeError when their lengths differ */
export function farthest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new RangeError(`${a.length} and ${b.length} numbers`);
  let most = 0;
  for (let i = 0; i < a.length; i++) most = Math.max(most, Math.abs((a[i] as number) - (b[i] as number)));
  return most;
}
