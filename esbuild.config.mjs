// Builds the bundles: one for each place where code runs, and those that are loaded only when they are needed. A bundle may leave outside only what its place provides,
// so an import that crosses a line (say, `vscode` from the engine) fails the build.
import { build, context } from 'esbuild';
import { readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';

const root = import.meta.dirname;

/** The tokenizer is the only part of @xenova/transformers in use: what its other parts would pull in is left empty.
 * @type {import('esbuild').Plugin} */
const tokenizerOnly = {
  name: 'tokenizer-only',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(onnxruntime-node|onnxruntime-web|sharp)$/ }, ({ path, importer }) =>
      importer.includes(join('@xenova', 'transformers')) ? { path, namespace: 'left-out' } : undefined,
    );
    // Its own, older renderer of chat templates: engine/chat has a newer one.
    onResolve({ filter: /^@huggingface\/jinja$/ }, ({ path, importer }) =>
      importer.includes(join('@xenova', 'transformers')) ? { path, namespace: 'left-out' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({
      contents: 'export default {}; export const Template = undefined;',
      loader: 'js',
    }));
    // No cache, no hub, no file system: files are read by the engine, and nothing is ever downloaded.
    onLoad({ filter: /@xenova[\\/]transformers[\\/]src[\\/](env|utils[\\/]hub)\.js$/ }, () => ({
      contents: 'export const env = { backends: { onnx: {} } }; export const getModelJSON = undefined;',
      loader: 'js',
    }));
  },
};

/** Of the hub's client only questions about repositories are in use: what its uploads need may be left out.
 * @type {import('esbuild').Plugin} */
const hubQuestionsOnly = {
  name: 'hub-questions-only',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^@huggingface\/(xetchunk-wasm|tasks)$/ }, async ({ path, kind, resolveDir, pluginData }) => {
      if (pluginData === 'asked') return undefined;
      return { path: (await resolve(path, { kind, resolveDir, pluginData: 'asked' })).path, sideEffects: false };
    });
  },
};

/** @type {import('esbuild').BuildOptions} */
const shared = {
  absWorkingDir: root,
  bundle: true,
  sourcemap: true,
  sourcesContent: false,
  // Less to read at the first start; names stay, for what the log says of errors.
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  logLevel: 'info',
};
/** @type {import('esbuild').BuildOptions} */
const onNode = {
  ...shared,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  plugins: [tokenizerOnly, hubQuestionsOnly],
};

/** @type {import('esbuild').BuildOptions[]} */
const bundles = [
  {
    ...onNode,
    entryPoints: ['src/extension/extension.ts'],
    outfile: 'dist/extension.js',
    external: ['vscode'],
    plugins: [],
  },
  {
    ...onNode,
    entryPoints: ['src/extension/models/models.ts'],
    outfile: 'dist/models.js',
    external: ['vscode'],
    plugins: [],
  },
  // Loaded by the extension and the command line when something is to be downloaded: it alone opens connections.
  { ...onNode, entryPoints: ['src/download/index.ts'], outfile: 'dist/download.js' },
  // Loaded where the setting glassbox.server.url is set: it asks that server and nobody else.
  { ...onNode, entryPoints: ['src/server/serverEngine.ts'], outfile: 'dist/server.js', plugins: [] },
  { ...onNode, entryPoints: ['src/engine/main.ts'], outfile: 'dist/engine.js', external: ['onnxruntime-node'] },
  {
    ...onNode,
    entryPoints: ['src/cli.ts'],
    outfile: 'dist/cli.js',
    external: ['onnxruntime-node'],
    banner: { js: '#!/usr/bin/env node' },
  },
  {
    ...shared,
    entryPoints: ['src/webview/main.ts'],
    outfile: 'dist/webview.js',
    platform: 'browser',
    target: 'chrome120',
    format: 'iife',
  },
];

/** The unit tests, for Node's own runner; they import the sources, not the bundles.
 * @type {() => import('esbuild').BuildOptions} */
const unitTests = () => ({
  ...onNode,
  entryPoints: readdirSync(join(root, 'test/unit'))
    .filter((f) => f.endsWith('.test.ts'))
    .map((f) => join('test/unit', basename(f))),
  outdir: '.test-out/unit',
  external: ['onnxruntime-node', 'esbuild', 'typescript', 'playwright-core'],
  logLevel: 'warning',
});

/** The evaluation of a model, for Node.
 * @type {import('esbuild').BuildOptions} */
const evaluation = {
  ...onNode,
  entryPoints: ['models/eval/main.ts'],
  outfile: '.test-out/eval/main.js',
  external: ['onnxruntime-node'],
  logLevel: 'warning',
};

/** How far the workspace memory should be trusted, and what it costs, for Node.
 * @type {import('esbuild').BuildOptions} */
const memoryFit = { ...evaluation, entryPoints: ['models/eval/memoryFit.ts'], outfile: '.test-out/fit/memory.js' };
/** @type {import('esbuild').BuildOptions} */
const memoryBench = { ...evaluation, entryPoints: ['test/bench/memory.ts'], outfile: '.test-out/memory/main.js' };

/** How sure a model is, and how sure it may be, for Node.
 * @type {import('esbuild').BuildOptions} */
const calibration = {
  ...evaluation,
  entryPoints: ['models/eval/calibrationFit.ts'],
  outfile: '.test-out/calibration/main.js',
};

/** What guessing ahead saves, for Node.
 * @type {import('esbuild').BuildOptions} */
const speculation = {
  ...evaluation,
  entryPoints: ['test/bench/speculation.ts'],
  outfile: '.test-out/speculation/main.js',
};

/** What text longer than the window costs in quality, for Node.
 * @type {import('esbuild').BuildOptions} */
const sliding = { ...evaluation, entryPoints: ['test/bench/sliding.ts'], outfile: '.test-out/sliding/main.js' };

/** What building and using models of published shapes costs, for Node.
 * @type {import('esbuild').BuildOptions} */
const shapes = { ...evaluation, entryPoints: ['test/bench/shapes/main.ts'], outfile: '.test-out/shapes/main.js' };

/** What the attention panel costs: the writer, a window of VS Code, and beside the rival way, for Node.
 * @type {import('esbuild').BuildOptions} */
const panel = {
  ...onNode,
  logLevel: 'warning',
  entryPoints: ['overhead', 'window', 'inside', 'rival'].map((name) => `test/bench/panel/${name}.ts`),
  outdir: '.test-out/panel',
  external: ['onnxruntime-node', 'vscode', 'esbuild', 'playwright-core'],
};

/** A large download from a hub on this machine, for Node.
 * @type {import('esbuild').BuildOptions} */
const download = {
  ...onNode,
  logLevel: 'warning',
  entryPoints: ['main', 'hub', 'client'].map((name) => `test/bench/download/${name}.ts`),
  outdir: '.test-out/download',
  outExtension: { '.js': '.mjs' },
  format: 'esm',
  external: ['onnxruntime-node'],
};

/** What the arithmetic of the attention panel costs, for Node.
 * @type {import('esbuild').BuildOptions} */
const attention = { ...evaluation, entryPoints: ['test/bench/attention.ts'], outfile: '.test-out/attention/main.js' };

const args = process.argv.slice(2);
if (args.includes('--watch')) {
  for (const options of bundles) await (await context(options)).watch();
} else if (args.includes('--unit-tests')) {
  rmSync(join(root, '.test-out/unit'), { recursive: true, force: true });
  await build(unitTests());
} else if (args.includes('--eval')) {
  await build(evaluation);
} else if (args.includes('--memory-fit')) {
  await build(memoryFit);
} else if (args.includes('--memory')) {
  await build(memoryBench);
} else if (args.includes('--calibration')) {
  await build(calibration);
} else if (args.includes('--speculation')) {
  await build(speculation);
} else if (args.includes('--attention')) {
  await build(attention);
} else if (args.includes('--shapes')) {
  await build(shapes);
} else if (args.includes('--panel')) {
  await build(panel);
} else if (args.includes('--download')) {
  await build(download);
} else if (args.includes('--sliding')) {
  await build(sliding);
} else {
  await Promise.all(bundles.map((options) => build(options)));
}
