// Bits per byte of a model, beside those of xz on the same files.

import { spawnSync } from 'node:child_process';
import { BadInput } from '../../src/cliInput';
import { CODE, type EvalFile, type Language } from './files';
import { mean } from './mean';

/** One language; sizes in UTF-8 bytes. */
export interface CompressionRow {
  language: Language;
  files: number;
  bytes: number;
  /** The model's negative log-likelihood of all files, in nats. */
  nats: number;
  /** nats / ln 2 / bytes. */
  bitsPerByte: number;
  /** Bits per byte of `xz -9`, each file compressed alone. */
  xz: number;
  /** The same, all files of the language in one. */
  xzTogether: number;
  /** bitsPerByte / xz: below 1, the model predicts better than xz compresses. */
  ratio: number;
  ratioTogether: number;
}

export interface Compression {
  languages: CompressionRow[];
  /** Mean of the ratios of all languages, and of those that are code. */
  meanRatio: number;
  codeRatio: number;
}

/** The row of a language, from its sums. */
export function compressionRow(
  language: Language,
  {
    files,
    bytes,
    nats,
    xzBytes,
    xzTogetherBytes,
  }: Record<'files' | 'bytes' | 'nats' | 'xzBytes' | 'xzTogetherBytes', number>,
): CompressionRow {
  const bitsPerByte = nats / Math.LN2 / bytes;
  const xz = (8 * xzBytes) / bytes;
  const xzTogether = (8 * xzTogetherBytes) / bytes;
  const ratio = bitsPerByte / xz;
  const ratioTogether = bitsPerByte / xzTogether;
  return { language, files, bytes, nats, bitsPerByte, xz, xzTogether, ratio, ratioTogether };
}

/**
 * Scores each file as a whole, with nothing before it, and compresses it.
 * @param score nats of a text
 * @throws BadInput where there is no xz
 */
export async function compression(
  languages: readonly [Language, EvalFile[]][],
  score: (text: string) => Promise<{ nll: number }>,
  progress: (text: string) => void,
): Promise<Compression> {
  const rows: CompressionRow[] = [];
  for (const [language, files] of languages) {
    const sums = { files: files.length, bytes: 0, nats: 0, xzBytes: 0, xzTogetherBytes: 0 };
    for (const [i, { text }] of files.entries()) {
      progress(`bits per byte: ${language} ${i + 1} of ${files.length}`);
      sums.bytes += Buffer.byteLength(text);
      sums.xzBytes += xzSize(text);
      sums.nats += (await score(text)).nll;
    }
    sums.xzTogetherBytes = xzSize(files.map(({ text }) => text).join(''));
    rows.push(compressionRow(language, sums));
  }
  return {
    languages: rows,
    meanRatio: mean(rows.map(({ ratio }) => ratio)),
    codeRatio: mean(rows.filter(({ language }) => CODE.includes(language)).map(({ ratio }) => ratio)),
  };
}

/**
 * Bytes of a text after `xz -9`, its header and check sum included.
 * @throws BadInput naming what to install
 */
export function xzSize(text: string): number {
  const { status, stdout, error } = spawnSync('xz', ['-9', '--stdout'], { input: text, maxBuffer: 1 << 30 });
  if (error !== undefined || status !== 0)
    throw new BadInput(
      'xz cannot be run. Install it (Debian: apt-get install xz-utils), or leave bpb out with --only.',
    );
  return stdout.length;
}
