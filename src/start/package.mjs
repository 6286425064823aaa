// @ts-check
// `npm run package`: one VSIX for each platform, with that platform's ONNX Runtime and no other. Each is put together in a folder
// of its own, so that nothing from the working copy slips in, and its size is printed.
//   node src/start/package.mjs [platform…]      linux-x64, linux-arm64, darwin-arm64, win32-x64, win32-arm64
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt, ensureDependencies, root, SetupError } from './setup.mjs';

/** VS Code's name of a platform → where onnxruntime-node keeps its files for it. */
const PLATFORMS = {
  'linux-x64': 'linux/x64',
  'linux-arm64': 'linux/arm64',
  'darwin-arm64': 'darwin/arm64',
  'win32-x64': 'win32/x64',
  'win32-arm64': 'win32/arm64',
};
const SHIPPED = [
  'package.json',
  'package.nls.json',
  'package.nls.zh-cn.json',
  'README.md',
  'CHANGELOG.md',
  'LICENSE',
  '.vscodeignore',
  'dist',
  'media',
  'models/catalog.json',
  'models/glassbox-small',
];
const NATIVE = 'bin/napi-v6';

/** @param {keyof typeof PLATFORMS} platform */
function packagePlatform(platform) {
  const stage = mkdtempSync(join(tmpdir(), 'glassbox-vsix-'));
  for (const path of SHIPPED) {
    mkdirSync(join(stage, path, '..'), { recursive: true });
    cpSync(join(root, path), join(stage, path), {
      recursive: true,
      filter: (from) => !from.includes(join('dist', 'vsix')),
    });
  }
  copyDependency(stage, 'onnxruntime-common', ['dist/cjs']);
  copyDependency(stage, 'onnxruntime-node', ['dist', join(NATIVE, PLATFORMS[platform])]);

  // Only what is needed at run time: vsce would otherwise ask for the packages that install scripts use.
  rewriteJson(
    join(stage, 'package.json'),
    ({ devDependencies: _, overrides: __, scripts: ___, private: ____, ...kept }) => kept,
  );
  rewriteJson(join(stage, 'node_modules/onnxruntime-node/package.json'), (json) => ({
    ...json,
    scripts: {},
    devDependencies: {},
    dependencies: { 'onnxruntime-common': json.dependencies['onnxruntime-common'] },
  }));

  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const vsix = join(root, 'dist', `glassbox-${platform}-${version}.vsix`);
  const vsce = join(root, 'node_modules/@vscode/vsce/vsce');
  execFileSync(
    process.execPath,
    [
      vsce,
      'package',
      '--target',
      platform,
      '--skip-license',
      '--allow-missing-repository',
      '--no-rewrite-relative-links',
      '--out',
      vsix,
    ],
    {
      cwd: stage,
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  rmSync(stage, { recursive: true });
  return vsix;
}

/** @param {string} stage @param {string} name @param {string[]} folders */
function copyDependency(stage, name, folders) {
  const from = join(root, 'node_modules', name);
  const to = join(stage, 'node_modules', name);
  mkdirSync(to, { recursive: true });
  for (const file of ['package.json', 'LICENSE'])
    if (existsSync(join(from, file))) cpSync(join(from, file), join(to, file));
  for (const folder of folders) cpSync(join(from, folder), join(to, folder), { recursive: true });
}

/** @param {string} file @param {(json: any) => any} change */
function rewriteJson(file, change) {
  writeFileSync(file, JSON.stringify(change(JSON.parse(readFileSync(file, 'utf8'))), null, 2));
}

async function main() {
  const wanted = process.argv.slice(2);
  const unknown = wanted.find((name) => !(name in PLATFORMS));
  if (unknown !== undefined)
    throw new SetupError(`There is no platform "${unknown}": there are ${Object.keys(PLATFORMS).join(', ')}.`);
  await ensureDependencies((line) => process.stdout.write(`${line}\n`));
  await ensureBuilt();
  for (const platform of /** @type {(keyof typeof PLATFORMS)[]} */ (
    wanted.length > 0 ? wanted : Object.keys(PLATFORMS)
  )) {
    const vsix = packagePlatform(platform);
    process.stdout.write(`${(statSync(vsix).size / 1024 ** 2).toFixed(1)} MiB  ${vsix.slice(root.length)}\n`);
  }
}

main().catch((/** @type {Error} */ error) => {
  process.stderr.write(`${error instanceof SetupError ? error.message : error.stack}\n`);
  process.exitCode = 1;
});
