// node-llama-cpp (llama.cpp with a Node binding), fetched on demand from the npm registry into an ignored folder: ready-made
// binaries, no script of a package is run, nothing is compiled.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { BadInput } from './badInput';

const VERSION = '3.22.1';
/** Node's name of a platform → the package with its CPU binaries. */
const BINARIES: Record<string, string> = {
  'linux-x64': 'linux-x64',
  'linux-arm64': 'linux-arm64',
  'darwin-x64': 'mac-x64',
  'darwin-arm64': 'mac-arm64-metal',
  'win32-x64': 'win-x64',
  'win32-arm64': 'win-arm64',
};

/** What is used of the package. */
export interface Peer {
  getLlama(options: object): Promise<{
    loadModel(options: { modelPath: string }): Promise<PeerModel>;
    dispose(): Promise<void>;
  }>;
  LlamaLogLevel: { error: string };
}
export interface PeerModel {
  tokenize(text: string, special: boolean): number[];
  createContext(options: { contextSize: number; threads: number }): Promise<{
    getSequence(): {
      evaluate(tokens: readonly number[], options: object): AsyncIterable<number>;
      clearHistory(): Promise<void>;
    };
    dispose(): Promise<void>;
  }>;
  dispose(): Promise<void>;
}

/**
 * Loads the package, installing it first where it is not there.
 * @param dir the folder to install into
 * @throws BadInput where there are no binaries for this platform, or npm fails
 */
export async function loadPeer(dir: string): Promise<Peer> {
  const binaries = BINARIES[`${process.platform}-${process.arch}`];
  if (binaries === undefined)
    throw new BadInput(`node-llama-cpp has no binaries for ${process.platform}-${process.arch}.`);
  const entry = join(dir, 'node_modules', 'node-llama-cpp', 'dist', 'index.js');
  if (!existsSync(entry)) {
    process.stdout.write(`installing node-llama-cpp ${VERSION} into ${dir}\n`);
    mkdirSync(dir, { recursive: true });
    const dependencies = { 'node-llama-cpp': VERSION, [`@node-llama-cpp/${binaries}`]: VERSION };
    writeFileSync(join(dir, 'package.json'), `${JSON.stringify({ private: true, dependencies }, null, 2)}\n`);
    try {
      const args = ['install', '--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund'];
      execFileSync('npm', args, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'], shell: process.platform === 'win32' });
    } catch (error) {
      const lines = String((error as { stderr?: unknown }).stderr).split('\n');
      throw new BadInput(
        `npm cannot install node-llama-cpp: ${lines.find((line) => line.includes('error')) ?? lines[0] ?? ''}`,
      );
    }
  }
  return (await import(pathToFileURL(entry).href)) as Peer;
}
