// The benchmark's outer half: what is to be typed, and what came of it.

import { parseArgs } from 'node:util';
import type { Job, Recorded } from './inside';
import { LANGUAGES, ONE_KEY_ONE_CHARACTER, passageOf, piecesOf } from './passages';
import { report } from './report';

const HELP = `npm run bench:typing -- [options]
  --keys N         keys typed in each language (default 500)
  --rate N         keys a second (default 8)
  --languages A,B  ${LANGUAGES.join(', ')} (default all)
  --blocks N       pieces typed with suggestions on and off in turn; 0: none (default 10)
  --block-keys N   keys of a piece, about (default 40)
  --version V      newest, floor, or a version of code-server (default newest)
`;

/**
 * @param heldout path of models/eval/heldout.jsonl
 * @param record does the job in a window of this version
 * @returns the exit code: 1 where a key was dropped, or ghost text flickered or was stale
 */
export async function main(
  args: string[],
  heldout: string,
  record: (job: Job, version: string) => Promise<Recorded>,
): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      keys: { type: 'string', default: '500' },
      rate: { type: 'string', default: '8' },
      languages: { type: 'string', default: LANGUAGES.join(',') },
      blocks: { type: 'string', default: '10' },
      'block-keys': { type: 'string', default: '40' },
      version: { type: 'string', default: 'newest' },
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) {
    process.stdout.write(HELP);
    return 0;
  }
  const languages = values.languages.split(',');
  const blocks = Number(values.blocks);
  const job: Job = {
    settings: ONE_KEY_ONE_CHARACTER,
    keysPerSecond: Number(values.rate),
    passages: languages.map((language) => passageOf(heldout, language, Number(values.keys))),
    blocks: piecesOf(passageOf(heldout, languages[0] ?? '', blocks * Number(values['block-keys'])), blocks),
  };
  const { text, json, good } = report(await record(job, values.version), job.keysPerSecond);
  process.stdout.write(`${text}\n\n${JSON.stringify(json)}\n`);
  return good ? 0 : 1;
}
