// Which files of a workspace were written by its people: found folder by folder through VS Code's file systems, so that ignored and
// excluded folders are not even entered, links are not followed, and virtual workspaces work like any other.

import * as vscode from 'vscode';
import { matchesGlob } from '../completion/globs';
import { hiddenFiles } from './config';
import { MAX_BYTES } from './context/reading';
import { pathOf } from './documents';
import type { Exclusion } from './exclusion';

export interface WorkspaceFile {
  uri: vscode.Uri;
  /** See `pathOf`. */
  path: string;
  /** Changes when the text does. */
  stamp: string;
  bytes: number;
}

/** Endings of files in which people write. */
const ENDINGS = new Set(
  (
    'ts tsx mts cts js jsx mjs cjs vue svelte astro py pyi ipy rb php java kt kts scala groovy gradle cs fs vb go rs c h cc cpp cxx hh hpp hxx ' +
    'm mm cu swift dart lua pl pm r jl ex exs erl hrl hs elm ml mli clj cljs lisp el scm zig nim v sol sql graphql proto css scss sass less html ' +
    'htm xml sh bash zsh fish ps1 bat cmd md mdx rst txt tex yaml yml toml ini cfg json jsonc cmake make mk tf nix dockerfile'
  ).split(' '),
);
/** Files that tools write, and folders of what others have written. */
const GENERATED =
  /(^|[-.])lock(\.json|\.yaml)?$|^(package-lock|npm-shrinkwrap)\.json$|\.min\.\w+$|\.(bundle|chunk)\.js$|\.map$/i;
const FOREIGN = new Set([
  'node_modules',
  'bower_components',
  'jspm_packages',
  '__pycache__',
  'venv',
  'site-packages',
  'Pods',
]);
/** Files whose stamps are asked for at once. */
const AT_ONCE = 16;

export class WorkspaceFiles {
  readonly #exclusion: Exclusion;

  constructor(exclusion: Exclusion) {
    this.#exclusion = exclusion;
  }

  /**
   * The files of all workspace folders, those in outer folders first.
   * @param pause awaited now and then
   */
  async *all(pause: () => Promise<void>): AsyncGenerator<WorkspaceFile> {
    const open = (vscode.workspace.workspaceFolders ?? []).map(({ uri }) => uri);
    for (let folder = open.shift(); folder !== undefined; folder = open.shift()) {
      await pause();
      const files: vscode.Uri[] = [];
      for (const [name, type] of await entriesOf(folder)) {
        const uri = vscode.Uri.joinPath(folder, name);
        // A link has the type of what it leads to and a bit of its own, so that it is neither.
        if (type === vscode.FileType.File && isSource(name)) files.push(uri);
        else if (type === vscode.FileType.Directory && (await this.#mayEnter(uri))) open.push(uri);
      }
      for (let i = 0; i < files.length; i += AT_ONCE) {
        const found = await Promise.all(files.slice(i, i + AT_ONCE).map((uri) => this.#file(uri)));
        yield* found.filter((file) => file !== undefined);
      }
    }
  }

  /** A file as it is now; undefined where it is none of those that `all` gives. */
  async one(uri: vscode.Uri): Promise<WorkspaceFile | undefined> {
    if (!isSource(nameOf(uri)) || !(await this.mayHold(vscode.Uri.joinPath(uri, '..')))) return undefined;
    return this.#file(uri);
  }

  /** Whether `all` looks into a folder. */
  async mayHold(folder: vscode.Uri): Promise<boolean> {
    const root = vscode.workspace.getWorkspaceFolder(folder)?.uri.path;
    if (root === undefined) return false;
    for (let each = folder; each.path.length > root.length; each = vscode.Uri.joinPath(each, '..'))
      if (!(await this.#mayEnter(each))) return false;
    return true;
  }

  async #file(uri: vscode.Uri): Promise<WorkspaceFile | undefined> {
    if (isHidden(uri) || !(await this.#exclusion.mayRead(uri))) return undefined;
    try {
      const { type, mtime, size } = await vscode.workspace.fs.stat(uri);
      if (type !== vscode.FileType.File || size === 0 || size > MAX_BYTES) return undefined;
      return { uri, path: pathOf(uri), stamp: `${mtime}:${size}`, bytes: size };
    } catch {
      return undefined; // it has just gone
    }
  }

  async #mayEnter(folder: vscode.Uri): Promise<boolean> {
    const name = nameOf(folder);
    return !name.startsWith('.') && !FOREIGN.has(name) && !isHidden(folder) && (await this.#exclusion.mayEnter(folder));
  }
}

function isSource(name: string): boolean {
  return ENDINGS.has(name.slice(name.lastIndexOf('.') + 1).toLowerCase()) && !GENERATED.test(name);
}

/** Whether the user hides it from the file tree or from searches. */
function isHidden(uri: vscode.Uri): boolean {
  const folder = vscode.workspace.getWorkspaceFolder(uri);
  const path = folder === undefined ? uri.path : uri.path.slice(folder.uri.path.replace(/\/$/, '').length + 1);
  return hiddenFiles(uri).some((glob) => matchesGlob(glob, path));
}

async function entriesOf(folder: vscode.Uri): Promise<[string, vscode.FileType][]> {
  try {
    return await vscode.workspace.fs.readDirectory(folder);
  } catch {
    return []; // gone, or not for us
  }
}

function nameOf({ path }: vscode.Uri): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
