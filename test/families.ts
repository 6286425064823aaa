// Every family of decoders in every form that the hub has it in: tiny models with random weights, as folders.

import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { VOCAB, type FormName } from './forms/families/family';
import { familyGraph, weightsFile } from './forms/families/graph';
import { TABLE } from './forms/families/table';
import { writeModelFolder } from './tinyModel';

export { weightsFile };

export interface TestFamily {
  /** For people, unlike any other's. */
  name: string;
  /** `model_type` in config.json. */
  modelType: string;
  forms: readonly FormName[];
  /** Writes the model folder; its weights, float32, are onnx/`weightsFile(form)`.onnx. */
  write: (dir: string, form: FormName) => void;
}

export const FAMILIES: readonly TestFamily[] = TABLE.map((family) => {
  const { name, modelType, architecture, forms, config } = family;
  const own = { architectures: [architecture], model_type: modelType, vocab_size: VOCAB, ...config };
  const larger = name.includes('decoder of a larger model');
  return {
    name,
    modelType,
    forms,
    write: (dir, form) => {
      writeModelFolder(dir, familyGraph(family, form), larger ? { ...own, ...inside(own) } : own);
      const file = (base: string): string => join(dir, 'onnx', `${base}.onnx`);
      if (weightsFile(form) !== 'model') renameSync(file('model'), file(weightsFile(form)));
    },
  };
});

/** What transformers.js 4.3 does not run, and why; the untouched graph without a cache is the reference there. */
export const PEER_CANNOT: Readonly<Record<string, string>> = {
  'StarCoder (GPT-BigCode), optimum': 'looks for key_value in every GPT-BigCode with multi_query',
  'Llama, decoder of a larger model, optimum': 'looks for the larger model’s other parts',
};

/** Whether the engine rewrites a form's graph; else it is run as it is. */
export function isRewritten(form: FormName): boolean {
  return form !== 'optimum, merged' && form !== 'optimum, older cache';
}

/** The settings of a model of pictures and text around a decoder. */
function inside(config: Record<string, unknown>): Record<string, unknown> {
  return { architectures: ['Gemma3ForConditionalGeneration'], model_type: 'gemma3', text_config: config };
}
