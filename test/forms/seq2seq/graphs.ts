// The graphs of small encoder–decoder models as Optimum has PyTorch write them: an encoder, and a decoder for the first token and for
// those after it, as two graphs or as the branches of one.

import { intsTensor } from '../../onnxTensors';
import { GraphWriter, TYPES, type ValueInfo } from '../../onnxWriter';
import { dimension, shapeOf } from '../torchShapes';
import { EPSILON, type Seq2SeqWeights } from './shape';

/** The lowest float32: what a masked score becomes. */
const LOWEST = -3.4028234663852886e38;

type Kind = 'encoder' | 'first' | 'later';

/** The encoder's graph: input_ids, attention_mask → last_hidden_state. */
export function encoderGraph(w: Seq2SeqWeights): Uint8Array {
  const layers = new Layers(w, new GraphWriter('torch'), undefined);
  const { g } = layers;
  const mask = layers.padding('attention_mask');
  const out = layers.stack('encoder', undefined, mask, undefined);
  g.node('Identity', [out], {}, 'last_hidden_state');
  return g.finish(
    [ids('input_ids'), mask2('attention_mask', 'encoder_sequence_length')],
    [states('last_hidden_state', w)],
  );
}

/** A decoder's graph for the first token, or for those after it. */
export function decoderGraph(w: Seq2SeqWeights, kind: 'first' | 'later'): Uint8Array {
  const g = new GraphWriter('torch');
  decoder(new Layers(w, g, undefined), kind, (name) => name);
  const pasts = cacheInfos(w, 'past_key_values');
  const outputs = [
    logits(w),
    ...cacheInfos(w, 'present').filter(({ name }) => kind === 'first' || name.includes('.decoder.')),
  ];
  const source = kind === 'first' ? [states('encoder_hidden_states', w)] : [];
  const inputs = [mask2('encoder_attention_mask', 'encoder_sequence_length'), ids('input_ids'), ...source];
  return g.finish(kind === 'first' ? inputs : [...inputs, ...pasts], outputs);
}

/** Both of them in one graph, chosen by `use_cache_branch`. What a branch does not compute of the source comes out empty. */
export function mergedGraph(w: Seq2SeqWeights): Uint8Array {
  const outer = new GraphWriter('torch');
  const outputs = [logits(w), ...cacheInfos(w, 'present')];
  const stored = new Map<string, string>();
  const branch = (kind: 'first' | 'later'): Uint8Array => {
    const g = new GraphWriter('torch');
    const inner = (name: string): string => `${name}_${kind}`;
    decoder(new Layers(w, g, { outer, stored }), kind, inner);
    if (kind === 'later')
      for (const { name } of outputs.filter((output) => output.name.includes('.encoder.'))) {
        const shape = g.node('Constant', [], { value: { tensor: intsTensor([0, w.heads, 0, w.headDim]) } });
        g.node('ConstantOfShape', [shape], {}, inner(name));
      }
    return g.graph(
      [],
      outputs.map((output) => ({ ...output, name: inner(output.name) })),
    );
  };
  const branches = { then_branch: { graph: branch('later') }, else_branch: { graph: branch('first') } };
  outer.nodes(
    'If',
    ['use_cache_branch'],
    outputs.map(({ name }) => name),
    branches,
  );
  return outer.finish(
    [
      mask2('encoder_attention_mask', 'encoder_sequence_length'),
      ids('input_ids'),
      states('encoder_hidden_states', w),
      ...cacheInfos(w, 'past_key_values'),
      { name: 'use_cache_branch', type: 'bool', shape: [1] },
    ],
    outputs,
  );
}

function decoder(layers: Layers, kind: 'first' | 'later', named: (output: string) => string): void {
  const { w, g } = layers;
  const mask = layers.padding('encoder_attention_mask');
  const x = layers.stack('decoder', kind, mask, named);
  if (w.family === 't5' && !w.tied) {
    g.node('MatMul', [x, layers.weight('output')], {}, named('logits'));
    return;
  }
  const scaled = w.family === 't5' ? g.node('Mul', [x, g.scalar(w.hidden ** -0.5)]) : x;
  const output = g.node('Transpose', [layers.weight('shared')], { perm: [1, 0] });
  if (w.family === 't5') g.node('MatMul', [scaled, output], {}, named('logits'));
  else g.node('Add', [g.node('MatMul', [scaled, output]), layers.weight('logits.bias')], {}, named('logits'));
}

/** What the graphs are built of. */
class Layers {
  readonly w: Seq2SeqWeights;
  readonly g: GraphWriter;
  /** Where a branch's weights are kept. */
  readonly #shared: { outer: GraphWriter; stored: Map<string, string> };

  constructor(
    w: Seq2SeqWeights,
    g: GraphWriter,
    shared: { outer: GraphWriter; stored: Map<string, string> } | undefined,
  ) {
    this.w = w;
    this.g = g;
    this.#shared = shared ?? { outer: g, stored: new Map() };
  }

  weight(name: string): string {
    const { outer, stored } = this.#shared;
    if (!stored.has(name)) stored.set(name, outer.float(name, this.w.tensor(name), this.w.dims(name)));
    return name;
  }

  /** What is added to scores for tokens that are padding: [batch, 1, 1, key] */
  padding(mask: string): string {
    const { g } = this;
    const kept = g.node('Cast', [g.node('Unsqueeze', [mask, g.ints([1, 2])])], { to: TYPES.float32 });
    return g.node('Mul', [g.node('Sub', [g.scalar(1), kept]), g.scalar(LOWEST)]);
  }

  /** All layers of a side. @param kind of a decoder @param padding of what the encoder reads @param named outputs of a decoder */
  stack(
    side: 'encoder' | 'decoder',
    kind: 'first' | 'later' | undefined,
    padding: string,
    named: ((output: string) => string) | undefined,
  ): string {
    const { w, g } = this;
    let x = this.#embedded(kind);
    let bias = padding;
    for (let layer = 0; layer < w.layers; layer++) {
      const at = `${side}.${layer}`;
      if (side === 'decoder') bias = layer === 0 || w.ownBiases ? this.#writtenBias(kind as Kind, at, x) : bias;
      else if (w.family === 't5' && (layer === 0 || w.ownBiases))
        bias = g.node('Add', [this.#bucketBias(at, x, undefined), padding]);
      const cache = (of: string, name: string): string | undefined =>
        kind === 'later' ? `past_key_values.${layer}.${of}.${name}` : undefined;
      const present = (of: string, name: string): string | undefined =>
        named === undefined ? undefined : named(`present.${layer}.${of}.${name}`);
      const steps: [string, (y: string) => string][] = [
        [
          `${at}.self.norm`,
          (y) =>
            this.#attention(
              `${at}.self`,
              y,
              y,
              bias,
              (n) => cache('decoder', n),
              (n) => present('decoder', n),
              true,
            ),
        ],
        ...(side === 'encoder'
          ? []
          : [
              [
                `${at}.cross.norm`,
                (y: string) =>
                  this.#attention(
                    `${at}.cross`,
                    y,
                    'encoder_hidden_states',
                    padding,
                    (n) => cache('encoder', n),
                    (n) => present('encoder', n),
                    false,
                  ),
              ] as [string, (y: string) => string],
            ]),
        [`${at}.ffn.norm`, (y) => this.#feedForward(at, y)],
      ];
      for (const [norm, step] of steps)
        x =
          w.family === 't5'
            ? g.node('Add', [x, step(this.#norm(x, norm))])
            : this.#norm(g.node('Add', [x, step(x)]), norm);
    }
    return w.family === 't5' ? this.#norm(x, `${side}.norm`) : x;
  }

  #embedded(kind: 'first' | 'later' | undefined): string {
    const { w, g } = this;
    const tokens = g.node('Gather', [this.weight('shared'), 'input_ids'], { axis: 0 });
    if (w.family === 't5') return tokens;
    const past = kind === 'later' ? dimension(g, 'past_key_values.0.decoder.key', 2) : g.ints([0], []);
    const total = g.node('Add', [past, dimension(g, 'input_ids', 1)]);
    const places = g.node('Gather', [this.weight('positions'), g.node('Range', [past, total, g.ints([1], [])])], {
      axis: 0,
    });
    return g.node('Add', [g.node('Mul', [tokens, g.scalar(Math.sqrt(w.hidden))]), places]);
  }

  /** What is added to the scores of what is written: what comes later is hidden, and T5 adds its position biases. [1, head or 1, query, key] */
  #writtenBias(kind: Kind, at: string, x: string): string {
    const { g, w } = this;
    const past = kind === 'later' ? dimension(g, `past_key_values.0.decoder.key`, 2) : g.ints([0], []);
    const [queries, keys] = this.#places(x, past);
    const later = g.node('Greater', [keys, queries]);
    const hidden = g.node('Where', [later, g.scalar(LOWEST), g.scalar(0)]);
    return w.family === 't5'
      ? g.node('Add', [this.#bucketBias(at, x, past), hidden])
      : g.node('Unsqueeze', [hidden, g.ints([0, 1])]);
  }

  /** Positions of queries [query, 1] and of keys [1, key]. */
  #places(x: string, past: string | undefined): [string, string] {
    const { g } = this;
    const one = g.ints([1], []);
    const length = dimension(g, x, 1);
    const start = past ?? g.ints([0], []);
    const total = g.node('Add', [start, length]);
    const queries = g.node('Unsqueeze', [g.node('Range', [start, total, one]), g.ints([1])]);
    return [queries, g.node('Unsqueeze', [g.node('Range', [g.ints([0], []), total, one]), g.ints([0])])];
  }

  /** T5's position biases [1, head, query, key]. @param past tokens before the queries; undefined: an encoder's, which sees both ways */
  #bucketBias(at: string, x: string, past: string | undefined): string {
    const { g, w } = this;
    const [queries, keys] = this.#places(x, past);
    const distance = g.node('Sub', [keys, queries]);
    const half = past === undefined ? w.buckets / 2 : w.buckets;
    const zero = g.ints([0], []);
    const [first, far] =
      past === undefined
        ? [
            g.node('Mul', [
              g.node('Cast', [g.node('Greater', [distance, zero])], { to: TYPES.int64 }),
              g.ints([half], []),
            ]),
            g.node('Abs', [distance]),
          ]
        : [zero, g.node('Neg', [g.node('Min', [distance, zero])])];
    const exact = half / 2;
    const near = g.node('Less', [far, g.ints([exact], [])]);
    const share = g.node('Log', [g.node('Div', [g.node('Cast', [far], { to: TYPES.float32 }), g.scalar(exact)])]);
    const steps = g.node('Mul', [
      g.node('Div', [share, g.scalar(Math.log(w.farthest / exact))]),
      g.scalar(half - exact),
    ]);
    const shared = g.node('Add', [g.node('Cast', [steps], { to: TYPES.int64 }), g.ints([exact], [])]);
    const bucket = g.node('Where', [near, far, g.node('Min', [shared, g.ints([half - 1], [])])]);
    const biases = g.node('Gather', [this.weight(`${at}.buckets`), g.node('Add', [first, bucket])], { axis: 0 });
    return g.node('Unsqueeze', [g.node('Transpose', [biases], { perm: [2, 0, 1] }), g.ints([0])]);
  }

  #attention(
    at: string,
    x: string,
    source: string,
    bias: string,
    past: (name: string) => string | undefined,
    present: (name: string) => string | undefined,
    grows: boolean,
  ): string {
    const { w, g } = this;
    const query = this.#heads(this.#linear(x, `${at}.q`));
    const scaled = w.family === 't5' ? query : g.node('Mul', [query, g.scalar(w.headDim ** -0.5)]);
    const kept = (name: 'key' | 'value', module: string): string => {
      const before = past(name);
      if (before !== undefined && !grows) return before; // the source's are in the cache
      const made = this.#heads(this.#linear(source, module));
      const out = present(name);
      if (before !== undefined) return g.node('Concat', [before, made], { axis: 2 }, out);
      return out === undefined ? made : g.node('Identity', [made], {}, out);
    };
    const [key, value] = [kept('key', `${at}.k`), kept('value', `${at}.v`)];
    const scores = g.node('MatMul', [scaled, g.node('Transpose', [key], { perm: [0, 1, 3, 2] })]);
    const weights = g.node('Softmax', [g.node('Add', [scores, bias])], { axis: -1 });
    const merged = g.node('Transpose', [g.node('MatMul', [weights, value])], { perm: [0, 2, 1, 3] });
    const shape = shapeOf(g, [dimension(g, x, 0), dimension(g, x, 1), w.heads * w.headDim]);
    return this.#linear(g.node('Reshape', [merged, shape], { allowzero: 0 }), `${at}.o`);
  }

  #heads(x: string): string {
    const { w, g } = this;
    const shape = shapeOf(g, [dimension(g, x, 0), dimension(g, x, 1), w.heads, w.headDim]);
    return g.node('Transpose', [g.node('Reshape', [x, shape], { allowzero: 0 })], { perm: [0, 2, 1, 3] });
  }

  #feedForward(at: string, x: string): string {
    const { w, g } = this;
    const up = this.#linear(x, `${at}.up0`);
    if (w.family === 'marian') return this.#linear(g.node('Mul', [up, g.node('Sigmoid', [up])]), `${at}.down`);
    if (!w.gated) return this.#linear(g.node('Relu', [up]), `${at}.down`);
    const cubed = g.node('Mul', [g.node('Pow', [up, g.scalar(3)]), g.scalar(0.044715)]);
    const inner = g.node('Mul', [g.node('Add', [up, cubed]), g.scalar(Math.sqrt(2 / Math.PI))]);
    const bent = g.node('Add', [g.node('Tanh', [inner]), g.scalar(1)]);
    const gelu = g.node('Mul', [g.node('Mul', [up, g.scalar(0.5)]), bent]);
    return this.#linear(g.node('Mul', [gelu, this.#linear(x, `${at}.up1`)]), `${at}.down`);
  }

  #linear(x: string, name: string): string {
    const { w, g } = this;
    const product = g.node('MatMul', [x, this.weight(name)]);
    return w.family === 't5' ? product : g.node('Add', [this.weight(`${name}.bias`), product]);
  }

  #norm(x: string, name: string): string {
    const { w, g } = this;
    if (w.family === 'marian')
      return g.node('LayerNormalization', [x, this.weight(name), this.weight(`${name}.bias`)], {
        axis: -1,
        epsilon: { float: EPSILON.marian },
      });
    const mean = g.node('ReduceMean', [g.node('Pow', [x, g.scalar(2)])], { axes: [-1] });
    const root = g.node('Sqrt', [g.node('Add', [mean, g.scalar(EPSILON.t5)])]);
    return g.node('Mul', [this.weight(name), g.node('Div', [x, root])]);
  }
}

function ids(name: string): ValueInfo {
  return { name, type: 'int64', shape: ['batch_size', 'sequence_length'] };
}

function mask2(name: string, length: string): ValueInfo {
  return { name, type: 'int64', shape: ['batch_size', length] };
}

function states(name: string, { hidden }: Seq2SeqWeights): ValueInfo {
  return { name, type: 'float32', shape: ['batch_size', 'encoder_sequence_length', hidden] };
}

function logits({ vocab }: Seq2SeqWeights): ValueInfo {
  return { name: 'logits', type: 'float32', shape: ['batch_size', 'sequence_length', vocab] };
}

function cacheInfos({ layers, heads, headDim }: Seq2SeqWeights, what: 'past_key_values' | 'present'): ValueInfo[] {
  const length = { decoder: `${what}_decoder_sequence_length`, encoder: 'encoder_sequence_length_out' };
  return Array.from({ length: layers }, (_, layer) =>
    (['decoder', 'encoder'] as const).flatMap((of) =>
      ['key', 'value'].map((name): ValueInfo => ({
        name: `${what}.${layer}.${of}.${name}`,
        type: 'float32',
        shape: ['batch_size', heads, length[of], headDim],
      })),
    ),
  ).flat();
}
