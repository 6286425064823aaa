// @ts-check
// One real completion in the terminal, before any editor: shows what the model writes and how fast, all of it read from the
// engine's own answer. It knows of the engine only the line protocol of dist/cli.js. Called by start.mjs.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { SetupError, root } from './setup.mjs';

const model = 'models/glassbox-small';
const prefix = `export class Basket {
  private readonly items: Item[] = [];

  add(item: Item): void {
    this.items.push(item);
  }

  total(): number {
    return this.items.reduce((sum, item) => sum + item.price * item.amount, 0);
  }

  names(): string[] {
    `;
const suffix = `
  }
}
`;

/**
 * @typedef {object} Answer
 * @property {string} text
 * @property {{ generatedTokens: number, firstTokenMs: number, totalMs: number, device: string }} stats
 */

/** Asks, and prints question, answer and speed. @param {(line: string) => void} print */
export async function proofOfLife(print) {
  const { text, stats } = await ask();
  const [bold, plain] = process.stdout.isTTY ? ['\x1b[1;36m', '\x1b[0m'] : ['', ''];
  print('');
  print(`${prefix}${bold}${text}${plain}${suffix}`.trimEnd().replace(/^/gm, '    '));
  print('');
  print(`${model} on ${stats.device} wrote ${JSON.stringify(text)}: ${speed(stats)}.`);
}

/** @param {Answer['stats']} stats */
export function speed({ generatedTokens, firstTokenMs, totalMs }) {
  const first = `first token after ${Math.round(firstTokenMs)} ms`;
  const ms = totalMs - firstTokenMs;
  if (generatedTokens < 2 || ms <= 0) return `${generatedTokens} token${generatedTokens === 1 ? '' : 's'}, ${first}`;
  return `${generatedTokens} tokens, ${Math.round((1000 * (generatedTokens - 1)) / ms)} tokens/s, ${first}`;
}

/** @returns {Promise<Answer>} */
function ask() {
  const child = spawn(process.execPath, [join(root, 'dist/cli.js'), 'complete', '--model', join(root, model)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const request = { id: 1, prefix, suffix, path: 'basket.ts', maxTokens: 32, temperature: 0 };
  return new Promise((resolve, reject) => {
    let stderr = '';
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new SetupError('The engine gave no answer within two minutes.'));
    }, 120_000);
    child.stderr.on('data', (chunk) => (stderr += chunk));
    child.stdin.on('error', () => {}); // It ended early; `close` tells.
    child.on('close', (code) => {
      clearTimeout(timer);
      reject(new SetupError(`The engine ended with code ${code} before it answered.\n${stderr.trim()}`));
    });
    createInterface({ input: child.stdout }).on('line', (line) => {
      const answer = parse(line);
      if (answer?.id !== request.id) return;
      if (answer.error) reject(new SetupError(`The engine could not complete: ${answer.error.message}`));
      else resolve(answer);
      child.stdin.end();
    });
    child.stdin.write(JSON.stringify(request) + '\n');
  });
}

/** Undefined for a line that is not of the protocol. @param {string} line */
function parse(line) {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
