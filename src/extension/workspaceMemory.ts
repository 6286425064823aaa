// Keeps the engine's workspace memory in step with the workspace's files: sends what is new while nobody types and nothing is generated,
// takes out what is gone or excluded, and erases all of it when it is not wanted. What the memory makes of the texts is the engine's matter.

import * as vscode from 'vscode';
import { t } from '../l10n';
import type { MemoryFile, MemoryState } from '../protocol';
import { turnMemoryOff } from './config';
import { readText } from './context/reading';
import { isForWriting, pathOf } from './documents';
import type { EngineClient } from './engineClient';
import type { Exclusion } from './exclusion';
import { runsOnBattery } from '../machine/power';
import { WorkspaceFiles, type WorkspaceFile } from './workspaceFiles';

/** Most files, and most bytes of all of them. */
const MAX_FILES = 5000;
const MAX_BYTES = 64 * 2 ** 20;
/** Files and characters that are sent at once. */
const BATCH_FILES = 32;
const BATCH_CHARS = 200_000;
/** Nothing is done until nobody has typed for this long, in milliseconds. */
const CALM_MS = 1000;
/** Changes on disk are collected for this long, in milliseconds; more of them than this at once, and all files are looked through. */
const COLLECT_MS = 1000;
const MANY_CHANGES = 200;
/** How often it is seen whether the machine is plugged in again, in milliseconds. */
const PLUG_MS = 10_000;

export interface MemoryParts {
  engine: EngineClient;
  exclusion: Exclusion;
  /** Whether the user wants it. */
  enabled: () => boolean;
  /** Where the engine keeps it; undefined without a workspace. */
  folder: vscode.Uri | undefined;
  log: vscode.LogOutputChannel;
}

/** The work was given up: the engine is gone, or nothing is to be remembered any more. */
class GivenUp extends Error {}

export class WorkspaceMemory implements vscode.Disposable {
  readonly #parts: MemoryParts;
  readonly #files: WorkspaceFiles;
  readonly #subscriptions: vscode.Disposable[];
  /** What the engine said last. */
  #state: MemoryState | undefined;
  /** Files that may have changed, by their address. */
  readonly #touched = new Map<string, vscode.Uri>();
  /** Stamps of files that are not to be sent, for this window: read, and not written by people. */
  readonly #refused = new Map<string, string>();
  #all = true;
  #working = false;
  /** The user erased it: nothing is remembered until the workspace is opened anew. */
  #erased = false;
  #typedAt = 0;
  #pid: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #plug: NodeJS.Timeout | undefined;
  #disposed = false;

  constructor(parts: MemoryParts) {
    this.#parts = parts;
    this.#files = new WorkspaceFiles(parts.exclusion);
    const watcher = vscode.workspace.createFileSystemWatcher('**/*');
    const touch = (uri: vscode.Uri): void => {
      this.#touched.set(uri.toString(), uri);
      this.#soon();
    };
    const lookThroughAll = (): void => {
      this.#refused.clear();
      this.#all = true;
      this.#soon();
    };
    this.#subscriptions = [
      watcher,
      watcher.onDidCreate(touch),
      watcher.onDidChange(touch),
      watcher.onDidDelete(touch),
      // Not every file system can be watched.
      vscode.workspace.onDidSaveTextDocument(({ uri }) => touch(uri)),
      vscode.workspace.onDidDeleteFiles(({ files }) => files.forEach(touch)),
      vscode.workspace.onDidRenameFiles(({ files }) =>
        files.forEach((file) => [file.oldUri, file.newUri].forEach(touch)),
      ),
      vscode.workspace.onDidChangeTextDocument(({ document }) => {
        if (isForWriting(document)) this.#typedAt = Date.now(); // the log is none
      }),
      vscode.workspace.onDidChangeWorkspaceFolders(lookThroughAll),
      vscode.workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration('glassbox.workspaceMemory')) this.#erased = false;
        if (
          ['glassbox.workspaceMemory', 'files.exclude', 'search.exclude'].some((key) => event.affectsConfiguration(key))
        )
          lookThroughAll();
      }),
      parts.exclusion.onDidChange(lookThroughAll),
      { dispose: parts.engine.onChange(() => this.#engineChanged()) },
    ];
    this.#engineChanged();
  }

  /** What the memory holds; undefined while that is not known. */
  get state(): MemoryState | undefined {
    return this.#state;
  }

  get #wanted(): boolean {
    return this.#parts.enabled() && !this.#erased;
  }

  /** An encoder–decoder model suggests nothing, and remembers nothing. */
  get #hasMemory(): boolean {
    const { state } = this.#parts.engine;
    return state.kind !== 'ready' || state.info.kind === 'decoder';
  }

  /** Erases it, on disk too. @throws EngineFailure */
  async erase(): Promise<void> {
    const { engine, folder, log } = this.#parts;
    if ((engine.state.kind === 'ready' && this.#hasMemory) || engine.state.kind === 'loading')
      await engine.eraseMemory();
    else if (folder !== undefined)
      await vscode.workspace.fs.delete(folder, { recursive: true }).then(undefined, () => undefined); // there may be none
    this.#state = { stamps: {}, tokens: 0, bytes: 0 };
    log.info('workspace memory: erased');
  }

  /** The command: asks, erases, and says what was erased. */
  async eraseCommand(): Promise<void> {
    const files = Object.keys(this.#state?.stamps ?? {}).length;
    const erase = t('Erase');
    const choice = await vscode.window.showWarningMessage(
      t('Erase what Glassbox remembers of this workspace, {0} files? The files themselves are not touched.', files),
      erase,
    );
    if (choice !== erase) return;
    this.#erased = true;
    try {
      await this.erase();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      void vscode.window.showErrorMessage(t('The workspace memory could not be erased: {0}', reason));
      return;
    }
    const turnOff = t('Turn Off');
    const next = await vscode.window.showInformationMessage(
      t(
        'The memory of {0} files was erased. It is built again when the workspace is opened next, unless you turn it off.',
        files,
      ),
      turnOff,
    );
    if (next === turnOff) await turnMemoryOff();
  }

  dispose(): void {
    this.#disposed = true;
    clearTimeout(this.#timer);
    clearInterval(this.#plug);
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  #engineChanged(): void {
    const { engine } = this.#parts;
    if (engine.state.kind !== 'ready' || engine.pid === this.#pid) return;
    if (!this.#hasMemory) return;
    this.#pid = engine.pid; // another process: it may have lost what was sent last
    this.#all = true;
    this.#soon();
  }

  /** Not put off by what comes meanwhile: a log in the workspace may be written without end. */
  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#work();
    }, COLLECT_MS);
  }

  /** Has all files looked through once more when the machine no longer runs on its battery. */
  #whenPluggedIn(): void {
    this.#plug ??= setInterval(() => {
      if (runsOnBattery()) return;
      clearInterval(this.#plug);
      this.#plug = undefined;
      this.#all = true;
      this.#soon();
    }, PLUG_MS);
  }

  async #work(): Promise<void> {
    if (this.#working || this.#disposed || this.#parts.folder === undefined || !this.#hasMemory) return;
    this.#working = true;
    try {
      while (this.#all || this.#touched.size > 0) await this.#round();
    } catch (error) {
      // When the engine is back, all files are looked through.
      if (!(error instanceof GivenUp))
        this.#parts.log.warn(`workspace memory: ${error instanceof Error ? error.message : String(error)}`);
      else if (this.#parts.engine.state.kind === 'ready') this.#soon();
    } finally {
      this.#working = false;
    }
  }

  async #round(): Promise<void> {
    await this.#calm();
    const all = this.#all || this.#touched.size > MANY_CHANGES;
    const touched = [...this.#touched.values()];
    this.#all = false;
    this.#touched.clear();
    if (!this.#wanted) {
      if (all && (await this.#remember([], [])) > 0) await this.erase();
      return;
    }
    if (!all) return this.#update(touched);
    try {
      await this.#lookThrough();
    } catch (error) {
      this.#all = true; // it was not finished
      throw error;
    }
  }

  /** Sends what has changed since the engine was told last, of all files. */
  async #lookThrough(): Promise<void> {
    const start = performance.now();
    await this.#remember([], []); // what it holds from earlier
    // On the battery, what is remembered already will do; what is gone or excluded is forgotten all the same.
    const sparing = runsOnBattery() && Object.keys(this.#state?.stamps ?? {}).length > 0;
    const found = new Set<string>();
    let bytes = 0;
    let changed: WorkspaceFile[] = [];
    let sent = 0;
    for await (const file of this.#files.all(() => this.#calm())) {
      if (found.size === MAX_FILES || bytes + file.bytes > MAX_BYTES) {
        this.#parts.log.info(`workspace memory: no more than ${MAX_FILES} files and ${MAX_BYTES} bytes are read`);
        break;
      }
      found.add(file.path);
      bytes += file.bytes;
      if (this.#knows(file)) continue;
      if (sparing) {
        this.#whenPluggedIn();
        continue;
      }
      changed.push(file);
      if (changed.length < BATCH_FILES) continue;
      sent += await this.#send(changed);
      changed = [];
    }
    sent += await this.#send(changed);
    const gone = Object.keys(this.#state?.stamps ?? {}).filter((path) => !found.has(path));
    if (gone.length > 0) await this.#remember([], gone);
    const { stamps = {}, tokens = 0 } = this.#state ?? {};
    this.#parts.log.info(
      `workspace memory: ${Object.keys(stamps).length} files, ${tokens} tokens; ${sent} sent, ${gone.length} forgotten, ${(performance.now() - start).toFixed(0)} ms`,
    );
  }

  /** Sends what has changed of the files at some addresses; where a folder was, all that was in it is gone. */
  async #update(uris: readonly vscode.Uri[]): Promise<void> {
    const changed: WorkspaceFile[] = [];
    const gone: string[] = [];
    for (const uri of uris) {
      const file = await this.#files.one(uri);
      if (file === undefined) {
        const path = pathOf(uri);
        gone.push(
          ...Object.keys(this.#state?.stamps ?? {}).filter((one) => one === path || one.startsWith(`${path}/`)),
        );
        if ((await isFolder(uri)) && (await this.#files.mayHold(uri))) this.#all = true; // it may have been moved here
      } else if (!this.#knows(file)) changed.push(file);
    }
    if (gone.length > 0) await this.#remember([], gone);
    await this.#send(changed);
  }

  #knows({ path, stamp }: WorkspaceFile): boolean {
    return this.#state?.stamps[path] === stamp || this.#refused.get(path) === stamp;
  }

  /** @returns how many of the files were sent */
  async #send(files: readonly WorkspaceFile[]): Promise<number> {
    let sent = 0;
    let batch: MemoryFile[] = [];
    let chars = 0;
    for (const { uri, path, stamp } of files) {
      const text = await readText(uri, this.#parts.exclusion);
      if (text === undefined) {
        this.#refused.set(path, stamp);
        continue;
      }
      batch.push({ path, stamp, text });
      chars += text.length;
      sent++;
      if (chars < BATCH_CHARS) continue;
      await this.#remember(batch, []);
      [batch, chars] = [[], 0];
    }
    if (batch.length > 0) await this.#remember(batch, []);
    return sent;
  }

  /** @returns how many files the memory holds now */
  async #remember(files: MemoryFile[], forget: string[]): Promise<number> {
    await this.#calm();
    if (files.length > 0 && !this.#wanted) throw new GivenUp();
    this.#state = await this.#parts.engine.remember(files, forget);
    return Object.keys(this.#state.stamps).length;
  }

  /** Resolves when nobody types and nothing is generated. @throws GivenUp when there is no engine to tell: it is not woken for this */
  async #calm(): Promise<void> {
    const { engine } = this.#parts;
    for (;;) {
      if (this.#disposed || engine.state.kind !== 'ready') throw new GivenUp();
      const wait = Math.max(this.#typedAt + CALM_MS - Date.now(), engine.generating ? CALM_MS / 4 : 0);
      if (wait <= 0) return;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

async function isFolder(uri: vscode.Uri): Promise<boolean> {
  try {
    return (await vscode.workspace.fs.stat(uri)).type === vscode.FileType.Directory;
  } catch {
    return false;
  }
}
