// Which devices and threads are measured, and which of them are best. Pure.

import type { Figures, MeasuredRow, Why } from '../../jobProtocol';
import { PROMPT, WORTH, WRITTEN } from '../deviceTrial';

/** Logits that agree less with the CPU's are others: kernels of half precision and of 8-bit activations stay above this. */
const CORRELATION = 0.99;
const SAME_TOP = 0.75;
/** Times vary at least by this share. */
const LEAST_NOISE = 0.05;
/** After a round, what takes this many times as long as the best is not measured again. */
const HOPELESS = 2;

/** Milliseconds for the new part of a prompt and a suggestion, both of a common length. */
export function suggestionMs({ prefill, decodeMs }: Pick<Figures, 'prefill' | 'decodeMs'>): number {
  return (PROMPT / prefill) * 1000 + WRITTEN * decodeMs;
}

/** Whether the logits are the CPU's, up to rounding. */
export function agrees({ correlation, sameTop }: Pick<Figures, 'correlation' | 'sameTop'>): boolean {
  return correlation >= CORRELATION && sameTop >= SAME_TOP;
}

/**
 * The numbers of threads worth measuring, the one that the engine takes by itself first.
 * @param cores threads that may run at once
 * @param suitable what suits the machine
 */
export function threadCounts(cores: number, suitable: number): number[] {
  return [...new Set([suitable, 1, 2, Math.ceil(cores / 2), cores])].filter((threads) => threads <= cores);
}

/** Whether a row need not be measured again after a round. */
export function hopeless(figures: Pick<Figures, 'prefill' | 'decodeMs'>, bestMs: number): boolean {
  return suggestionMs(figures) > HOPELESS * bestMs;
}

/**
 * The best of the rows: the shortest time for a suggestion among those whose logits agree with the CPU's. Of CPU rows that are as fast,
 * within what times vary, the one with the fewest threads; another device only where that is felt (`WORTH`).
 * @param noise share by which times of the same setup vary
 * @returns undefined where no row could be measured
 */
export function choose(rows: readonly MeasuredRow[], noise: number): { row: MeasuredRow; why: Why } | undefined {
  const timed = rows.flatMap((row) =>
    row.figures !== undefined && agrees(row.figures) ? [{ row, ms: suggestionMs(row.figures) }] : [],
  );
  const least = (some: typeof timed): number => Math.min(...some.map(({ ms }) => ms));
  const cpu = timed.filter(({ row }) => row.device === 'cpu');
  const others = timed.filter(({ row }) => row.device !== 'cpu');
  const [first, ...more] = timed;
  if (first === undefined) return undefined;
  if (more.length === 0) return { row: first.row, why: 'alone' };
  const fastest = others.find(({ ms }) => ms === least(others));
  if (fastest !== undefined && fastest.ms * WORTH < least(cpu)) return { row: fastest.row, why: 'fastest' };
  const near = cpu
    .filter(({ ms }) => ms <= least(cpu) * (1 + Math.max(noise, LEAST_NOISE)))
    .sort((a, b) => a.row.threads - b.row.threads)[0] as (typeof timed)[number];
  return { row: near.row, why: near.ms > least(timed) ? 'as fast' : 'fastest' };
}
