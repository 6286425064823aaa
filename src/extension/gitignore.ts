// Which files .gitignore names: reads the files on the way from the repository's root to a file, and remembers what they say until one
// of them changes. Through VS Code's file systems, so that it works in virtual ones, too.

import * as vscode from 'vscode';
import { isIgnored, parseIgnoreFile, type IgnoreLevel, type IgnoreRule } from '../completion/ignoreRules';

/** A folder, and what is said of what lies in it. */
interface Folder {
  /** It is ignored itself; then so is everything in it. */
  ignored: boolean;
  levels: readonly IgnoreLevel[];
}

/** Folders that are remembered. */
const MAX_FOLDERS = 20_000;
/** Deeper than this no repository's root is looked for. */
const MAX_DEPTH = 64;
const IGNORE_CASE = process.platform === 'win32' || process.platform === 'darwin';

export class Gitignored implements vscode.Disposable {
  /** By the folder's address. */
  readonly #folders = new Map<string, Promise<Folder>>();
  readonly #roots = new Map<string, Promise<string | undefined>>();
  readonly #subscriptions: vscode.Disposable[];

  /** @param changed called when the answers may be others */
  constructor(changed: () => void) {
    const forget = (): void => {
      this.#folders.clear();
      this.#roots.clear();
      changed();
    };
    const watcher = vscode.workspace.createFileSystemWatcher('**/.gitignore');
    this.#subscriptions = [
      watcher,
      watcher.onDidCreate(forget),
      watcher.onDidChange(forget),
      watcher.onDidDelete(forget),
      // Not every file system can be watched, and the file may lie above the workspace.
      vscode.workspace.onDidSaveTextDocument(({ uri }) => uri.path.endsWith('/.gitignore') && forget()),
      vscode.workspace.onDidChangeWorkspaceFolders(forget),
    ];
  }

  /** Whether .gitignore names a file, or a folder above it. */
  async has(uri: vscode.Uri): Promise<boolean> {
    const parts = partsOf(uri);
    const lies = vscode.workspace.fs.isWritableFileSystem(uri.scheme) !== undefined; // a new document lies nowhere
    if (parts.length === 0 || !lies) return false;
    const folder = await this.#folder(above(uri));
    return folder.ignored || isIgnored(folder.levels, parts, false);
  }

  /** The same of a folder. */
  async hasFolder(uri: vscode.Uri): Promise<boolean> {
    return (await this.#folder(uri)).ignored;
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  #folder(uri: vscode.Uri): Promise<Folder> {
    if (this.#folders.size > MAX_FOLDERS) this.#folders.clear();
    return remembered(this.#folders, uri, () => this.#read(uri));
  }

  async #read(uri: vscode.Uri): Promise<Folder> {
    const parts = partsOf(uri);
    const root = (await this.#root(uri)) ?? vscode.workspace.getWorkspaceFolder(uri)?.uri.path.replace(/\/$/, '');
    // Outside any repository and workspace there is nothing to go by.
    if (root === undefined) return { ignored: false, levels: [] };
    const isRoot = uri.path.replace(/\/$/, '') === root;
    const parent = isRoot ? { ignored: false, levels: [] } : await this.#folder(above(uri));
    const ignored = parent.ignored || isIgnored(parent.levels, parts, true);
    if (ignored) return { ignored, levels: [] };
    const files = isRoot ? ['.git/info/exclude', '.gitignore'] : ['.gitignore'];
    const own = await Promise.all(
      files.map(async (name) => ({ depth: parts.length, rules: await rulesIn(vscode.Uri.joinPath(uri, name)) })),
    );
    return { ignored, levels: [...parent.levels, ...own.filter(({ rules }) => rules.length > 0)] };
  }

  /** Path of the repository's root at or above a folder: the next folder with .git in it. */
  #root(uri: vscode.Uri): Promise<string | undefined> {
    return remembered(this.#roots, uri, async () => {
      if (await exists(vscode.Uri.joinPath(uri, '.git'))) return uri.path.replace(/\/$/, '');
      const depth = partsOf(uri).length;
      return depth === 0 || depth > MAX_DEPTH ? undefined : this.#root(above(uri));
    });
  }
}

function remembered<T>(known: Map<string, Promise<T>>, uri: vscode.Uri, find: () => Promise<T>): Promise<T> {
  const key = uri.with({ path: uri.path.replace(/(.)\/$/, '$1') }).toString();
  const found = known.get(key) ?? find();
  known.set(key, found);
  return found;
}

async function rulesIn(uri: vscode.Uri): Promise<IgnoreRule[]> {
  try {
    return parseIgnoreFile(new TextDecoder().decode(await vscode.workspace.fs.readFile(uri)), IGNORE_CASE);
  } catch {
    return []; // there is none
  }
}

async function exists(uri: vscode.Uri): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(uri);
    return true;
  } catch {
    return false;
  }
}

function partsOf(uri: vscode.Uri): string[] {
  return uri.path.split('/').filter((part) => part !== '');
}

function above(uri: vscode.Uri): vscode.Uri {
  return vscode.Uri.joinPath(uri, '..');
}
