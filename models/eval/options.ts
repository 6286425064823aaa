// The command line of the evaluation → its options.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BadInput } from '../../src/cliInput';
import { PARTS, partsOf, type Options } from './evaluate';
import { SWITCHES, switchesOf } from './projects';

export const USAGE = `npm run eval:model -- [--model DIR] [--weights FILE] [--files DIR] [--only PARTS] [--quick]
                      [--threshold P] [--sweep] [--without SWITCHES] [--corpus FILE] [--json]

  --model      model folder; by default the shipped one       --weights   an ONNX file inside it
  --files      evaluate on the source files of a folder; by default on the held-out set
  --only       some of the parts: bpb (bits per byte), fill (fill-in-the-middle), keys (keystrokes saved),
               calibration (how often offers are right, beside their probability),
               projects (keystrokes saved with the other files of a project; with --files, the folder is the project)
  --quick      a fifth of the work
  --threshold  least probability of an offer                  --sweep     try other thresholds, too
  --without    what projects are typed without, one after another; by default memory,context,copying,healing,threshold
  --corpus     the training text; by default models/train/work/corpus.jsonl
  --json       one JSON line after the tables
`;

/** Where the extension's suggestions end: before the probability of the whole would fall below this. */
const THRESHOLD = 0.25;

/**
 * Reads the arguments.
 * @param root the repository
 * @throws BadInput naming the flag
 */
export function parseOptions(args: readonly string[], root: string): Options & { json: boolean; help: boolean } {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        model: text,
        weights: text,
        files: text,
        only: text,
        quick: flag,
        threshold: text,
        sweep: flag,
        without: text,
        corpus: text,
        json: flag,
        help: flag,
      },
    }));
  } catch (error) {
    throw new BadInput((error as Error).message);
  }
  const threshold = Number(values.threshold ?? THRESHOLD);
  if (!(threshold >= 0 && threshold < 1) || values.threshold?.trim() === '')
    throw new BadInput(`--threshold ${values.threshold ?? ''} must be a number from 0 to less than 1.`);
  return {
    model: values.model ?? join(root, 'models/glassbox-small'),
    ...(values.weights === undefined ? {} : { weights: values.weights }),
    ...(values.files === undefined ? {} : { files: values.files }),
    corpus: corpusAt(values.corpus, root),
    parts: values.only === undefined ? PARTS : partsOf(values.only),
    quick: values.quick,
    threshold,
    sweep: values.sweep,
    without: values.without === undefined ? SWITCHES : switchesOf(values.without),
    json: values.json,
    help: values.help,
  };
}

/**
 * The training text: the file given, or the default one where it is there.
 * @throws BadInput where what was given is no file
 */
function corpusAt(given: string | undefined, root: string): string | undefined {
  const path = given ?? join(root, 'models/train/work/corpus.jsonl');
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return path;
  if (given !== undefined) throw new BadInput(`--corpus ${given} is no file.`);
  return undefined;
}
