// The command line: the same engine as in the editor, without the editor; for people, benchmarks and tests.
// Usage errors and unusable models end it with one line on stderr and exit code 2.

import { homedir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { downloadModel } from './cliDownload';
import { BadInput, parseChatLine, parseCompleteLine } from './cliInput';
import { MEASURE_OPTIONS, measureCommand } from './cliMeasure';
import { autoDevice } from './engine/autoDevice';
import { checkedBuild } from './engine/build/checkedBuild';
import { DEVICES } from './engine/devices';
import type { Engine } from './engine/engine';
import { decoderOf, loadEngine, type AnyEngine } from './engine/loadEngine';
import { EngineError, toFault } from './engine/errors';
import { isEncoderDecoderFolder, readModelFolder } from './engine/modelFolder';
import type { JobProgress } from './jobProtocol';

const USAGE = `glassbox: local text generation

  complete  [--model DIR] [--device D] [--alternatives N]
                                              JSON lines in, one JSON line out for each; with at most N other texts
  chat      --model DIR                       JSON lines {"messages": [{"role", "content"}, …]} in, one JSON line out for each:
                                              the answer of a model whose folder has a chat template
  generate  --model DIR --prompt TEXT [--max-tokens N] [--temperature T] [--top-p P] [--top-k K] [--min-p P]
            [--typical-p P] [--repetition-penalty R] [--seed S]
                                              streams text
            --beams N [--length-penalty L] [--n-best N] [--early-stopping true|false|never]
                                              searches instead of drawing: a JSON line for each text, best first
  score     --model DIR                       text in, one JSON line out: tokens, bytes, nll (nats), bitsPerByte
  attention --model DIR --prompt TEXT --layer L --head H
                                              one JSON line: tokens, weights [query][key], lower triangle
  measure   [--model DIR] [--weights FILE] [--threads-list 1,2,4] [--devices webgpu,cuda] [--json]
                                              a table of what the model does on each device and with so many threads: prefill,
                                              decode, memory, agreement with the CPU; with --json a line for each, then the best
  build     --from DIR --into DIR [--bits 4|8]
                                              makes a model folder out of one with safetensors (Llama, Mistral, Qwen2, Qwen3),
                                              checked against its weights; one JSON line: dir, bytes, correlation, sameTop
  download  OWNER/NAME [--revision R] [--weights q8|q4|q4f16|fp16|fp32|FILE] [--into DIR] [--endpoint URL]
            [--token-from-env NAME]           fetches a model from the hub or a mirror, verifies it, and prints its
                                              folder; the only command that opens a connection. Run again, it goes on.

  Every other command takes --device (auto, cpu, webgpu, cuda, dml, coreml; cpu is the default, so that
  numbers do not depend on the machine), --weights FILE (an ONNX file inside DIR) and --threads N
  (0, the default: what suits the machine), and --speculation auto|off (auto, the default: guess tokens and check several in one run
  where that saves time; the text is the same, up to rounding).
  Without --model, the model that comes with Glassbox is used.
`;

/** How the note on a graph begins that was not rewritten. */
const AS_IT_IS = 'as it is';

/** The model that comes with Glassbox. */
const SHIPPED = join(__dirname, '..', 'models', 'glassbox-small');
const COMMON = {
  model: { type: 'string' },
  device: { type: 'string' },
  weights: { type: 'string' },
  threads: { type: 'string' },
  speculation: { type: 'string' },
} as const;
type Flags = Record<string, string | undefined>;
/** Flags of generate that say how a token is drawn, and those that say how texts are searched for. */
const SAMPLING_FLAGS = ['temperature', 'top-p', 'top-k', 'min-p', 'typical-p', 'repetition-penalty', 'seed'];
const BEAM_FLAGS = ['length-penalty', 'n-best', 'early-stopping'];
/** ONNX Runtime searches the command line for patterns, in a way that longer ones overflow its stack (it crashes from 40 to 50 thousand on). */
const MOST_CHARACTERS = 20_000;

interface Command {
  options: ParseArgsConfig['options'];
  /** It takes one word that is no flag. */
  word?: string;
  run: (flags: Flags, word: string) => Promise<void>;
}
const COMMANDS: Record<string, Command> = {
  complete: { options: { ...COMMON, alternatives: { type: 'string' } }, run: complete },
  chat: { options: COMMON, run: chat },
  generate: {
    options: {
      ...COMMON,
      prompt: { type: 'string' },
      'max-tokens': { type: 'string' },
      temperature: { type: 'string' },
      'top-p': { type: 'string' },
      'top-k': { type: 'string' },
      'min-p': { type: 'string' },
      'typical-p': { type: 'string' },
      'repetition-penalty': { type: 'string' },
      beams: { type: 'string' },
      'length-penalty': { type: 'string' },
      'n-best': { type: 'string' },
      'early-stopping': { type: 'string' },
      seed: { type: 'string' },
    },
    run: generate,
  },
  score: { options: COMMON, run: scoreText },
  attention: {
    options: { ...COMMON, prompt: { type: 'string' }, layer: { type: 'string' }, head: { type: 'string' } },
    run: attention,
  },
  measure: { options: MEASURE_OPTIONS, run: (flags) => measureCommand({ ...flags, model: flags['model'] ?? SHIPPED }) },
  build: {
    options: { from: { type: 'string' }, into: { type: 'string' }, bits: { type: 'string' } },
    run: build,
  },
  download: {
    options: {
      revision: { type: 'string' },
      weights: { type: 'string' },
      into: { type: 'string' },
      endpoint: { type: 'string' },
      'token-from-env': { type: 'string' },
    },
    word: 'OWNER/NAME',
    run: download,
  },
};

async function main(args: string[]): Promise<void> {
  const [name = '', ...rest] = args;
  if (['', 'help', '--help', '-h'].includes(name)) {
    process.stdout.write(USAGE);
    return;
  }
  const characters = args.reduce((sum, { length }) => sum + length, 0);
  if (characters > MOST_CHARACTERS)
    throw new BadInput(
      `the command line has ${characters} characters, more than the ${MOST_CHARACTERS} that ONNX Runtime bears; give a longer text to complete, as {"prefix": …, "raw": true} on standard input.`,
    );
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined)
    throw new BadInput(
      `unknown command "${name}"; there are ${Object.keys(COMMANDS).join(', ')}. --help explains them.`,
    );
  if (rest.includes('--help')) {
    process.stdout.write(USAGE);
    return;
  }
  let flags: Flags;
  let words: string[];
  try {
    const allowPositionals = command.word !== undefined;
    const parsed = parseArgs({ args: rest, options: command.options ?? {}, strict: true, allowPositionals });
    flags = parsed.values as Flags;
    words = parsed.positionals;
  } catch (error) {
    throw new BadInput(
      `${name}: ${(error as Error).message.replace(/\s*\n\s*/g, ' ').split(' To specify')[0] ?? ''} --help lists the flags.`,
    );
  }
  if (command.word !== undefined && words.length !== 1) throw new BadInput(`${name}: give one ${command.word}.`);
  await command.run(flags, words[0] ?? '');
}

async function complete(flags: Flags): Promise<void> {
  const count = number(flags, 'alternatives', 0, { least: 0, most: 64, whole: true });
  const engine = await load(flags);
  const never = new AbortController().signal;
  await eachLine(parseCompleteLine, async (request) => {
    const completion = await engine.complete(request, { signal: never, id: 0 });
    const others = count === 0 ? {} : { alternatives: await decoderOf(engine).alternatives(0, count, never) };
    return { ...completion, ...others };
  });
}

async function chat(flags: Flags): Promise<void> {
  const engine = await loadDecoder(flags);
  const { signal } = new AbortController();
  await eachLine(parseChatLine, (request) => engine.chat(request, { signal }));
}

/** One JSON line out for each line in: what comes of it, or what is wrong with it. */
async function eachLine<T>(
  parse: (line: string, onId: (id: unknown) => void) => T,
  work: (request: T) => Promise<object>,
): Promise<void> {
  for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    if (line.trim() === '') continue;
    let id: unknown = null;
    try {
      const answer = await work(parse(line, (found) => (id = found)));
      await write(JSON.stringify({ id, ...answer }) + '\n');
    } catch (error) {
      const fault = error instanceof BadInput ? { code: 'bad_request', message: error.message } : toFault(error);
      await write(JSON.stringify({ id, error: fault }) + '\n');
    }
  }
}

async function generate(flags: Flags): Promise<void> {
  const prompt = need(flags, 'prompt');
  const maxTokens = number(flags, 'max-tokens', 128, { least: 1, most: 1_000_000, whole: true });
  if (flags['beams'] !== undefined) return searchBeams(flags, prompt, maxTokens);
  const stray = BEAM_FLAGS.find((name) => flags[name] !== undefined);
  if (stray !== undefined) throw new BadInput(`--${stray} is for beam search: give --beams too.`);
  const sampling = {
    repetitionPenalty: number(flags, 'repetition-penalty', 1, { least: 0.01, most: 100 }),
    temperature: number(flags, 'temperature', 0.6, { least: 0, most: 10 }),
    topP: number(flags, 'top-p', 0.95, { least: 0.001, most: 1 }),
    topK: number(flags, 'top-k', 0, { least: 0, most: 1_000_000, whole: true }),
    minP: number(flags, 'min-p', 0, { least: 0, most: 1 }),
    typicalP: number(flags, 'typical-p', 1, { least: 0.001, most: 1 }),
    seed: number(flags, 'seed', 0, { least: 0, most: 2 ** 32 - 1, whole: true }),
  };
  const engine = await load(flags);
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort());
  const request = { prefix: prompt, suffix: '', maxTokens, sampling, raw: true, endless: true };
  let streamed = '';
  const { text, finish } = await engine.complete(request, {
    signal: abort.signal,
    onToken: (_, piece) => {
      streamed += piece;
      process.stdout.write(piece);
    },
  });
  await write(text.slice(streamed.length) + (process.stdout.isTTY ? '\n' : ''));
  if (finish === 'cancelled') process.exitCode = 130;
}

async function searchBeams(flags: Flags, prefix: string, maxTokens: number): Promise<void> {
  const stray = SAMPLING_FLAGS.find((name) => flags[name] !== undefined);
  if (stray !== undefined)
    throw new BadInput(`--${stray} is for drawing: beam search draws nothing. Leave it or --beams out.`);
  const beams = number(flags, 'beams', undefined, { least: 1, most: 256, whole: true });
  const nBest = number(flags, 'n-best', 1, { least: 1, most: beams, whole: true });
  const lengthPenalty = number(flags, 'length-penalty', 1, { least: -10, most: 10 });
  const early = flags['early-stopping'] ?? 'false';
  if (early !== 'true' && early !== 'false' && early !== 'never')
    throw new BadInput(`--early-stopping ${early} is not known; there are true, false, never.`);
  const engine = await load(flags);
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort());
  const earlyStopping = early === 'never' ? early : early === 'true';
  const found = await engine.beams({ prefix, maxTokens, beams, nBest, lengthPenalty, earlyStopping }, abort.signal);
  for (const text of found ?? []) await write(JSON.stringify(text) + '\n');
  if (found === undefined) process.exitCode = 130;
}

async function scoreText(flags: Flags): Promise<void> {
  const engine = await loadDecoder(flags);
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new BadInput('score: standard input is not UTF-8 text.');
  }
  await write(JSON.stringify(await engine.score(text)) + '\n');
}

async function attention(flags: Flags): Promise<void> {
  const prompt = need(flags, 'prompt');
  const layer = number(flags, 'layer', undefined, { least: 0, most: 10_000, whole: true });
  const head = number(flags, 'head', undefined, { least: 0, most: 10_000, whole: true });
  const { tokens, weights } = await (await loadDecoder(flags)).attention(layer, head, prompt);
  const n = tokens.length;
  const rows = tokens.map((_, query) => Array.from(weights.subarray(query * n, query * n + query + 1)));
  await write(JSON.stringify({ tokens, weights: rows }) + '\n');
}

async function build(flags: Flags): Promise<void> {
  const [from, into] = [need(flags, 'from'), need(flags, 'into')];
  const { bits: asked = '4' } = flags;
  if (asked !== '4' && asked !== '8') throw new BadInput(`--bits ${asked} is not known; there are 4 and 8.`);
  const bits = asked === '4' ? 4 : 8;
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort());
  let last = '';
  const onProgress = ({ doing, fraction = 0 }: JobProgress): void => {
    const line = `${doing}: ${Math.floor(fraction * 10) * 10} %`;
    if (line !== last) process.stderr.write(`${line}\n`);
    last = line;
  };
  try {
    await write(
      JSON.stringify(await checkedBuild({ type: 'build', from, into, bits }, onProgress, abort.signal)) + '\n',
    );
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    process.exitCode = 130;
  }
}

async function download(flags: Flags, name: string): Promise<void> {
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort());
  const { revision, weights, endpoint, into = join(stateDir(), 'models') } = flags;
  const asked = { name, revision, weights, endpoint, into, tokenFromEnv: flags['token-from-env'] };
  const done = await downloadModel(asked, abort.signal);
  if (done === undefined) process.exitCode = 130;
  else await write(JSON.stringify(done) + '\n');
}

async function loadDecoder(flags: Flags): Promise<Engine> {
  return decoderOf(await load(flags));
}

async function load(flags: Flags): Promise<AnyEngine> {
  const device = flags['device'] ?? 'cpu';
  if (!DEVICES.includes(device))
    throw new BadInput(`--device ${device} is not known; there are ${DEVICES.join(', ')}.`);
  const { weights, speculation = 'auto' } = flags;
  if (speculation !== 'auto' && speculation !== 'off')
    throw new BadInput(`--speculation ${speculation} is not known; there are auto and off.`);
  const modelDir = flags['model'] ?? SHIPPED;
  if (device === 'auto' && !isEncoderDecoderFolder(modelDir))
    await autoDevice(readModelFolder(modelDir, weights), stateDir()).find?.(join(__dirname, 'engine.js'));
  const engine = await loadEngine({
    modelDir,
    device,
    stateDir: stateDir(),
    threads: number(flags, 'threads', 0, { least: 0, most: 256, whole: true }),
    ...(weights === undefined ? {} : { weights }),
    speculation,
  });
  const { deviceNote, graph, kind, weights: file } = engine.info;
  if (deviceNote !== undefined) process.stderr.write(`${deviceNote}\n`);
  if (kind === 'decoder' && graph.startsWith(AS_IT_IS)) process.stderr.write(`The graph of ${file} is run ${graph}\n`);
  return engine;
}

/** Where what belongs to no project is kept. */
function stateDir(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'glassbox');
}

function need(flags: Flags, name: string): string {
  const value = flags[name];
  if (value === undefined) throw new BadInput(`--${name} is missing.`);
  return value;
}

function number(
  flags: Flags,
  name: string,
  otherwise: number | undefined,
  { least, most, whole = false }: { least: number; most: number; whole?: boolean },
): number {
  const text = flags[name];
  if (text === undefined && otherwise !== undefined) return otherwise;
  const value = Number(need(flags, name));
  if (text?.trim() === '' || !(value >= least && value <= most) || (whole && !Number.isInteger(value))) {
    throw new BadInput(`--${name} ${text ?? ''} must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}.`);
  }
  return value;
}

/** Writes and waits until the text has left the process. */
function write(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()));
  });
}

process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
main(process.argv.slice(2)).then(
  () => process.exit(),
  (error: unknown) => {
    const known = error instanceof BadInput || error instanceof EngineError;
    process.stderr.write(`glassbox: ${known ? error.message : ((error as Error).stack ?? String(error))}\n`);
    process.exit(known ? 2 : 1);
  },
);
