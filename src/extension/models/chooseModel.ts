// The command Choose Model: the list, filled while what is slow to find out arrives, and what follows from the choice.

import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { readCatalog, REPOSITORY } from '../../catalog/entry';
import type { StoredModel } from '../../download';
import { t } from '../../l10n';
import { setModel } from '../config';
import { modelEntries, type Choice, type ModelEntry, type ModelFacts } from './entries';
import { fetchModel, type Wanted } from './fetching';
import type { Hub } from './hub';
import { MachineSpeed } from './machineSpeed';
import type { ModelsParts } from './models';
import { removeStored } from './removing';

const EXAMPLE = 'Qwen/Qwen2.5-Coder-0.5B';
const SHIPPED = ['models', 'glassbox-small'];

type Item = vscode.QuickPickItem & { entry: ModelEntry };

/** Its words and its sign may have changed meanwhile. */
function doesTheSame({ entry: a }: Item, { entry: b }: Item): boolean {
  return JSON.stringify(a.choice) === JSON.stringify(b.choice);
}

export class ModelPicker {
  readonly #parts: ModelsParts;
  readonly #hub: Hub;
  readonly #speed: MachineSpeed;

  constructor(parts: ModelsParts, hub: Hub) {
    this.#parts = parts;
    this.#hub = hub;
    this.#speed = new MachineSpeed(parts);
  }

  /** Shows the list until something is chosen, and does it. */
  async show(): Promise<void> {
    const choice = await this.#pick();
    if (choice !== undefined) await this.#do(choice);
  }

  /** @returns undefined where the list was closed */
  #pick(): Promise<Choice | undefined> {
    const pick = vscode.window.createQuickPick<Item>();
    pick.title = t('Choose Model');
    pick.placeholder = t('Everything runs on this machine. What is downloaded stays until you remove it.');
    pick.matchOnDescription = pick.matchOnDetail = true;
    pick.busy = true;
    let closed = false;
    let asking = false;
    let measuring = !this.#speed.known;
    const fill = async (): Promise<void> => {
      const entries = modelEntries({ ...(await this.#facts()), measuring });
      if (closed) return;
      const active = pick.activeItems[0];
      pick.items = entries.map(toItem);
      // Where none was active, the editor's own choice stays: the first that fits what has been typed.
      const same = pick.items.find((item) => active !== undefined && doesTheSame(item, active));
      if (same !== undefined) pick.activeItems = [same];
    };
    const failed = (error: unknown): void => void this.#parts.log.error(String(error));
    const measured = async (): Promise<void> => {
      if (!measuring) return;
      await this.#speed.measure();
      measuring = false; // what is not known now will not be
      await fill();
    };
    // The list is there at once; where the machine has not been measured yet, speeds and the recommendation follow.
    void fill()
      .then(measured)
      .catch(failed)
      .finally(() => (pick.busy = false));
    return new Promise((resolve) => {
      pick.onDidTriggerItemButton(async ({ item }) => {
        asking = true; // another box takes the place of the list until that is answered
        if (item.entry.removes !== undefined)
          await removeStored(this.#parts, this.#hub, item.entry.removes, item.label);
        await fill().catch(failed);
        asking = false;
        pick.show();
      });
      pick.onDidAccept(() => {
        resolve(pick.activeItems[0]?.entry.choice);
        pick.hide();
      });
      pick.onDidHide(() => {
        if (asking) return;
        closed = true;
        this.#speed.stop();
        resolve(undefined);
        pick.dispose();
      });
      pick.show();
    });
  }

  async #facts(): Promise<Omit<ModelFacts, 'measuring'>> {
    const { extensionPath, store, config } = this.#parts;
    const models = await this.#hub.room.storedModels(store);
    const { size } = await stat(join(extensionPath, ...SHIPPED, 'onnx', 'model_quantized.onnx'));
    return {
      inUse: config().model,
      shippedBytes: size,
      stored: models.filter((model) => model.complete && hasGraph(model)),
      partial: models
        .filter((model) => !model.complete || !hasGraph(model))
        .map(({ name, bytes, dir, complete }) => ({ name, bytes, dir, whole: complete })),
      catalog: readCatalog(readFileSync(join(extensionPath, 'models', 'catalog.json'), 'utf8')),
      machine: this.#speed.facts,
    };
  }

  async #do(choice: Choice): Promise<void> {
    switch (choice.kind) {
      case 'use':
        return this.#use(choice.dir);
      case 'folder':
        return this.#askFolder();
      case 'hub': {
        const wanted = await askRepository();
        return wanted && this.#bring(wanted);
      }
      case 'fetch':
        return this.#bring(choice);
    }
  }

  async #bring(wanted: Wanted): Promise<void> {
    const dir = await fetchModel(this.#parts, this.#hub, wanted, this.#speed.facts);
    if (dir !== undefined) await this.#use(dir);
  }

  async #askFolder(): Promise<void> {
    const chosen = await vscode.window.showOpenDialog({
      canSelectFiles: false,
      canSelectFolders: true,
      title: t('A model folder, with config.json, tokenizer.json and onnx/model.onnx'),
      openLabel: t('Use This Model'),
    });
    if (chosen?.[0] !== undefined) await this.#use(chosen[0].fsPath);
  }

  /** The engine starts anew by the change of the setting, and says itself what it cannot load. */
  async #use(dir: string): Promise<void> {
    if (this.#parts.config().model === dir) return;
    this.#parts.log.info(`model chosen: ${dir === '' ? 'the one that comes with Glassbox' : dir}`);
    await setModel(dir);
  }
}

/** A repository of the hub: owner/name, with @revision behind it where somebody wants a certain one, or its address. */
async function askRepository(): Promise<Wanted | undefined> {
  const text = await vscode.window.showInputBox({
    title: t('A model of the hub'),
    prompt: t('owner/name, or its address; a branch or commit may follow after @'),
    placeHolder: EXAMPLE,
    ignoreFocusOut: true,
    validateInput: (given) =>
      given.trim() === '' || parseRepository(given) !== undefined
        ? undefined
        : t('Write owner/name, such as {0}.', EXAMPLE),
  });
  return text === undefined ? undefined : parseRepository(text);
}

/** @returns undefined where `text` names no repository */
export function parseRepository(text: string): Wanted | undefined {
  const address = text
    .trim()
    .replace(/^https?:\/\/[^/]+\//, '')
    .replace(/\/(?:tree|blob)\/([^/]+).*$/, '@$1');
  const [name = '', revision, ...more] = address.split('@');
  if (more.length > 0 || !REPOSITORY.test(name) || revision === '') return undefined;
  return { name, ...(revision === undefined ? {} : { revision }) };
}

function hasGraph({ files }: StoredModel): boolean {
  return files.some(({ path }) => path.endsWith('.onnx'));
}

function toItem(entry: ModelEntry): Item {
  const { Default, Separator } = vscode.QuickPickItemKind;
  const remove = { iconPath: new vscode.ThemeIcon('trash'), tooltip: t('Remove from this machine') };
  return {
    label: entry.label,
    kind: entry.choice === undefined ? Separator : Default,
    ...(entry.description === undefined ? {} : { description: entry.description }),
    ...(entry.detail === undefined ? {} : { detail: entry.detail }),
    buttons: entry.removes === undefined ? [] : [remove],
    entry,
  };
}
