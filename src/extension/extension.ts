// activate(): builds the objects, connects and registers them. No logic.

import { join } from 'node:path';
import * as vscode from 'vscode';
import { AttentionPanel, type AttentionSource } from './attentionPanel';
import { ACCEPTED, CompletionProvider } from './completionProvider';
import { needsRestart, readConfig, setEnabled } from './config';
import { EngineClient } from './engineClient';
import { continueCommand, generateCommand } from './generate';
import { GhostStream } from './ghostStream';
import { createLog } from './log';
import { showMenu, StatusBar, type Status } from './statusBar';
import { Warming } from './warming';

/** What the extension tells other code; the host tests use it. */
export interface Api {
  /** Process id of the engine. */
  enginePid: () => number | undefined;
  /** How many times suggestions have asked the model. */
  modelRequests: () => number;
  status: () => Status;
}

export function activate(context: vscode.ExtensionContext): Api {
  const log = createLog();
  context.subscriptions.push(log);
  try {
    return start(context, log);
  } catch (error) {
    // VS Code shows nothing when an extension fails to start.
    log.error(error instanceof Error ? error : String(error));
    void vscode.window.showErrorMessage(
      `Glassbox could not start: ${error instanceof Error ? error.message : String(error)}`,
    );
    throw error;
  }
}

function start(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): Api {
  const inspectPort = Number(process.env['GLASSBOX_ENGINE_INSPECT']);
  const engine = new EngineClient({
    enginePath: join(context.extensionPath, 'dist', 'engine.js'),
    log: (line) => log.info(line),
    ...(inspectPort > 0 ? { inspectPort } : {}),
  });
  let config = readConfig();
  const load = (): void => {
    const modelDir = config.model || join(context.extensionPath, 'models', 'glassbox-small');
    log.info(`loading ${modelDir} on ${config.device}`);
    const { device, threads, cacheMemory } = config;
    engine.start({ modelDir, device, threads, cacheMemory, stateDir: context.globalStorageUri.fsPath });
  };

  const provider: CompletionProvider = new CompletionProvider(
    engine,
    () => config,
    () => stream,
    log,
  );
  const stream = new GhostStream(
    () => vscode.languages.registerInlineCompletionItemProvider({ pattern: '**' }, provider),
    context.extension.id,
    log,
  );
  const warming = new Warming((editor, signal) => void provider.warm(editor, signal));
  const statusBar = new StatusBar();
  const status = (): Status => ({ engine: engine.state, enabled: config.enabled, generating: engine.generating });
  const changed = new vscode.EventEmitter<void>();
  const attention: AttentionSource = {
    onDidChange: changed.event,
    attention: (layer, head) => engine.attention(layer, head),
    model: () => {
      if (engine.state.kind === 'failed') return { notice: engine.state.reason };
      if (engine.state.kind === 'stopped' || engine.state.kind === 'loading')
        return { notice: 'The model is being loaded.' };
      if (engine.completions === 0)
        return { notice: 'No completion yet: type in an editor, and the attention of the completion appears here.' };
      return { info: engine.state.info };
    },
  };
  const parts = { engine, config: () => config, memory: context.globalState, log };
  const dismiss = (): void => {
    stream.stop();
    provider.dismiss();
    void vscode.commands.executeCommand('editor.action.inlineSuggest.hide');
  };
  const commands: Record<string, () => unknown> = {
    'glassbox.generate': () => generateCommand(parts),
    'glassbox.continueHere': () => continueCommand(parts),
    'glassbox.showAttention': () => AttentionPanel.show(context.extensionUri, attention),
    'glassbox.toggle': () => setEnabled(!config.enabled),
    'glassbox.restartEngine': load,
    'glassbox.showLog': () => log.show(),
    'glassbox.showMenu': () => showMenu(status()),
    'glassbox.dismiss': dismiss,
    [ACCEPTED]: () => stream.stop(),
  };

  let told: unknown;
  let toldOfDevice = false;
  let completions = 0;
  engine.onChange(() => {
    const now = status();
    statusBar.show(now);
    if (engine.state !== told || engine.completions !== completions) changed.fire();
    completions = engine.completions;
    if (engine.state === told) return;
    told = engine.state;
    if (engine.state.kind === 'ready') {
      const { info } = engine.state;
      log.info(
        `ready: ${info.name} (${info.weights}) on ${info.device}, ${info.layers} layers, ${info.heads} heads, context ${info.contextLength}, loaded in ${info.loadMs.toFixed(0)} ms; its graph is ${info.graph}`,
      );
      if (info.deviceNote !== undefined) {
        log.warn(info.deviceNote);
        if (!toldOfDevice) void vscode.window.showWarningMessage(`Glassbox: ${info.deviceNote}`);
        toldOfDevice = true;
      }
      warming.moved();
    } else if (engine.state.kind === 'failed') {
      log.error(engine.state.reason);
      void tellFailure(engine.state.reason);
    }
  });

  context.subscriptions.push(
    { dispose: () => engine.dispose() },
    statusBar,
    stream,
    warming,
    changed,
    AttentionPanel.register(context.extensionUri, attention),
    ...Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(name, run)),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (!event.affectsConfiguration('glassbox')) return;
      config = readConfig();
      if (!config.enabled) dismiss();
      statusBar.show(status());
      engine.unloadAfterMs = config.unloadAfterMinutes * 60_000;
      if (needsRestart(event)) load();
    }),
  );
  statusBar.show(status());
  engine.unloadAfterMs = config.unloadAfterMinutes * 60_000;
  load();
  return { enginePid: () => engine.pid, modelRequests: () => provider.requests, status };
}

/** Says once that the engine is down, with the ways out. */
async function tellFailure(reason: string): Promise<void> {
  const commands: Record<string, string> = { Restart: 'glassbox.restartEngine', 'Show Log': 'glassbox.showLog' };
  const choice = await vscode.window.showErrorMessage(`Glassbox: ${reason}`, ...Object.keys(commands));
  const command = choice === undefined ? undefined : commands[choice];
  if (command !== undefined) await vscode.commands.executeCommand(command);
}
