// @ts-check
// Runs the benchmark's inner half in a real VS Code with Glassbox: the server form behind test/host/launcher.mjs, which can type.
import { runTests } from '@vscode/test-electron';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt } from '../../../src/start/setup.mjs';
import { floor, newest } from '../../host/install.mjs';
import { quietSettings } from '../../host/server.mjs';

const root = join(import.meta.dirname, '../../..');

/**
 * @param {any} job what inside.ts is to do; `job.settings` are the window's
 * @param {string} version newest, floor, or a version of code-server
 * @param {string} tests the bundle of inside.ts
 * @param {string} file where what was recorded is written, and stays
 * @returns {Promise<any>} what was recorded
 */
export async function record(job, version, tests, file) {
  await ensureBuilt();
  const scratch = await mkdtemp(join(tmpdir(), 'glassbox-typing-'));
  const settings = { ...quietSettings, ...job.settings, 'files.autoSave': 'off' };
  try {
    await rm(file, { force: true });
    await mkdir(join(scratch, 'data/User'), { recursive: true });
    await writeFile(join(scratch, 'data/User/settings.json'), JSON.stringify(settings));
    await writeFile(join(scratch, 'job.json'), JSON.stringify(job));
    await runTests({
      vscodeExecutablePath: join(root, 'test/host/launcher.mjs'),
      extensionDevelopmentPath: root,
      extensionTestsPath: tests,
      launchArgs: [
        join(root, 'test/sample'),
        `--user-data-dir=${join(scratch, 'data')}`,
        `--extensions-dir=${join(scratch, 'extensions')}`,
      ],
      extensionTestsEnv: {
        GLASSBOX_JOB: join(scratch, 'job.json'),
        GLASSBOX_RECORD: file,
        GLASSBOX_SERVER_VERSION: { newest, floor }[version] ?? version,
        GLASSBOX_TIMEOUT_MS: '1500000',
      },
    });
    return JSON.parse(await readFile(file, 'utf8'));
  } finally {
    await rm(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }
}
