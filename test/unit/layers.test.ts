// Where code may reach: the table of ARCHITECTURE.md, checked on the import lines of every source file.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';

const src = join(process.cwd(), 'src');
const NODE = /^node:/;

/** What the files of a room may import: packages, and other rooms. */
const ROOMS: Record<string, { packages: RegExp[]; rooms: string[] }> = {
  'inspectionProtocol.ts': { packages: [], rooms: [] },
  'chatProtocol.ts': { packages: [], rooms: ['protocol.ts'] },
  'protocol.ts': { packages: [], rooms: ['chatProtocol.ts', 'inspectionProtocol.ts', 'completion', 'l10n.ts'] },
  'webviewProtocol.ts': { packages: [], rooms: ['inspectionProtocol.ts', 'protocol.ts'] },
  'l10n.ts': { packages: [], rooms: [] },
  'jobProtocol.ts': { packages: [], rooms: ['l10n.ts'] },
  completion: { packages: [], rooms: ['protocol.ts'] },
  server: { packages: [], rooms: ['protocol.ts', 'l10n.ts', 'completion'] },
  attention: { packages: [], rooms: [] },
  machine: { packages: [NODE], rooms: [] },
  catalog: { packages: [], rooms: ['l10n.ts'] },
  engine: {
    packages: [NODE, /^onnxruntime-node$/, /^@xenova\/transformers\/src\/tokenizers\.js$/, /^@huggingface\/jinja$/],
    rooms: [
      'chatProtocol.ts',
      'inspectionProtocol.ts',
      'protocol.ts',
      'jobProtocol.ts',
      'l10n.ts',
      'completion',
      'attention',
      'machine',
      'catalog',
    ],
  },
  download: { packages: [NODE, /^@huggingface\/hub$/], rooms: ['l10n.ts', 'catalog'] },
  extension: {
    packages: [NODE, /^vscode$/],
    rooms: [
      'chatProtocol.ts',
      'inspectionProtocol.ts',
      'protocol.ts',
      'webviewProtocol.ts',
      'jobProtocol.ts',
      'l10n.ts',
      'completion',
      'attention',
      'machine',
      'catalog',
      'download', // its types alone: see bundles.test.ts
      'server',
    ],
  },
  webview: {
    packages: [],
    rooms: ['inspectionProtocol.ts', 'protocol.ts', 'webviewProtocol.ts', 'l10n.ts', 'attention'],
  },
  'cli.ts': {
    packages: [NODE],
    rooms: [
      'inspectionProtocol.ts',
      'protocol.ts',
      'jobProtocol.ts',
      'engine',
      'attention',
      'cliInput.ts',
      'cliMeasure.ts',
      'cliDownload.ts',
    ],
  },
  'cliMeasure.ts': { packages: [NODE], rooms: ['jobProtocol.ts', 'engine', 'cliInput.ts'] },
  'cliDownload.ts': { packages: [NODE], rooms: ['cliInput.ts', 'download'] },
  'cliInput.ts': { packages: [], rooms: ['chatProtocol.ts', 'protocol.ts'] },
  start: { packages: [NODE], rooms: [] },
};
/** Packages that one file alone may import. */
const ONLY: Record<string, string[]> = {
  'onnxruntime-node': ['engine/session.ts'],
  '@xenova/transformers/src/tokenizers.js': ['engine/tokenizer.ts'],
  'node:child_process': [
    'extension/engineClient.ts',
    'extension/models/job.ts',
    'engine/autoDevice.ts',
    'engine/measure/probes.ts',
    'machine/power.ts',
    'start',
  ],
};
/** Files of the extension that plain Node must be able to load. */
const WITHOUT_VSCODE = ['extension/engineClient.ts', 'extension/models/job.ts'];
const MAX_LINES = 400;

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => /\.(ts|mjs)$/.test(file) && !file.endsWith('.d.ts'));

test('there are files to check', () => assert.ok(files.length > 20, `${files.length} files`));

for (const file of files) {
  test(`${file} imports only what its room may`, () => {
    const text = readFileSync(join(src, file), 'utf8');
    const roomOf = (path: string): string => path.split('/')[0] as string;
    const room = ROOMS[roomOf(file)];
    assert.ok(room, `${file} is in no known room`);
    for (const [, specifier] of text.matchAll(
      /^(?:import|export)\b[^'";]*?from '([^']+)';|^import '([^']+)';|\bimport\('([^']+)'\)/gm,
    )) {
      if (specifier === undefined) continue;
      if (specifier.startsWith('.')) {
        // Opening an editor for a newcomer and for a test is the same thing.
        if (specifier.startsWith('../../test/host/') && file.startsWith('start/')) continue;
        const target = relative(src, resolve(dirname(join(src, file)), specifier)).replaceAll('\\', '/');
        const there = roomOf(target).includes('.') || ROOMS[roomOf(target)] ? roomOf(target) : `${roomOf(target)}.ts`;
        assert.ok(there === roomOf(file) || room.rooms.includes(there), `${file} imports ${specifier}`);
      } else {
        assert.ok(
          room.packages.some((allowed) => allowed.test(specifier)),
          `${file} imports ${specifier}`,
        );
        const only = ONLY[specifier];
        assert.ok(
          !only || only.some((place) => file.startsWith(place)),
          `${file} imports ${specifier}, which is for ${String(only)}`,
        );
        assert.ok(!(specifier === 'vscode' && WITHOUT_VSCODE.includes(file)), `${file} imports vscode`);
      }
    }
    assert.ok(text.split('\n').length <= MAX_LINES, `${file} has more than ${MAX_LINES} lines`);
    assert.ok(file === 'extension/config.ts' || !text.includes('getConfiguration'), `${file} reads settings`);
  });
}
