// The command that measures the machine with the chosen model, sets what is best, and shows what was measured in a read-only document. While
// it measures, the engine rests.

import * as vscode from 'vscode';
import type { MeasureJob, Measurement } from '../../jobProtocol';
import { t } from '../../l10n';
import { setPlace, type Place } from '../config';
import type { EngineClient } from '../engineClient';
import { EngineFailure } from '../engineState';
import { runJob } from './job';
import { machineFacts, type Remote } from './machine';
import { MEASURED } from './measured';
import { isSame, measureReport, placeName, settingsFor, type Measured } from './measureReport';

const SCHEME = 'glassbox-machine';

export interface MeasureParts {
  /** The engine's bundle. */
  enginePath: string;
  engine: EngineClient;
  /** Folder of the chosen model. */
  modelDir: () => string;
  /** Where it runs by the settings. */
  place: () => Place;
  /** Folder where the device `auto` remembers. */
  stateDir: string;
  /** Loads the model anew. */
  load: () => void;
  memory: vscode.Memento;
  /** Undefined where the window is no remote one. */
  remote: Remote | undefined;
  log: vscode.LogOutputChannel;
}

export class MeasureMachine implements vscode.TextDocumentContentProvider, vscode.Disposable {
  readonly #parts: MeasureParts;
  readonly #changed = new vscode.EventEmitter<vscode.Uri>();
  readonly onDidChange = this.#changed.event;
  readonly #subscriptions: vscode.Disposable[];
  #measuring = false;

  constructor(parts: MeasureParts) {
    this.#parts = parts;
    this.#subscriptions = [this.#changed, vscode.workspace.registerTextDocumentContentProvider(SCHEME, this)];
  }

  /** What was measured last, in this window or another. */
  get last(): Measured | undefined {
    return this.#parts.memory.get<Measured>(MEASURED);
  }

  provideTextDocumentContent(): string {
    const { last } = this;
    return last === undefined ? '' : measureReport(last, vscode.env.language);
  }

  /** The command: measures, sets the best, and shows the table. */
  async run(): Promise<void> {
    if (this.#measuring) {
      void vscode.window.showInformationMessage(t('This machine is being measured already.'));
      return;
    }
    const { engine, load } = this.#parts;
    this.#measuring = true;
    let best: Measurement['best'] | undefined;
    try {
      const measurement = await this.#measure();
      best = measurement?.best;
      if (measurement !== undefined) await this.#apply(measurement);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      this.#parts.log.error(`measuring: ${reason}`);
      void vscode.window.showErrorMessage(t('Glassbox could not measure this machine: {0}', reason));
    } finally {
      this.#measuring = false;
      // It sleeps, or somebody woke it: then on the device that `auto` came to before.
      const { state } = engine;
      if (
        state.kind === 'asleep' ||
        (state.kind === 'ready' && (best?.device ?? state.info.device) !== state.info.device)
      )
        load();
    }
  }

  /** Shows the table. */
  async show(): Promise<void> {
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${t('Glassbox on This Machine')}.md` });
    this.#changed.fire(uri); // a document opened before may be an old one
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
  }

  dispose(): void {
    for (const subscription of this.#subscriptions) subscription.dispose();
  }

  /** @returns undefined where it was cancelled @throws EngineFailure */
  #measure(): Thenable<Measurement | undefined> {
    const { enginePath, engine, modelDir, place, stateDir, log } = this.#parts;
    const options = {
      location: vscode.ProgressLocation.Notification,
      title: t('Glassbox measures this machine'),
      cancellable: true,
    };
    return vscode.window.withProgress(options, async (progress, token) => {
      progress.report({ message: t('waiting until the model has answered') });
      const abort = new AbortController();
      token.onCancellationRequested(() => abort.abort());
      const rested = await engine.rest(abort.signal);
      const { threads } = place();
      const job: MeasureJob = { type: 'measure', modelDir: modelDir(), stateDir, set: threads };
      let done = 0;
      try {
        return await runJob<Measurement>(enginePath, job, {
          signal: abort.signal,
          strings: vscode.l10n.bundle ?? {},
          log: (line) => log.info(line),
          onProgress: ({ doing, fraction = done }) => {
            progress.report({ message: doing, increment: 100 * Math.max(0, fraction - done) });
            done = Math.max(done, fraction);
          },
        });
      } catch (error) {
        if (abort.signal.aborted && error instanceof EngineFailure) return undefined;
        throw error;
      } finally {
        rested();
      }
    });
  }

  /** Sets what is best, remembers and shows what was measured, and offers the way back. */
  async #apply(measurement: Measurement): Promise<void> {
    const { place, remote, memory, log } = this.#parts;
    const before = place();
    const after = settingsFor(measurement.best, before);
    const facts = machineFacts();
    const measured: Measured = {
      ...{ measurement, facts, before, after, at: Date.now() },
      ...(remote === undefined ? {} : { remote }),
    };
    await memory.update(MEASURED, measured);
    log.info(`measured: ${JSON.stringify(measurement)}`);
    await setPlace(after);
    await this.show();
    const name = placeName(measurement.best.device, measurement.best.threads);
    const same = isSame(before, after);
    const showTable = t('Show Table');
    const undo = t('Undo');
    const said = same
      ? t('Glassbox: best here is {0}, and the settings come to that already.', name)
      : t('Glassbox: best here is {0}, and it is used from now on.', name);
    void vscode.window.showInformationMessage(said, ...(same ? [] : [undo]), showTable).then(async (choice) => {
      if (choice === undo) await setPlace(before);
      if (choice === showTable) await this.show();
    });
  }
}
