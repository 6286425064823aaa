// Choosing, fetching and removing models. A bundle of its own, loaded when a command asks for it; see lazyModels.ts.

import type * as vscode from 'vscode';
import { useStrings, type Strings } from '../../l10n';
import type { Config } from '../config';
import { ModelPicker } from './chooseModel';
import { Hub } from './hub';
import { setHubToken } from './hubToken';

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
}

/** What the extension may ask for. */
export interface Models {
  /** The list of models, and what follows from the choice. */
  chooseModel: () => Promise<void>;
  /** Asks for the token that opens gated models. */
  setHubToken: () => Promise<void>;
}

export function startModels(parts: ModelsParts): Models {
  useStrings(parts.strings);
  const hub = new Hub(parts);
  return {
    chooseModel: () => new ModelPicker(parts, hub).show(),
    setHubToken: () => setHubToken(parts.secrets, hub.endpoint),
  };
}
