// Choosing, fetching and removing models, and measuring the machine. A bundle of its own, loaded when a command asks for it; see lazyModels.ts.

import { join } from 'node:path';
import * as vscode from 'vscode';
import { useStrings, type Strings } from '../../l10n';
import type { Config } from '../config';
import type { EngineClient } from '../engineClient';
import { ModelPicker } from './chooseModel';
import { Hub } from './hub';
import { setHubToken } from './hubToken';
import { MeasureMachine } from './measureCommand';

/** What it needs of the extension. */
export interface ModelsParts {
  /** Folder of the extension. */
  extensionPath: string;
  /** Folder in which models are kept. */
  store: string;
  config: () => Config;
  secrets: vscode.SecretStorage;
  /** Remembers what was measured. */
  memory: vscode.Memento;
  log: vscode.LogOutputChannel;
  strings: Strings;
  engine: EngineClient;
  /** Folder of the chosen model. */
  modelDir: () => string;
  /** Loads the model anew. */
  load: () => void;
  /** Folder where the device `auto` remembers. */
  stateDir: string;
  /** In a remote window: the extension runs on the user's side of it. */
  here: boolean;
}

/** What the extension may ask for. */
export interface Models {
  /** The list of models, and what follows from the choice. */
  chooseModel: () => Promise<void>;
  /** Asks for the token that opens gated models. */
  setHubToken: () => Promise<void>;
  /** Measures the model on every device and sets the best. */
  measureMachine: () => Promise<void>;
  dispose: () => void;
}

export function startModels(parts: ModelsParts): Models {
  useStrings(parts.strings);
  const hub = new Hub(parts);
  const { remoteName } = vscode.env;
  const measuring = new MeasureMachine({
    ...parts,
    enginePath: join(parts.extensionPath, 'dist', 'engine.js'),
    place: parts.config,
    remote: remoteName === undefined ? undefined : { name: remoteName, here: parts.here },
  });
  return {
    chooseModel: () => new ModelPicker(parts, hub).show(),
    setHubToken: () => setHubToken(parts.secrets, hub.endpoint),
    measureMachine: () => measuring.run(),
    dispose: () => measuring.dispose(),
  };
}
