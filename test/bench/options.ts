// The flags of `npm run bench`.

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { KINDS, type Kind } from './measure';

export const PEERS = ['llama', 'transformers'] as const;
export type Peer = (typeof PEERS)[number];
export const SUBJECTS = ['small', 'qwen'] as const;
export type SubjectName = (typeof SUBJECTS)[number];

export const USAGE = `npm run bench -- [flags]          our engine
npm run bench:peers -- [flags]    our engine, llama.cpp and transformers.js in turn

  --subjects small,qwen           what to run; default: small, with peers both
  --model DIR                     run this model folder instead (not in llama.cpp)
  --only prefill,decode,keystroke what to measure; default: all
  --contexts 128,512              lengths in tokens; default: 128,512,1024,1900
  --rounds 5                      medians are over so many
  --peers llama,transformers      which peers
  --device cpu                    where our engine runs
  --transformers-threads 2        default: as many as there are cores
  --llama-threads 1,2             each in turn; default: as many as there are cores
  --llama-flash on,off            llama.cpp's flash attention, each in turn; default: on,off
`;

export interface Options {
  subjects: readonly SubjectName[];
  model: string | undefined;
  only: readonly Kind[];
  contexts: readonly number[];
  rounds: number;
  peers: readonly Peer[];
  device: string;
  transformersThreads: number;
  llamaThreads: readonly number[];
  llamaFlash: readonly ('on' | 'off')[];
}

/** @throws Error whose message is one line, where a flag is not understood; @returns undefined where help is asked for */
export function readOptions(args: readonly string[]): Options | undefined {
  const string = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      subjects: string,
      model: string,
      only: string,
      contexts: string,
      rounds: string,
      peers: string,
      device: string,
      'llama-threads': string,
      'transformers-threads': string,
      'llama-flash': string,
      help: { type: 'boolean' },
    },
  });
  if (values.help === true) return undefined;
  const peers = list('peers', values.peers ?? '', PEERS);
  const counts = (flag: string, written: string): number[] => written.split(',').map((one) => count(flag, one));
  const cores = `${availableParallelism()}`;
  return {
    subjects: list('subjects', values.subjects ?? (peers.length > 0 ? SUBJECTS.join() : 'small'), SUBJECTS),
    model: values.model,
    only: list('only', values.only ?? KINDS.join(), KINDS),
    contexts: counts('contexts', values.contexts ?? '128,512,1024,1900'),
    rounds: count('rounds', values.rounds ?? '5'),
    peers,
    device: values.device ?? 'cpu',
    transformersThreads: count('transformers-threads', values['transformers-threads'] ?? cores),
    llamaThreads: counts('llama-threads', values['llama-threads'] ?? cores),
    llamaFlash: list('llama-flash', values['llama-flash'] ?? 'on,off', ['on', 'off']),
  };
}

/** The names in a list with commas, each one of `known`. */
function list<Name extends string>(flag: string, written: string, known: readonly Name[]): Name[] {
  return written
    .split(',')
    .filter((name) => name !== '')
    .map((name) => {
      const found = known.find((one) => one === name);
      if (found === undefined) throw new RangeError(`--${flag} ${name} is not known; there are ${known.join(', ')}.`);
      return found;
    });
}

function count(flag: string, written: string): number {
  const number = Number(written);
  if (!Number.isInteger(number) || number < 1)
    throw new RangeError(`--${flag} ${written} is no whole number from 1 up.`);
  return number;
}
