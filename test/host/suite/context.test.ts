// What the model is shown: other files, a notebook's cells, documents of every kind, and only so much of long ones.

import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { isForWriting, pathForModel, textAround } from '../../../src/extension/documents';
import type { HostTest } from './hostTest';
import { Scratch, suggested } from './scratch';
import { glassbox, knownModel, open, setting, sleep, until } from './window';

const FILES = {
  'prices.ts':
    'export function priceWithTax(net: number, taxRate: number): number {\n  return net * (1 + taxRate);\n}\n',
  'unlike.ts': 'export const nothingInCommon = 1;\n',
  'cart.ts': `import { priceWithTax } from './prices';\n\nconst net = 10;\nconst taxRate = 0.19;\n${'\n'.repeat(60)}const gross = priceWithTax(\n`,
};

export const tests: HostTest[] = [
  {
    name: 'context: a function of an imported file is shown to the model, and stays while one types there',
    async run(t) {
      const api = await glassbox();
      const scratch = new Scratch(t, FILES);
      const editor = await scratch.show('cart.ts', 64);
      const { document } = editor;
      const shown = await until('the other file', () => {
        const files = api.otherFiles(document);
        return files.some(({ path }) => path === scratch.path('prices.ts')) ? files : undefined;
      });
      const best = shown.at(-1);
      assert.equal(best?.path, scratch.path('prices.ts'));
      assert.ok(!shown.some(({ path }) => path === scratch.path('unlike.ts')));
      assert.match(best.text, /^export function priceWithTax/);
      // Lines further down, and a rest after each: the prompt must keep its beginning.
      for (let i = 0; i < 3; i++) {
        await editor.edit((edit) => edit.insert(document.lineAt(64 + i).range.end, '\nnet, taxRate,'));
        editor.selection = new vscode.Selection(65 + i, 5, 65 + i, 5);
        await sleep(400);
        assert.equal(api.otherFiles(document), shown, 'another context');
      }
      await setting(t, 'otherFiles', false);
      assert.deepEqual(api.otherFiles(document), []);
    },
  },
  {
    name: 'context: a file that was shown and then deleted is shown to the model no more',
    async run(t) {
      const api = await glassbox();
      const scratch = new Scratch(t, { ...FILES, 'twin.ts': FILES['cart.ts'] });
      await scratch.show('twin.ts', 64);
      await vscode.commands.executeCommand('workbench.action.closeAllEditors');
      scratch.remove('twin.ts');
      const { document } = await scratch.show('cart.ts', 64);
      const shown = await until('the other file', () => {
        const files = api.otherFiles(document);
        return files.some(({ path }) => path === scratch.path('prices.ts')) ? files : undefined;
      });
      assert.ok(!shown.some(({ path }) => path === scratch.path('twin.ts')));
    },
  },
  {
    name: 'context: what was changed in another file is shown, and comes back with the document',
    async run(t) {
      const api = await glassbox();
      const scratch = new Scratch(t, {
        'long.py': `def mean_temperature(readings):\n    return sum(readings) / len(readings)\n${'x = 1\n'.repeat(100)}archive = []\n${'y = 2\n'.repeat(100)}`,
        'use.py': 'readings = []\nmean_temperature(readings)\n',
      });
      const changed = await scratch.show('long.py');
      await changed.edit((edit) => edit.insert(new vscode.Position(102, 11), 'readings'));
      const { document } = await scratch.show('use.py');
      const paths = (): string[] => api.otherFiles(document).map(({ path }) => path);
      await until(
        'the changed place',
        () => api.otherFiles(document).some(({ text }) => text.includes('archive = [readings]')) || undefined,
      );
      const before = paths();
      await scratch.show('long.py');
      assert.deepEqual(paths(), before);
      await scratch.show('use.py');
      await sleep(500);
      assert.deepEqual(paths(), before);
      await vscode.window.showTextDocument(changed.document);
      await vscode.commands.executeCommand('workbench.action.files.revert');
    },
  },
  {
    name: 'context: a cell of a notebook goes on from the cells above it',
    async run(t) {
      const cell = (kind: vscode.NotebookCellKind, text: string, language: string): vscode.NotebookCellData =>
        new vscode.NotebookCellData(kind, text, language);
      const { Code, Markup } = vscode.NotebookCellKind;
      const api = await knownModel(t);
      const data = new vscode.NotebookData([
        cell(Code, 'import os', 'python'),
        cell(Markup, '# Title\ntext', 'markdown'),
        cell(Code, 'abc', 'python'),
        cell(Code, '', 'python'),
        cell(Code, 'after = 1', 'python'),
      ]);
      const notebook = await vscode.workspace.openNotebookDocument('jupyter-notebook', data);
      await vscode.window.showNotebookDocument(notebook);
      t.after(() => vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor'));
      const { document } = notebook.cellAt(2);
      const end = document.lineAt(0).range.end;
      assert.deepEqual(textAround(document, new vscode.Range(end, end)), {
        before: 'import os\n\n# # Title\n# text\n\nabc',
        after: '\n\nafter = 1',
      });
      assert.equal(pathForModel(document), 'untitled.py');
      const items = await suggested(api.provider, {
        document,
        selection: new vscode.Selection(end, end),
      } as vscode.TextEditor);
      assert.ok(items.length > 0, api.why.last?.text);
    },
  },
  {
    name: 'context: a document of a virtual file system has suggestions, and its neighbours are shown beside it',
    async run(t) {
      const api = await knownModel(t);
      const files = new Map([
        ['/p/a.js', 'export const basketTotal = (items) => items.length;\n'],
        ['/p/b.js', 'const items = [];\nbasketTotal(items)'],
      ]);
      t.after(() => registration.dispose());
      const registration = vscode.workspace.registerFileSystemProvider('glassboxtest', memoryFiles(files));
      t.after(() => vscode.commands.executeCommand('workbench.action.closeAllEditors'));
      for (const path of files.keys())
        await vscode.window.showTextDocument(vscode.Uri.parse(`glassboxtest:${path}`), { preview: false });
      const editor = vscode.window.activeTextEditor ?? assert.fail('no editor');
      const end = editor.document.lineAt(1).range.end;
      editor.selection = new vscode.Selection(end, end);
      await until('a suggestion', async () => (await suggested(api.provider, editor)).length > 0 || undefined);
      await until(
        'the other file',
        () => api.otherFiles(editor.document).some(({ path }) => path.endsWith('a.js')) || undefined,
      );
    },
  },
  {
    name: 'context: what the editor fills itself is not for writing; both sides of a comparison are told apart',
    async run(t) {
      const scratch = new Scratch(t, { 'a.txt': 'a', 'b.txt': 'b' });
      const provider = vscode.workspace.registerTextDocumentContentProvider('glassboxold', {
        provideTextDocumentContent: () => 'old',
      });
      const readOnly = vscode.workspace.registerFileSystemProvider(
        'glassboxreadonly',
        memoryFiles(new Map([['/x.txt', 'x']])),
        { isReadonly: true },
      );
      t.after(() => (provider.dispose(), readOnly.dispose()));
      const isWritten = async (uri: vscode.Uri): Promise<boolean> =>
        isForWriting(await vscode.workspace.openTextDocument(uri));
      assert.equal(await isWritten(scratch.uri('a.txt')), true);
      assert.equal(await isWritten(vscode.Uri.parse('glassboxreadonly:/x.txt')), false);
      assert.equal(isForWriting((await open(t, 'plaintext', '‸')).document), true);
      assert.equal(isForWriting({ uri: vscode.Uri.parse('git:/a.txt') } as vscode.TextDocument), false);
      await vscode.commands.executeCommand('vscode.diff', vscode.Uri.parse('glassboxold:/a.txt'), scratch.uri('b.txt'));
      await until(
        'the comparison',
        () => vscode.window.activeTextEditor?.document.uri.path.endsWith('b.txt') || undefined,
      );
      assert.equal(isForWriting(vscode.window.activeTextEditor?.document ?? assert.fail()), true);
    },
  },
  {
    name: 'context: an old version of a file, as in a comparison, is shown beside nothing',
    async run(t) {
      const api = await glassbox();
      const scratch = new Scratch(t, { ...FILES, 'old.ts': FILES['prices.ts'] });
      const old = FILES['prices.ts'].replace('return', 'return oldVersion *');
      const { path } = scratch.uri('prices.ts');
      const files = memoryFiles(new Map([[path, old]]));
      const registration = vscode.workspace.registerFileSystemProvider('glassboxold', files, { isReadonly: true });
      t.after(() => registration.dispose());
      await vscode.window.showTextDocument(vscode.Uri.from({ scheme: 'glassboxold', path }), { preview: false });
      await scratch.show('old.ts');
      const { document } = await scratch.show('cart.ts', 64);
      await until('the other file', () => api.otherFiles(document).length > 0 || undefined);
      await sleep(500);
      const shown = api.otherFiles(document).map(({ text }) => text);
      assert.ok(!shown.some((text) => text.includes('oldVersion')), shown.join('\n---\n'));
    },
  },
  {
    name: 'context: of a long document only the neighbourhood is read, from a beginning that stays put',
    async run(t) {
      const line = 'const value = compute(1, 2, 3);\r\n';
      const document = await vscode.workspace.openTextDocument({
        language: 'javascript',
        content: line.repeat(60_000),
      });
      t.after(() => vscode.commands.executeCommand('workbench.action.closeAllEditors'));
      const at = (offset: number): { before: string; after: string } => {
        const position = document.positionAt(offset);
        return textAround(document, new vscode.Range(position, position));
      };
      const start = performance.now();
      const offset = document.offsetAt(new vscode.Position(30_000, 0));
      const one = at(offset);
      for (let i = 1; i < 30; i++) {
        const next = at(offset + i);
        assert.equal(next.before, one.before + line.slice(0, i));
        assert.ok(one.after.startsWith(next.after.slice(0, 10_000), i), `after ${i} keys`);
      }
      const each = (performance.now() - start) / 30;
      assert.ok(one.before.length >= 60_000 && one.before.length <= 130_000, `${one.before.length} characters before`);
      assert.ok(one.after.length >= 20_000 && one.after.length <= 40_000, `${one.after.length} characters after`);
      assert.ok(!one.before.includes('\r'));
      console.log(`of ${line.length * 60_000} characters: ${each.toFixed(2)} ms a key`);
      // The whole of a short one, whatever the place.
      const short = await vscode.workspace.openTextDocument({ content: 'a\nbc\nd' });
      assert.deepEqual(textAround(short, new vscode.Range(1, 1, 1, 1)), { before: 'a\nb', after: 'c\nd' });
    },
  },
];

/** A file system in memory. */
function memoryFiles(files: ReadonlyMap<string, string>): vscode.FileSystemProvider {
  const gone = (uri: vscode.Uri): never => {
    throw vscode.FileSystemError.FileNotFound(uri);
  };
  const refuse = (): never => {
    throw vscode.FileSystemError.NoPermissions();
  };
  const textOf = (uri: vscode.Uri): string => files.get(uri.path) ?? gone(uri);
  return {
    onDidChangeFile: new vscode.EventEmitter<vscode.FileChangeEvent[]>().event,
    watch: () => new vscode.Disposable(() => undefined),
    stat: (uri) => ({ type: vscode.FileType.File, ctime: 0, mtime: 1, size: textOf(uri).length }),
    readFile: (uri) => new TextEncoder().encode(textOf(uri)),
    readDirectory: () => [...files.keys()].map((path) => [path.slice(path.lastIndexOf('/') + 1), vscode.FileType.File]),
    createDirectory: refuse,
    writeFile: refuse,
    delete: refuse,
    rename: refuse,
  };
}
