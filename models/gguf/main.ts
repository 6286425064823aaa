// `npm run model:gguf`: the flags, and what goes wrong as one line.

import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { EngineError } from '../../src/engine/errors';
import { BadInput } from './badInput';
import { convert } from './convert';
import { TENSOR_TYPE, type TensorType } from './file';

const USAGE = `npm run model:gguf -- [--model DIR] [--out FILE] [--type f32|f16|q8_0] [--pre NAME]
npm run model:gguf -- --check [--model DIR] [--pre NAME]

  Writes the weights of a model folder as a GGUF file for llama.cpp. Default: models/glassbox-small, f16, into models/gguf/out/.
  --pre    llama.cpp's name for the pattern that splits text; by default the one most alike
  --check  compares llama.cpp's greedy tokens and token ids with the engine's; installs node-llama-cpp into .peers/
`;

/**
 * @param root the repository
 * @returns the exit code: 0; 1 where llama.cpp answers otherwise; 2 after one line on stderr
 */
export async function main(args: string[], root = process.cwd()): Promise<number> {
  try {
    return (await run(args, root)) ? 0 : 1;
  } catch (error) {
    if (!(error instanceof BadInput || error instanceof EngineError)) throw error;
    process.stderr.write(`model:gguf: ${error.message}\n`);
    return 2;
  }
}

async function run(args: string[], root: string): Promise<boolean> {
  const flags = parse(args);
  if (flags.help === true) {
    process.stdout.write(USAGE);
    return true;
  }
  const model = resolve(flags.model ?? join(root, 'models', 'glassbox-small'));
  const pre = flags.pre === undefined ? {} : { pre: flags.pre };
  if (flags.check === true) {
    const { check } = await import('./check');
    return check({ model, ...pre }, root);
  }
  const type = flags.type ?? 'f16';
  if (!Object.hasOwn(TENSOR_TYPE, type))
    throw new BadInput(`--type ${type} is not known; there are ${Object.keys(TENSOR_TYPE).join(', ')}.`);
  const out = resolve(flags.out ?? join(root, 'models', 'gguf', 'out', `${basename(model)}-${type}.gguf`));
  const bytes = convert({ model, type: type as TensorType, ...pre });
  try {
    mkdirSync(dirname(out), { recursive: true });
    writeFileSync(out, bytes);
  } catch (error) {
    throw new BadInput(`${out} cannot be written (${(error as Error).message}).`);
  }
  process.stdout.write(`${bytes.length} bytes  ${out}\n`);
  return true;
}

function parse(args: string[]) {
  const text = { type: 'string' } as const;
  const yes = { type: 'boolean' } as const;
  try {
    return parseArgs({ args, options: { model: text, out: text, type: text, pre: text, check: yes, help: yes } })
      .values;
  } catch (error) {
    throw new BadInput(`${(error as Error).message.split(/\. To specify|\n/)[0] ?? ''} (--help lists the flags)`);
  }
}
