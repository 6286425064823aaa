// Norms, activations and feed-forward blocks, as PyTorch's exporter and as ONNX Runtime's model builder write them.

import type { GraphWriter } from '../../onnxWriter';
import { linear, type Family, type Tools } from './family';

const EPSILON = 1e-5;
const MICROSOFT = 'com.microsoft';

/** A norm over the last axis, of so many numbers; its weights lie around `middle`. */
export function norm(tools: Tools, x: string, module: string, size = tools.f.hidden, middle = 1): string {
  const { g, f, form, weight, float } = tools;
  const kind = f.norm;
  const s = g.under(`/${module.replaceAll('.', '/')}`);
  const epsilon = s.scalar(EPSILON);
  if (kind === 'rms' || kind === 'rms of 1 + weight') {
    const stored = weight(`${module}.weight`, [size], kind === 'rms' ? middle : middle - 1);
    const one = s.scalar(1);
    const factor = kind === 'rms' ? stored : s.node('Add', [stored, one]);
    if (form.startsWith('builder'))
      return s.node('SimplifiedLayerNormalization', [x, factor], {
        axis: -1,
        epsilon: { float: EPSILON },
        stash_type: 1,
      });
    const mean = s.node('ReduceMean', [s.node('Pow', [x, s.scalar(2)])], { axes: [-1], keepdims: 1 });
    const size1 = s.node('Sqrt', [s.node('Add', [mean, epsilon])]);
    return s.node('Mul', [factor, s.node('Mul', [x, s.node('Div', [one, size1])])]);
  }
  const ones = (): string => float(`${module}.ones`, new Float32Array(size).fill(1), [size]);
  const factor = kind === 'layer without weights' ? ones() : weight(`${module}.weight`, [size], middle);
  const bias = kind === 'layer' ? weight(`${module}.bias`, [size]) : undefined;
  if (form.startsWith('builder') || kind === 'layer')
    return s.node('LayerNormalization', [x, factor, ...(bias === undefined ? [] : [bias])], {
      axis: -1,
      epsilon: { float: EPSILON },
    });
  const reduced = (y: string): string => s.node('ReduceMean', [y], { axes: [-1], keepdims: 1 });
  const centred = s.node('Sub', [x, reduced(x)]);
  const variance = reduced(s.node('Pow', [centred, s.scalar(2)]));
  const normed = s.node('Div', [centred, s.node('Sqrt', [s.node('Add', [variance, epsilon])])]);
  return kind === 'layer without weights' ? normed : s.node('Mul', [normed, factor]);
}

/** The feed-forward block. */
export function feedForward(tools: Tools, x: string, module: string): string {
  const { g, f } = tools;
  const { hidden, ffn } = f;
  const bias = f.biases?.mlp ?? false;
  const s = g.under(`/${module.replaceAll('.', '/')}`);
  const act = (y: string): string => activation(tools, g.under(`/${module.replaceAll('.', '/')}/act`), y, f.activation);
  const down = (y: string): string => linear(tools, y, `${module}.down_proj`, [ffn, hidden], bias);
  if (f.mlp === 'plain') return down(act(linear(tools, x, `${module}.up_proj`, [hidden, ffn], bias)));
  if (f.mlp === 'gated') {
    const gate = act(linear(tools, x, `${module}.gate_proj`, [hidden, ffn], bias));
    return down(s.node('Mul', [gate, linear(tools, x, `${module}.up_proj`, [hidden, ffn], bias)]));
  }
  const both = linear(tools, x, `${module}.gate_up_proj`, [hidden, 2 * ffn], bias);
  const [gate, up] = s.nodes('Split', [both, s.ints([ffn, ffn])], 2, { axis: 2 }) as [string, string];
  return down(s.node('Mul', [up, act(gate)]));
}

function activation({ form }: Tools, s: GraphWriter, x: string, kind: Family['activation']): string {
  switch (kind) {
    case 'relu':
      return s.node('Relu', [x]);
    case 'silu':
      return s.node('Mul', [x, s.node('Sigmoid', [x])]);
    case 'gelu': {
      if (form.startsWith('builder')) return s.node('Gelu', [x], {}, undefined, MICROSOFT);
      const erf = s.node('Erf', [s.node('Div', [x, s.scalar(Math.SQRT2)])]);
      return s.node('Mul', [s.node('Mul', [x, s.node('Add', [erf, s.scalar(1)])]), s.scalar(0.5)]);
    }
    case 'gelu, tanh': {
      if (form.startsWith('builder')) return s.node('FastGelu', [x], {}, undefined, MICROSOFT);
      const cube = s.node('Mul', [s.node('Pow', [x, s.scalar(3)]), s.scalar(0.044715)]);
      const inside = s.node('Mul', [s.node('Add', [x, cube]), s.scalar(Math.sqrt(2 / Math.PI))]);
      const factor = s.node('Add', [s.node('Tanh', [inside]), s.scalar(1)]);
      return s.node('Mul', [s.node('Mul', [x, s.scalar(0.5)]), factor]);
    }
  }
}
