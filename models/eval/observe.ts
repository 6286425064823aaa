// What the model wrote in typed windows, and whether the file has it: what a calibration is measured and made from.

import { Worth } from '../../src/completion/worth';
import type { Engine } from '../../src/engine/engine';
import type { EvalFile, Language } from './files';
import { NO_OFFER, replay, type Offer, type Offerer } from './replay';
import { windows, type TypedWindow } from './windows';

const MAX_TOKENS = 32;

/** A place where a text was cut, or might have been. */
export interface Place {
  /** Natural logarithm of the product of the tokens' probabilities up to there. */
  logProbability: number;
  tokens: number;
  /** The file has all of the text up to there. */
  right: boolean;
}

/** An offer that was shown, to the place where it was cut. */
export interface ShownOffer extends Place {
  /** What the engine gave it. */
  probability: number;
}

/** A text as it was written, token by token. */
interface Trace {
  written: { characters: number; logProbability: number }[];
  /** Lengths at which it might have been cut. */
  certain: number[];
  text: string;
  probability: number;
}

/** Types windows of each language with the offers of the engine, as shown from `threshold` on. */
export async function shownOffers(
  languages: readonly [Language, EvalFile[]][],
  engine: Pick<Engine, 'complete'>,
  { windows: count, threshold }: { windows: number; threshold: number },
  progress: (text: string) => void,
): Promise<ShownOffer[]> {
  const offers: ShownOffer[] = [];
  await type(languages, count, progress, (window) => ({
    async offer(prefix, suffix, path): Promise<Offer> {
      const trace = await traceOf(engine, { prefix, suffix, path, threshold });
      const { text, probability } = trace;
      if (text !== '') offers.push({ ...placeAt(trace, text.length, coming(window, prefix)), probability });
      return { text: firstLine(text) };
    },
  }));
  return offers;
}

/**
 * Types the same with offers as the model alone would have them cut, and tells the place of each at each of some thresholds: of what was
 * chosen because it looked probable, less is right than of what was not.
 * @param thresholds rising; what is typed goes by `threshold`
 */
export async function cutsOf(
  languages: readonly [Language, EvalFile[]][],
  engine: Pick<Engine, 'complete'>,
  { windows: count, threshold, thresholds }: { windows: number; threshold: number; thresholds: readonly number[] },
  progress: (text: string) => void,
): Promise<Place[]> {
  const places: Place[] = [];
  const lowest = Math.min(...thresholds);
  await type(languages, count, progress, (window) => ({
    async offer(prefix, suffix, path): Promise<Offer> {
      const trace = await traceOf(engine, { prefix, suffix, path, threshold: 0, least: lowest });
      const next = coming(window, prefix);
      const lengths = new Set(thresholds.map((each) => cutFrom(trace, each)));
      lengths.delete(0);
      for (const length of lengths) places.push(placeAt(trace, length, next));
      return { text: firstLine(trace.text.slice(0, cutFrom(trace, threshold))) };
    },
  }));
  return places;
}

/** Where a text is worth most, of the places where it is at least so probable; 0 where it is worth nothing. */
function cutFrom(trace: Trace, threshold: number): number {
  const worth = new Worth();
  for (const length of trace.certain) {
    const { logProbability } = placeAt(trace, length, '');
    if (logProbability >= Math.log(threshold)) worth.weigh(length, Math.exp(logProbability));
  }
  return worth.length;
}

async function type(
  languages: readonly [Language, EvalFile[]][],
  count: number,
  progress: (text: string) => void,
  offererOf: (window: TypedWindow) => Offerer,
): Promise<void> {
  for (const [language, files] of languages) {
    const drawn = windows(files, count);
    for (const [i, window] of drawn.entries()) {
      progress(`calibration: ${language} ${i + 1} of ${drawn.length}`);
      const offerer = offererOf(window);
      await replay(window, {
        // the extension does not ask where nothing stands before the cursor
        offer: (prefix, suffix, path) => (prefix.trim() === '' ? NO_OFFER : offerer.offer(prefix, suffix, path)),
      });
    }
  }
}

/** @param least a text that becomes less probable than this is not written on */
async function traceOf(
  engine: Pick<Engine, 'complete'>,
  {
    prefix,
    suffix,
    path,
    threshold,
    least = 0,
  }: Record<'prefix' | 'suffix' | 'path', string> & {
    threshold: number;
    least?: number;
  },
): Promise<Trace> {
  const abort = new AbortController();
  const written: Trace['written'] = [];
  const certain: number[] = [];
  let [logProbability, released] = [0, 0];
  const sampling = { temperature: 0, topK: 0, topP: 1, seed: 0 };
  const request = { prefix, suffix, path, maxTokens: MAX_TOKENS, sampling, raw: false, minProbability: threshold };
  const { text, probability } = await engine.complete(request, {
    signal: abort.signal,
    onToken: (token, piece, { length }) => {
      logProbability += token.conditional;
      written.push({ characters: length, logProbability });
      released += piece.length;
      if (piece !== '') certain.push(released);
      if (logProbability < Math.log(least)) abort.abort();
    },
  });
  if (text.length > released && !abort.signal.aborted) certain.push(text.length);
  return { written, certain, text, probability };
}

/** The place where a text ends after so many characters. @param next what the file has there */
function placeAt({ written, text }: Trace, length: number, next: string): Place {
  const at = written.findIndex(({ characters }) => characters >= length);
  const tokens = at < 0 ? written.length : at + 1;
  return {
    logProbability: written[tokens - 1]?.logProbability ?? 0,
    tokens,
    right: next.startsWith(text.slice(0, length)),
  };
}

function coming({ file }: TypedWindow, prefix: string): string {
  return file.text.slice(prefix.length);
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] as string;
}
