// Which files are never read for suggestions, and in which there are none: files of secrets, those the user excludes, and those that
// .gitignore names. Whoever reads a file for the model asks here first.

import * as vscode from 'vscode';
import { matchesGlob } from '../completion/globs';
import { isSecretFile } from '../completion/secrets';
import { exclusionsFor } from './config';
import { fileOf } from './documents';
import { Gitignored } from './gitignore';

/** Why a file is excluded. */
export type Exclusions = 'secret' | 'exclude' | 'gitignore';

export class Exclusion implements vscode.Disposable {
  readonly #log: vscode.LogOutputChannel;
  readonly #gitignored: Gitignored;
  readonly #changed = new vscode.EventEmitter<void>();
  /** Other files may be excluded than before. */
  readonly onDidChange = this.#changed.event;
  readonly #subscriptions: vscode.Disposable[];

  constructor(log: vscode.LogOutputChannel) {
    this.#log = log;
    this.#gitignored = new Gitignored(() => this.#changed.fire());
    this.#subscriptions = [
      this.#gitignored,
      this.#changed,
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration('glassbox.exclude') || event.affectsConfiguration('glassbox.gitignore'))
          this.#changed.fire();
      }),
    ];
  }

  /** Why there are no suggestions in a document; undefined where there are. */
  reasonAgainst(document: vscode.TextDocument): Promise<Exclusions | undefined> {
    return this.#reason(fileOf(document), 'all');
  }

  /** Whether a file may be read for suggestions elsewhere. */
  async mayRead(uri: vscode.Uri): Promise<boolean> {
    return (await this.#reason(uri, 'read')) === undefined;
  }

  /** Whether files in a folder may be read; those that may not for themselves apart. */
  async mayEnter(folder: vscode.Uri): Promise<boolean> {
    return (await this.#reason(folder, 'read', true)) === undefined;
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  /** @param use what is asked: whether there are suggestions in the file (`all` alone excludes ignored files), or whether it may be read */
  async #reason(uri: vscode.Uri, use: 'all' | 'read', isFolder = false): Promise<Exclusions | undefined> {
    if (isSecretFile(uri.path)) return 'secret';
    const { exclude, gitignore } = exclusionsFor(uri);
    const path = inFolder(uri) ?? uri.path;
    // A pattern that begins with / may be meant for the folder or for the whole path.
    const excludes = (glob: string): boolean =>
      matchesGlob(glob, path) || (glob.startsWith('/') && matchesGlob(glob, uri.path));
    if (exclude.some(excludes)) return 'exclude';
    if (gitignore === 'none' || (use === 'all' && gitignore === 'read')) return undefined;
    try {
      const ignored = await (isFolder ? this.#gitignored.hasFolder(uri) : this.#gitignored.has(uri));
      return ignored ? 'gitignore' : undefined;
    } catch (error) {
      this.#log.warn(`.gitignore of ${uri.toString()}: ${error instanceof Error ? error.message : String(error)}`);
      return 'gitignore'; // it is worse to read too much than too little
    }
  }
}

/** The path inside its workspace folder, with '/'; of an old version of a file in a comparison, too, whose scheme is another. */
function inFolder(uri: vscode.Uri): string | undefined {
  const holds = (folder: vscode.WorkspaceFolder): boolean =>
    uri.path.startsWith(`${folder.uri.path.replace(/\/$/, '')}/`);
  const folder = vscode.workspace.getWorkspaceFolder(uri) ?? vscode.workspace.workspaceFolders?.find(holds);
  return folder === undefined ? undefined : uri.path.slice(folder.uri.path.replace(/\/$/, '').length + 1);
}
