// The command line's `measure`: what a model does on this machine, as a table for people or as JSON lines for programs.

import { join } from 'node:path';
import type { MeasuredRow, Measurement } from './jobProtocol';
import { BadInput } from './cliInput';
import { DEVICES } from './engine/devices';
import { measure } from './engine/measure/measure';

/** The flags of the command. */
export const MEASURE_OPTIONS = {
  model: { type: 'string' },
  weights: { type: 'string' },
  'threads-list': { type: 'string' },
  devices: { type: 'string' },
  json: { type: 'boolean' },
} as const;

const MOST_THREADS = 256;

/**
 * Measures and prints.
 * @param flags as in MEASURE_OPTIONS; `model` must be there
 * @throws BadInput naming the flag; EngineError where the model cannot be measured
 */
export async function measureCommand(flags: Record<string, string | undefined>): Promise<void> {
  const { model: modelDir = '', weights, json } = flags;
  const threads = threadList(flags['threads-list']);
  const devices = flags['devices']?.split(',').filter((name) => name !== '');
  const stray = devices?.find((name) => name === 'auto' || !DEVICES.includes(name));
  if (stray !== undefined)
    throw new BadInput(
      `--devices ${stray} is not known; there are ${DEVICES.filter((name) => name !== 'auto').join(', ')}.`,
    );
  const abort = new AbortController();
  process.once('SIGINT', () => abort.abort());
  const tell = process.stderr.isTTY && json === undefined;
  let measured: Measurement;
  try {
    measured = await measure(
      {
        type: 'measure',
        modelDir,
        ...(weights === undefined ? {} : { weights }),
        ...(threads === undefined ? {} : { threads }),
        ...(devices === undefined ? {} : { devices }),
      },
      {
        enginePath: join(__dirname, 'engine.js'),
        signal: abort.signal,
        onProgress: ({ doing, fraction = 0 }) => {
          if (tell) process.stderr.write(`\r\x1b[K${Math.round(100 * fraction)} % ${doing}`);
        },
      },
    );
  } catch (error) {
    if (!abort.signal.aborted) throw error;
    process.exitCode = 130;
    return;
  } finally {
    if (tell) process.stderr.write('\r\x1b[K');
  }
  const text = json === undefined ? asTable(measured) : asLines(measured);
  await new Promise((resolve) => process.stdout.write(text, resolve));
}

function threadList(text: string | undefined): number[] | undefined {
  if (text === undefined) return undefined;
  const counts = text.split(',').map(Number);
  if (counts.some((count) => !Number.isInteger(count) || count < 1 || count > MOST_THREADS))
    throw new BadInput(`--threads-list ${text} must be whole numbers from 1 to ${MOST_THREADS}, with commas between.`);
  return [...new Set(counts)];
}

function asLines({ rows, best, ...about }: Measurement): string {
  return [...rows, { best, ...about }].map((line) => `${JSON.stringify(line)}\n`).join('');
}

function asTable({ model, weights, cores, promptTokens, writtenTokens, rows, best }: Measurement): string {
  const cells = [
    ['device', 'threads', 'prefill tok/s', 'decode ms/tok', 'memory MB', 'load ms', 'correlation', 'same top'],
    ...rows.map(cellsOf),
  ];
  const widths = (cells[0] ?? []).map((_, i) =>
    Math.max(...cells.map((row) => (row.length > 3 ? (row[i] ?? '').length : 0))),
  );
  const lines = cells.map((row) =>
    row
      .map((cell, i) => (i === 0 || row.length === 3 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  '),
  );
  const threads = best.threads === 1 ? 'one thread' : `${best.threads} threads`;
  const chosen = best.device === 'cpu' ? `cpu with ${threads}` : best.device;
  return [
    `${model} (${weights}), ${cores} cores; ${promptTokens} tokens read, ${writtenTokens} written`,
    ...lines.map((line) => line.trimEnd()),
    `best: ${chosen} (${best.why})`,
    '',
  ].join('\n');
}

function cellsOf({ device, threads, figures, failure }: MeasuredRow): string[] {
  const count = threads === 0 ? '' : String(threads);
  if (figures === undefined) return [device, count, failure ?? ''];
  const { prefill, decodeMs, memory, loadMs, correlation, sameTop } = figures;
  return [
    device,
    count,
    prefill.toFixed(0),
    decodeMs.toFixed(2),
    (memory / 1e6).toFixed(0),
    loadMs.toFixed(0),
    correlation.toFixed(4),
    `${(100 * sameTop).toFixed(0)} %`,
  ];
}
