// What a model takes on a machine, estimated before it is there: memory from the size of its weights, time from the speed at which the
// machine reads memory. Which one to recommend. Pure; `npm run bench:shapes` measures what is estimated here.

import type { CatalogEntry } from './entry';

/** What the process holds besides what grows with the weights, in bytes. */
const BASE_BYTES = 250e6;
/** Bytes held per byte of weights: the runtime keeps some of them in a second, rearranged form. */
const PER_BYTE = 1.7;
/** The part of a machine's memory that a model may take; the editor, the browser and the build have the rest. */
const SHARE = 0.25;
/** The part of the memory's speed at which the products of one token read the weights. */
const EFFICIENCY = 0.6;
/** A token later than this, in milliseconds, and a suggestion of a line no longer keeps up with a reader. */
const FAST_MS = 45;
/** Slower than this, and it is of use for Generate only. */
const SLOW_MS = 200;
/** Licences that let anybody use a model for anything lawful; what has another is not recommended, only listed. */
const FREE = new Set(['apache-2.0', 'mit', 'bsd-3-clause', 'bigcode-openrail-m']);

/** What is known of a machine. */
export interface MachineFacts {
  /** Memory that processes may use, in bytes. */
  memoryBytes: number;
  /** Bytes a second that all cores together read from memory; undefined: not measured. */
  bytesPerSecond?: number | undefined;
}

/** How a model would do on a machine. */
export interface Fit {
  /** Memory that the engine will hold, in bytes. */
  memoryBytes: number;
  /** Milliseconds a token takes; undefined where the machine has not been measured. */
  tokenMs?: number;
  verdict: 'suits' | 'slow' | 'very slow' | 'too large';
}

/** Memory that the engine holds with a model, in bytes. @param weightsBytes size of the weights */
export function memoryFor(weightsBytes: number): number {
  return BASE_BYTES + PER_BYTE * weightsBytes;
}

/** How a model with so many bytes of weights would do on a machine. */
export function fitOf(weightsBytes: number, machine: MachineFacts): Fit {
  const memoryBytes = memoryFor(weightsBytes);
  const tokenMs =
    machine.bytesPerSecond === undefined ? undefined : (weightsBytes / (machine.bytesPerSecond * EFFICIENCY)) * 1000;
  return {
    memoryBytes,
    ...(tokenMs === undefined ? {} : { tokenMs }),
    verdict:
      memoryBytes > SHARE * machine.memoryBytes
        ? 'too large'
        : tokenMs === undefined || tokenMs <= FAST_MS
          ? 'suits'
          : tokenMs <= SLOW_MS
            ? 'slow'
            : 'very slow',
  };
}

/** The smallest of the usual machines, in GB of memory, that holds a model with so many bytes of weights. */
export function smallestMachine(weightsBytes: number): number {
  let gigabytes = 4;
  while (memoryFor(weightsBytes) > SHARE * gigabytes * 1e9) gigabytes *= 2;
  return gigabytes;
}

/**
 * The model to recommend: of those that suit the machine, fill in the middle of a file and may be used for anything, the one with most
 * parameters; undefined where none does, and what comes with the product is best.
 */
export function recommended(entries: readonly CatalogEntry[], machine: MachineFacts): CatalogEntry | undefined {
  const suiting = entries.filter(
    (entry) =>
      entry.fillInTheMiddle && FREE.has(entry.licence) && fitOf(entry.weightsBytes, machine).verdict === 'suits',
  );
  return suiting.reduce<CatalogEntry | undefined>(
    // Of two forms of one model, the one that is listed first.
    (best, entry) => (best === undefined || entry.parameters > best.parameters ? entry : best),
    undefined,
  );
}
