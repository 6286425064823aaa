// The forms in which exporters write a decoder, each as a model folder with small random weights and a reference for its logits.

import { attention23 } from './forms/attention23';
import { decomposedAttention } from './forms/decomposed';
import { writeGpt2 } from './forms/gpt2';
import { groupQueryAttention, type GqaOptions } from './forms/gqa';
import { llamaGraph, type AttentionForm, type Options } from './forms/llama';
import { multiHeadAttention, type MhaOptions } from './forms/mha';
import { optimumAttention, type OptimumOptions } from './forms/optimum';
import { forward, type Forward, type Look } from './reference';
import { writeTinyModel, type Change } from './tinyModel';

/** What a model must compute, from ids to logits and attention weights. */
export type Reference = (ids: readonly number[], look?: Look) => Forward;

export interface Form {
  name: string;
  /** Writes the model folder. @returns its reference */
  write: (dir: string) => Reference;
  /** The engine rewrites the graph; where not, it is run as it is. */
  rewritable: boolean;
  /** How far logits of magnitude 3 may lie from the reference: 1e-3 for float32, more for float16. */
  tolerance: number;
  /** The graph's own mask is right for several tokens only where the cache is empty. */
  oneAfterAnother?: boolean;
}

interface LlamaForm {
  change?: Change;
  tolerance?: number;
  rewritable?: boolean;
  oneAfterAnother?: boolean;
}

function llama(name: string, options: Options, attention: AttentionForm, form: LlamaForm = {}): Form {
  const { change, tolerance = 1e-3, rewritable = true, oneAfterAnother = false } = form;
  const write = (dir: string): Reference => {
    const weights = writeTinyModel(dir, { ...(change && { change }), form: (w) => llamaGraph(w, options, attention) });
    return (ids, look) => forward(weights, ids, look);
  };
  return { name, write, rewritable, tolerance, oneAfterAnother };
}

function gqa(name: string, options: GqaOptions = {}, form: LlamaForm & { half?: boolean } = {}): Form {
  const { half = false } = form;
  const positions = options.rotaryOutside ?? false;
  return llama(`gqa${name}`, { naming: 'genai', half, positions }, groupQueryAttention(options), form);
}

function decomposed(name: string, options: Partial<Options> = {}, form: LlamaForm = {}): Form {
  return llama(`decomposed${name}`, { naming: 'plain', ...options }, decomposedAttention, form);
}

function optimum(name: string, options: OptimumOptions, form: LlamaForm & { half?: boolean } = {}): Form {
  const { half = false } = form;
  return llama(
    `optimum${name}`,
    { naming: 'torch', opset: 14, positions: true, half },
    optimumAttention(options),
    form,
  );
}

function mha(name: string, options: MhaOptions, form: LlamaForm = {}): Form {
  return llama(`mha${name}`, { naming: 'genai', positions: true }, multiHeadAttention(options), form);
}

function onnx23(name: string, causal: boolean, form: LlamaForm = {}): Form {
  return llama(`attention 23${name}`, { naming: 'torch', opset: 23, positions: true }, attention23(causal), form);
}

const exact = { rewritable: false };

export const FORMS: readonly Form[] = [
  gqa(''),
  gqa(', packed', { packed: true }),
  gqa(', biases', {}, { change: { biases: true } }),
  gqa(', packed, biases', { packed: true }, { change: { biases: true } }),
  gqa(', interleaved', {}, { change: { interleaved: true } }),
  gqa(', rotary outside', { rotaryOutside: true }),
  gqa(', no scale', { noScale: true }),
  gqa(', part of each head turned', {}, { change: { headDim: 32, rotaryDim: 16 } }),
  gqa(', part of each head turned outside', { rotaryOutside: true }, { change: { headDim: 32, rotaryDim: 16 } }),
  gqa(', normed heads', { rotaryOutside: true }, { change: { headNorms: true } }),
  gqa(', half', {}, { half: true, tolerance: 0.03 }),
  gqa(', softcap', {}, { change: { softcap: 2 } }),
  gqa(', one key head', {}, { change: { kvHeads: 1 } }),
  gqa(', other scale', {}, { change: { scale: 0.4 } }),
  gqa(', untied', {}, { change: { untied: true } }),
  gqa(', window', {}, { change: { window: 5 } }),
  gqa(', window in every other layer', {}, { change: { window: 5, alternating: true } }),
  mha(', cache inside', { mask: 'whole' }, { change: { kvHeads: 6 } }),
  mha(', heads repeated', { mask: 'whole' }),
  mha(', cache inside, model builder', { mask: 'builder' }, { change: { kvHeads: 6 }, oneAfterAnother: true }),
  mha(', heads repeated, model builder', { mask: 'builder' }, { oneAfterAnother: true }),
  optimum('', { scale: 'div', mask: 'scattered' }),
  optimum(', multiplied', { scale: 'mul', mask: 'whole' }),
  optimum(', scaled_dot_product_attention', { scale: 'roots', mask: 'whole' }),
  optimum(', as many key heads', { scale: 'div', mask: 'whole' }, { change: { kvHeads: 6 } }),
  { name: 'gpt2', write: writeGpt2, rewritable: true, tolerance: 1e-3 },
  optimum(', half', { scale: 'mul', mask: 'whole' }, { half: true, tolerance: 0.03 }),
  optimum(', biases', { scale: 'mul', mask: 'whole' }, { change: { biases: true } }),
  onnx23(', causal', true),
  onnx23(', mask', false),
  onnx23(', softcap', true, { change: { softcap: 2 } }),
  decomposed(''),
  decomposed(', biases', {}, { change: { biases: true } }),
  decomposed(', untied', {}, { change: { untied: true } }),
  decomposed(', half cache', { halfCache: true }, { tolerance: 0.03 }),
  decomposed(', experts after attention', {}, { change: { experts: 3 } }),
  decomposed(', experts before attention', {}, { change: { experts: 3, feedForwardFirst: true } }),
  decomposed(', linear biases', {}, { change: { alibi: true } }),
  decomposed(', softcap', {}, { change: { softcap: 2 } }),
  decomposed(', sinks', {}, { change: { sinks: true }, ...exact }),
  decomposed(', keys transposed in the cache', { keysTransposed: true }, exact),
  decomposed(', window', {}, { change: { window: 5 } }),
  decomposed(', window in every other layer', {}, { change: { window: 5, alternating: true } }),
];
