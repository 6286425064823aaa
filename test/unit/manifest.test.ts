// The manifest and the code say the same: commands, settings, files.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

interface Setting {
  type: string;
  default: unknown;
  order: number;
  markdownDescription: string;
  enum?: string[];
  enumDescriptions?: string[];
  markdownEnumDescriptions?: string[];
}
interface Step {
  id: string;
  description: string;
  media: { svg: string; altText: string };
  completionEvents: string[];
}
interface Manifest {
  icon: string;
  main: string;
  extensionKind: string[];
  capabilities: { untrustedWorkspaces: { supported: unknown; restrictedConfigurations: string[] } };
  contributes: {
    commands: { command: string }[];
    keybindings: { command: string; when?: string }[];
    configuration: { title: string; properties: Record<string, Setting> }[];
    walkthroughs: { id: string; steps: Step[] }[];
    menus: Record<string, { command: string; when?: string }[]>;
    languageModelChatProviders: { vendor: string; displayName: string }[];
  };
}
const manifest = JSON.parse(readFileSync('package.json', 'utf8')) as Manifest;
const read = (file: string): string => readFileSync(join('src/extension', file), 'utf8');
const sources = readdirSync('src/extension', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map(read)
  .join('\n');
const english = JSON.parse(readFileSync('package.nls.json', 'utf8')) as Record<string, string>;
/** The text that a %key% of the manifest stands for. */
const said = (key: string): string => english[key.slice(1, -1)] ?? assert.fail(key);
const groups = manifest.contributes.configuration;
const properties = Object.fromEntries(groups.flatMap((group) => Object.entries(group.properties)));
const commands = manifest.contributes.commands.map(({ command }) => command);

test('every command of the manifest is registered, and the reverse', () => {
  const registered = [...read('extension.ts').matchAll(/^ {4}'(glassbox\.\w+)': /gm)].map(([, name]) => name);
  assert.deepEqual([...registered].sort(), [...commands].sort());
  for (const { command } of manifest.contributes.keybindings) assert.ok(commands.includes(command), command);
});

test('the vendor of language models is the one that is registered', () => {
  const vendors = manifest.contributes.languageModelChatProviders.map(({ vendor }) => vendor);
  assert.deepEqual(vendors, [/VENDOR = '(\w+)'/.exec(read('chatProvider.ts'))?.[1]]);
});

test('every setting of the manifest is read, and the reverse', () => {
  const used = [...read('config.ts').matchAll(/get<\w+>\('([\w.]+)'[,)]/g)].map(([, key]) => `glassbox.${String(key)}`);
  assert.deepEqual([...new Set(used)].sort(), Object.keys(properties).sort());
  for (const [key, { default: value, markdownDescription }] of Object.entries(properties)) {
    assert.notEqual(value, undefined, key);
    assert.ok(said(markdownDescription).length > 20, key);
    for (const [, linked] of said(markdownDescription).matchAll(/`#([^#]*)#`/g))
      assert.ok((linked as string) in properties, `${key} has a link to ${String(linked)}`);
    assert.ok(readFileSync('README.md', 'utf8').includes(`\`${key}\``), `README.md does not mention ${key}`);
  }
});

test('settings stand in titled groups, in order, each with a type and words for every choice', () => {
  const orders = groups.flatMap((group) => Object.values(group.properties).map(({ order }) => order));
  assert.deepEqual(
    orders,
    orders.map((_, i) => i + 1),
  );
  for (const { title } of groups) assert.ok(said(title).length > 0);
  for (const [key, setting] of Object.entries(properties)) {
    assert.match(setting.type, /^(boolean|string|integer|number|array)$/, key);
    const words = setting.markdownEnumDescriptions ?? setting.enumDescriptions ?? [];
    assert.equal(words.length, setting.enum?.length ?? 0, key);
  }
});

test('the walkthrough has pictures, words for them, and commands and settings that exist', () => {
  const [walkthrough, ...others] = manifest.contributes.walkthroughs;
  assert.deepEqual(others, []);
  assert.ok(sources.includes(`'glassbox.glassbox#${String(walkthrough?.id)}'`), 'the menu opens another');
  for (const { id, description, media, completionEvents } of walkthrough?.steps ?? []) {
    const picture = readFileSync(media.svg, 'utf8');
    assert.ok(picture.length < 150_000, media.svg);
    // Light and dark: every colour is the theme's.
    for (const [, colour] of picture.matchAll(/(?:fill|stroke)="([^"]*)"/g))
      assert.match(colour as string, /^(none|var\(--vscode-[\w-]+, #[0-9a-f]+\))$/, media.svg);
    assert.ok(said(media.altText).length > 20, id);
    const named = [
      ...said(description).matchAll(/command:([\w.]+)/g),
      ...completionEvents.join().matchAll(/:([\w.]+)/g),
    ];
    assert.ok(named.length >= 2, id);
    for (const [, name] of named)
      assert.ok(
        !name?.startsWith('glassbox.') || commands.includes(name) || name in properties,
        `${id}: ${String(name)}`,
      );
  }
});

test('menus name commands that exist', () => {
  for (const { command } of Object.values(manifest.contributes.menus).flat())
    assert.ok(commands.includes(command), command);
});

/** The conditions of keys and menus: they name what the code sets with setContext. */
const conditions = [manifest.contributes.keybindings, ...Object.values(manifest.contributes.menus)]
  .flat()
  .map(({ when = '' }) => when);

test('commands that the code runs exist', () => {
  for (const [, name] of sources.matchAll(/'(glassbox\.\w+)'/g)) {
    const known =
      commands.includes(name as string) ||
      ['glassbox.glassbox', 'glassbox.status', 'glassbox.attention'].includes(name as string) ||
      conditions.some((when) => when.split(/\W*\s\W*/).includes(name as string));
    assert.ok(known || `${String(name)}` in properties, name);
  }
});

test('the files that the manifest names are there', () => {
  for (const file of [manifest.icon, manifest.main]) assert.ok(existsSync(file), file);
});

test('an untrusted workspace chooses neither the model nor what it runs on; what it excludes stays excluded', () => {
  const { supported, restrictedConfigurations } = manifest.capabilities.untrustedWorkspaces;
  assert.equal(supported, 'limited');
  const restricted = ['model', 'hub.endpoint', 'device', 'threads', 'cacheMemory', 'server.url', 'server.model'].map(
    (key) => `glassbox.${key}`,
  );
  assert.deepEqual([...restrictedConfigurations].sort(), restricted.sort());
});

test('in a remote window the model runs on the side of the user, where the graphics card is, and on the other where it must', () => {
  assert.deepEqual(manifest.extensionKind, ['ui', 'workspace']);
});
