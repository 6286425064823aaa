// What the user decides about a server: whether text may be sent there, and with which key. Consent and keys belong to an origin (scheme,
// host and port), and never to another one.

import * as vscode from 'vscode';
import { t } from '../l10n';
import type { Address } from '../server/address';

const CONSENT = 'serverConsent';

export class ServerQuestions {
  readonly #memory: vscode.Memento;
  readonly #secrets: vscode.SecretStorage;

  constructor({ globalState, secrets }: Pick<vscode.ExtensionContext, 'globalState' | 'secrets'>) {
    this.#memory = globalState;
    this.#secrets = secrets;
  }

  /** Whether text may go to an address; asked once, and remembered. */
  async consent(address: Address): Promise<boolean> {
    const { origin, host, encrypted } = address;
    const known = this.#answers()[origin];
    if (known !== undefined) return known;
    const send = t('Send Text to {0}', host);
    const detail = [
      t(
        'Suggestions and Generate would come from the server that glassbox.server.url names. The text around the cursor, parts of other open files and their paths leave this machine. Files that are excluded and files of keys are never sent.',
      ),
      ...(encrypted ? [] : [t('The connection is not encrypted: anybody on the way can read what is sent.')]),
    ];
    const answer = await vscode.window.showWarningMessage(
      t('Glassbox: the text of your files will be sent to {0}.', host),
      { modal: true, detail: detail.join('\n\n') },
      send,
    );
    await this.#memory.update(CONSENT, { ...this.#answers(), [origin]: answer === send });
    return answer === send;
  }

  /** The question may be asked again. */
  async forget({ origin }: Address): Promise<void> {
    const others = Object.entries(this.#answers()).filter(([each]) => each !== origin);
    await this.#memory.update(CONSENT, Object.fromEntries(others));
  }

  key(origin: string): Promise<string | undefined> {
    return Promise.resolve(this.#secrets.get(secretOf(origin)));
  }

  /**
   * Asks for the key of a server.
   * @returns whether it has another one now
   */
  async askForKey(address: Address | undefined): Promise<boolean> {
    if (address === undefined) {
      void vscode.window.showInformationMessage(t('Set glassbox.server.url first: a key belongs to one server.'));
      return false;
    }
    const { origin, host, encrypted, local } = address;
    const key = await vscode.window.showInputBox({
      title: t('Key for {0}', host),
      prompt: t('It is kept in the secret storage of the editor and sent to {0} alone. Empty: forget it.', origin),
      password: true,
      ignoreFocusOut: true,
    });
    if (key === undefined) return false;
    if (key.trim() === '') {
      await this.#secrets.delete(secretOf(origin));
      return true;
    }
    if (!encrypted && !local) {
      const store = t('Send It All the Same');
      const answer = await vscode.window.showWarningMessage(
        t('The connection to {0} is not encrypted: anybody on the way can read the key.', host),
        { modal: true },
        store,
      );
      if (answer !== store) return false;
    }
    await this.#secrets.store(secretOf(origin), key.trim());
    return true;
  }

  #answers(): Readonly<Record<string, boolean>> {
    return this.#memory.get(CONSENT, {});
  }
}

function secretOf(origin: string): string {
  return `glassbox.serverKey ${origin}`;
}

/** Says that a server fails, with the ways out. */
export async function tellServerFailure(message: string, code: string): Promise<void> {
  const settings = t('Open Settings');
  const key = t('Set Key');
  const again = t('Try Again');
  const ways = code === 'key' ? [key, again] : code === 'address' ? [settings] : [again, settings];
  const choice = await vscode.window.showWarningMessage(
    code === 'address'
      ? t('Glassbox: {0}', message)
      : t('Glassbox: {0} Until it answers, the model on this machine takes its place.', message),
    ...ways,
  );
  if (choice === settings)
    await vscode.commands.executeCommand(
      'workbench.action.openSettings',
      '@id:glassbox.server.url @id:glassbox.server.model',
    );
  if (choice === key) await vscode.commands.executeCommand('glassbox.setServerKey');
  if (choice === again) await vscode.commands.executeCommand('glassbox.serverAgain');
}
