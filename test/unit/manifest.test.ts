// The manifest and the code say the same: commands, settings, files.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

interface Manifest {
  icon: string;
  main: string;
  contributes: {
    commands: { command: string }[];
    keybindings: { command: string }[];
    configuration: { properties: Record<string, { default: unknown; markdownDescription: string }> };
  };
}
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const read = (file: string): string => readFileSync(join('src/extension', file), 'utf8');
const sources = readdirSync('src/extension').map(read).join('\n');
const commands = manifest.contributes.commands.map(({ command }) => command);

test('every command of the manifest is registered, and the reverse', () => {
  const registered = [...read('extension.ts').matchAll(/^ {4}'(glassbox\.\w+)': /gm)].map(([, name]) => name);
  assert.deepEqual([...registered].sort(), [...commands].sort());
  for (const { command } of manifest.contributes.keybindings) assert.ok(commands.includes(command), command);
});

test('every setting of the manifest is read, and the reverse', () => {
  const properties = manifest.contributes.configuration.properties;
  const used = [...read('config.ts').matchAll(/get<\w+>\('([\w.]+)',/g)].map(([, key]) => `glassbox.${String(key)}`);
  assert.deepEqual([...new Set(used)].sort(), Object.keys(properties).sort());
  for (const [key, { default: value, markdownDescription }] of Object.entries(properties)) {
    assert.notEqual(value, undefined, key);
    assert.ok(markdownDescription.length > 20, key);
    assert.ok(readFileSync('README.md', 'utf8').includes(`\`${key}\``), `README.md does not mention ${key}`);
  }
});

test('commands that the code runs exist', () => {
  for (const [, name] of sources.matchAll(/'(glassbox\.\w+)'/g)) {
    const known =
      commands.includes(name as string) ||
      ['glassbox.glassbox', 'glassbox.status', 'glassbox.attention'].includes(name as string);
    assert.ok(known || `${String(name)}` in manifest.contributes.configuration.properties, name);
  }
});

test('the files that the manifest names are there', () => {
  for (const file of [manifest.icon, manifest.main]) assert.ok(existsSync(file), file);
});
