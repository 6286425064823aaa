// The attention panel in the extension host: one webview panel that shows one head's weights over the last completion.
// It knows neither the engine nor the editor, only a source of maps. Opened by the command, restored by VS Code.
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import { t } from '../l10n';
import type { AttentionMap, ModelInfo } from '../protocol';
import type { ToWebview } from '../webviewProtocol';
import { attentionPage, readMessage } from './attentionPage';

/** Where the maps come from. */
export interface AttentionSource {
  /** One head's map of the last completion; rejects with an Error whose message is for people. */
  attention(layer: number, head: number): Promise<AttentionMap>;
  /** The loaded model, or undefined with the reason in words. */
  model(): { info: ModelInfo } | { notice: string };
  /** Fires after each finished completion and after the engine's state changed. */
  readonly onDidChange: vscode.Event<void>;
}

const VIEW_TYPE = 'glassbox.attention';
/** A map takes the engine's time: it is asked for when no completion has ended for this long, in milliseconds. */
const QUIET = 400;

export class AttentionPanel implements vscode.Disposable {
  static #current: AttentionPanel | undefined;

  /** Opens the panel beside the editor, or brings the open one to the front. */
  static show(extensionUri: vscode.Uri, source: AttentionSource, options: { preserveFocus?: boolean } = {}): void {
    const preserveFocus = options.preserveFocus ?? false;
    if (AttentionPanel.#current) {
      AttentionPanel.#current.#panel.reveal(undefined, preserveFocus);
      return;
    }
    const column = { viewColumn: vscode.ViewColumn.Beside, preserveFocus };
    const panel = vscode.window.createWebviewPanel(VIEW_TYPE, t('Attention'), column);
    AttentionPanel.#current = new AttentionPanel(panel, extensionUri, source);
  }

  /** Lets VS Code bring the panel back after a reload. Disposing ends that and closes the panel. */
  static register(extensionUri: vscode.Uri, source: AttentionSource): vscode.Disposable {
    const serializer = vscode.window.registerWebviewPanelSerializer(VIEW_TYPE, {
      deserializeWebviewPanel(panel): Promise<void> {
        AttentionPanel.#current?.dispose();
        AttentionPanel.#current = new AttentionPanel(panel, extensionUri, source);
        return Promise.resolve();
      },
    });
    return vscode.Disposable.from(serializer, { dispose: () => AttentionPanel.#current?.dispose() });
  }

  readonly #panel: vscode.WebviewPanel;
  readonly #source: AttentionSource;
  readonly #subscriptions: vscode.Disposable[] = [];
  /** The head on show; undefined until the page has said that it listens. */
  #wanted: { layer: number; head: number } | undefined;
  /** A map is being fetched. */
  #busy = false;
  /** Something changed while a map was being fetched. */
  #again = false;
  #timer: NodeJS.Timeout | undefined;

  private constructor(panel: vscode.WebviewPanel, extensionUri: vscode.Uri, source: AttentionSource) {
    this.#panel = panel;
    this.#source = source;
    const file = (...path: string[]): vscode.Uri => vscode.Uri.joinPath(extensionUri, ...path);
    const { webview } = panel;
    panel.iconPath = file('media', 'icon.svg');
    this.#subscriptions.push(
      panel.onDidDispose(() => this.dispose()),
      panel.onDidChangeViewState(() => this.#onViewState()),
      webview.onDidReceiveMessage((message: unknown) => this.#onMessage(message)),
      source.onDidChange(() => this.#refreshSoon()),
    );
    webview.options = { enableScripts: true, localResourceRoots: [file('dist'), file('media')] };
    webview.html = attentionPage({
      nonce: randomBytes(16).toString('base64'),
      cspSource: webview.cspSource,
      script: webview.asWebviewUri(file('dist', 'webview.js')).toString(),
      style: webview.asWebviewUri(file('media', 'panel.css')).toString(),
      language: vscode.env.language,
      strings: vscode.l10n.bundle ?? {},
    });
  }

  dispose(): void {
    if (AttentionPanel.#current === this) AttentionPanel.#current = undefined;
    this.#wanted = undefined;
    clearTimeout(this.#timer);
    for (const subscription of this.#subscriptions.splice(0)) subscription.dispose();
    this.#panel.dispose();
  }

  #onMessage(message: unknown): void {
    const known = readMessage(message);
    if (!known) return;
    this.#wanted = { layer: known.layer, head: known.head };
    this.#refresh();
  }

  /** A hidden page is destroyed by VS Code; the next one says `ready` again. */
  #onViewState(): void {
    if (!this.#panel.visible) this.#wanted = undefined;
  }

  #refreshSoon(): void {
    if (!this.#wanted) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#refresh(), QUIET);
  }

  /** Fetches and posts the wanted head; one fetch at a time, and one more when something changed meanwhile. */
  #refresh(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#again = this.#busy;
    const wanted = this.#wanted;
    if (this.#busy || !wanted) return;
    this.#busy = true;
    void this.#answer(wanted.layer, wanted.head).then((answer) => {
      this.#busy = false;
      if (this.#wanted) void this.#panel.webview.postMessage(answer);
      if (this.#again) this.#refresh();
    });
  }

  /** What there is to show for this head, or for the last one that the model has. Never rejects. */
  async #answer(layer: number, head: number): Promise<ToWebview> {
    try {
      const model = this.#source.model();
      if ('notice' in model) return { type: 'notice', text: model.notice };
      const { name, layers, heads } = model.info;
      const map = await this.#source.attention(Math.min(layer, layers - 1), Math.min(head, heads - 1));
      return { type: 'map', map: { ...map, weights: alone(map.weights) }, layers, heads, model: name };
    } catch (error) {
      return { type: 'notice', text: error instanceof Error ? error.message : String(error) };
    }
  }
}

/** The weights in a buffer of their own: a message carries a view's whole buffer. */
function alone(weights: Float32Array<ArrayBuffer>): Float32Array<ArrayBuffer> {
  return weights.byteLength === weights.buffer.byteLength ? weights : weights.slice();
}
