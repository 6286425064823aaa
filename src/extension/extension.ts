// activate(): builds the objects, connects and registers them. No logic.

import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { Rhythm } from '../completion/rhythm';
import { t, useStrings } from '../l10n';
import type { ContextFile, MemoryState } from '../protocol';
import type * as ServerBundle from '../server/serverEngine';
import type { SequenceEntry } from '../webviewProtocol';
import { offerChatModel } from './chatProvider';
import { CompletionProvider } from './completionProvider';
import { needsRestart, readConfig, setEnabled } from './config';
import { EngineClient } from './engineClient';
import { OtherFiles } from './context/otherFiles';
import { Exclusion } from './exclusion';
import { Generate } from './generate/generate';
import { GhostStream } from './ghostStream';
import { ACCEPTED } from './items';
import { createLog } from './log';
import { LazyModels } from './models/lazyModels';
import { cacheThatFits } from './models/machine';
import { MEASURED, type Measured } from './models/measured';
import type { Marked } from './panel/editorLink';
import { History } from './panel/history';
import { Inspection } from './panel/inspection';
import { Requests } from './requests';
import { ServerConnection } from './serverConnection';
import { ServerQuestions, tellServerFailure } from './serverQuestions';
import { trySuggestion } from './sample';
import { Speed } from './speed';
import { Statistics } from './statistics';
import { StatisticsDocument } from './statisticsDocument';
import type { Facts, Status } from './status';
import { StatusBar } from './statusBar';
import { showMenu } from './statusMenu';
import { TypingWatch } from './typingWatch';
import { Warming } from './warming';
import { Why } from './why';
import { sayWhy } from './whyCommand';
import { WorkspaceMemory } from './workspaceMemory';

/** What the extension tells other code; the host tests use it. */
export interface Api {
  /** Process id of the engine. */
  enginePid: () => number | undefined;
  /** How many times suggestions have asked the model. */
  modelRequests: () => number;
  /** How many offers are remembered. */
  remembered: () => number;
  why: Why;
  statistics: Statistics;
  /** What answers the editor. */
  provider: vscode.InlineCompletionItemProvider;
  status: () => Status;
  /** Other files that the model is shown beside a document. */
  otherFiles: (document: vscode.TextDocument) => readonly ContextFile[];
  /** What the workspace memory holds; undefined while that is not known. */
  memory: () => MemoryState | undefined;
  /** Whether the engine follows what it writes, for the attention panel. */
  watching: () => boolean;
  /** What the attention panel draws in a document. */
  marked: (document: vscode.TextDocument) => Marked;
  /** What can be looked into, the newest first. */
  history: () => SequenceEntry[];
  /** What was measured of the machine last. */
  measured: () => Measured | undefined;
}

export function activate(context: vscode.ExtensionContext): Api {
  useStrings(vscode.l10n.bundle ?? {});
  const log = createLog();
  context.subscriptions.push(log);
  try {
    return start(context, log);
  } catch (error) {
    // VS Code shows nothing when an extension fails to start.
    log.error(error instanceof Error ? error : String(error));
    void vscode.window.showErrorMessage(
      t('Glassbox could not start: {0}', error instanceof Error ? error.message : String(error)),
    );
    throw error;
  }
}

function start(context: vscode.ExtensionContext, log: vscode.LogOutputChannel): Api {
  const speed = new Speed();
  const why = new Why();
  const exclusion = new Exclusion(log);
  const statistics = new Statistics({ dir: context.globalStorageUri.fsPath, log: (line) => log.warn(line) });
  const statisticsDocument = new StatisticsDocument(statistics);
  const inspectPort = Number(process.env['GLASSBOX_ENGINE_INSPECT']);
  const enginePath = join(context.extensionPath, 'dist', 'engine.js');
  const engine = new EngineClient({
    enginePath,
    log: (line) => log.info(line),
    onCompletion: (completion) => speed.add(completion),
    ...(inspectPort > 0 ? { inspectPort } : {}),
  });
  let config = readConfig();
  const otherFiles = new OtherFiles(exclusion, () => config.otherFiles, log);
  const memoryFolder = context.storageUri && vscode.Uri.joinPath(context.storageUri, 'memory');
  const memory = new WorkspaceMemory({
    engine,
    exclusion,
    enabled: () => config.workspaceMemory,
    folder: memoryFolder,
    log,
  });
  const modelDir = (): string => config.model || join(context.extensionPath, 'models', 'glassbox-small');
  const load = (): void => {
    log.info(`loading ${modelDir()} on ${config.device}`);
    const { device, threads } = config;
    const cacheMemory = cacheThatFits(config.cacheMemory);
    const stateDir = context.globalStorageUri.fsPath;
    const kept = memoryFolder === undefined ? {} : { memoryDir: memoryFolder.fsPath };
    engine.start({
      modelDir: modelDir(),
      device,
      threads,
      cacheMemory,
      stateDir,
      ...kept,
      strings: vscode.l10n.bundle ?? {},
    });
  };

  const rhythm = new Rhythm();
  const typing = new TypingWatch(rhythm, statistics);
  const history = new History();
  const questions = new ServerQuestions(context);
  const server = new ServerConnection({
    engine,
    load: () => loadServer(context),
    consent: (address) => questions.consent(address),
    key: (origin) => questions.key(origin),
    tell: (message, code) => void tellServerFailure(message, code),
    log,
    onCompletion: (completion) => speed.add(completion),
  });
  const provider: CompletionProvider = new CompletionProvider({
    engine: server,
    config: () => config,
    requests: new Requests(() => config, otherFiles),
    exclusion,
    why,
    rhythm,
    typing,
    history,
    log,
    stream: () => stream,
  });
  const stream = new GhostStream(
    () => vscode.languages.registerInlineCompletionItemProvider({ pattern: '**' }, provider),
    context.extension.id,
    log,
  );
  const warming = new Warming((editor, signal) => void provider.warm(editor, signal));
  const statusBar = new StatusBar();
  const status = (): Status => ({
    engine: engine.state,
    enabled: config.enabled,
    generating: server.generating,
    server: server.status,
  });
  const facts = (): Facts => ({ pace: speed.pace, today: statistics.today, reason: why.last });
  const showStatus = (): void => statusBar.show(status(), facts());
  const inspection = new Inspection({
    extensionUri: context.extensionUri,
    engine: engine.inside,
    history,
    exclusion,
    log,
    model: () => {
      if (server.state.kind === 'server' && history.entries.length === 0)
        return { name: '', notice: noLook(server.status?.host ?? '') };
      if (engine.state.kind === 'failed') return { name: '', notice: engine.state.reason };
      if (engine.state.kind === 'stopped' || engine.state.kind === 'loading')
        return { name: '', notice: t('The model is being loaded.') };
      const { name, kind } = engine.state.info;
      if (kind === 'encoder-decoder')
        return {
          name: '',
          notice: t('{0} is an encoder–decoder model; its attention cannot be shown. Choose a decoder for that.', name),
        };
      if (engine.completions > 0 || history.entries.length > 0) return { name };
      return {
        name,
        notice: t('No completion yet: type in an editor, and the attention of the completion appears here.'),
      };
    },
  });
  const models = new LazyModels(context.extensionPath, {
    extensionPath: context.extensionPath,
    store: join(context.globalStorageUri.fsPath, 'models'),
    config: () => config,
    secrets: context.secrets,
    memory: context.globalState,
    log,
    strings: vscode.l10n.bundle ?? {},
    engine,
    modelDir,
    load,
    stateDir: context.globalStorageUri.fsPath,
    here: context.extension.extensionKind === vscode.ExtensionKind.UI,
  });
  const generate = new Generate({
    engine: server,
    local: engine,
    config: () => config,
    history,
    memory: context.globalState,
    log,
  });
  const dismiss = (): void => {
    stream.stop();
    provider.dismiss();
    history.dismissed();
    void vscode.commands.executeCommand('editor.action.inlineSuggest.hide');
  };
  const commands: Record<string, (...args: never[]) => unknown> = {
    'glassbox.generate': () => generate.ask(),
    'glassbox.continueHere': () => generate.continueHere(),
    'glassbox.keepText': () => generate.keep(),
    'glassbox.discardText': () => generate.discard(),
    'glassbox.tryAgain': () => generate.again(),
    'glassbox.editPrompt': () => generate.editPrompt(),
    'glassbox.showAttention': () => inspection.show(),
    'glassbox.whyThisSuggestion': () => inspection.why(),
    'glassbox.toggle': () => setEnabled(!config.enabled),
    'glassbox.restartEngine': load,
    'glassbox.chooseModel': () => models.loaded().chooseModel(),
    'glassbox.setHubToken': () => models.loaded().setHubToken(),
    'glassbox.measureMachine': () => models.loaded().measureMachine(),
    'glassbox.showLog': () => log.show(),
    'glassbox.trySuggestion': trySuggestion,
    'glassbox.showMenu': () =>
      showMenu(
        { ...status(), ...facts(), threshold: config.threshold, suggested: history.latest !== undefined },
        exclusion,
      ),
    'glassbox.statistics': () => statisticsDocument.show(),
    'glassbox.eraseStatistics': () => statisticsDocument.erase(),
    'glassbox.eraseMemory': () => memory.eraseCommand(),
    'glassbox.setServerKey': async () => (await questions.askForKey(server.address)) && server.again(),
    'glassbox.serverAgain': async () => {
      if (server.status?.state === 'declined' && server.address !== undefined) await questions.forget(server.address);
      await server.again();
    },
    'glassbox.dismiss': dismiss,
    'glassbox.whyNoSuggestion': () => sayWhy(why, provider),
    [ACCEPTED]: (characters: number) => {
      stream.stop();
      typing.accepted(characters);
      history.accepted();
    },
  };

  let told: unknown;
  let toldOfDevice = false;
  let completions = 0;
  let servedBy = server.state.kind === 'server';
  server.onChange(() => {
    showStatus();
    const serves = server.state.kind === 'server';
    if (serves === servedBy) return;
    servedBy = serves;
    speed.reset();
    rhythm.reset();
    inspection.engineChanged(false);
  });
  engine.onChange(() => {
    showStatus();
    if (engine.state !== told || engine.completions !== completions)
      inspection.engineChanged(engine.state !== told && engine.state.kind !== 'ready');
    completions = engine.completions;
    if (engine.state === told) return;
    told = engine.state;
    if (engine.state.kind === 'ready') {
      const { info } = engine.state;
      speed.reset(); // it may be another model, or another device
      rhythm.reset();
      log.info(
        `ready: ${info.name} (${info.weights}) on ${info.device}, ${info.layers} layers, ${info.heads} heads, context ${info.contextLength}, loaded in ${info.loadMs.toFixed(0)} ms; its graph is ${info.graph}`,
      );
      if (info.deviceNote !== undefined) {
        log.warn(info.deviceNote);
        if (!toldOfDevice) void vscode.window.showWarningMessage(t('Glassbox: {0}', info.deviceNote));
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
    { dispose: () => statistics.dispose() },
    offerChatModel(engine, () => config, log),
    statisticsDocument,
    models,
    exclusion,
    otherFiles,
    memory,
    otherFiles.onDidChange(() => warming.moved()),
    why.onDidChange(showStatus),
    statusBar,
    stream,
    provider,
    typing,
    why,
    generate,
    warming,
    history,
    inspection,
    ...Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(name, run)),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (!event.affectsConfiguration('glassbox')) return;
      config = readConfig();
      provider.reset(); // what was offered may be another with these settings
      why.forget();
      if (!config.enabled) dismiss();
      showStatus();
      engine.unloadAfterMs = config.unloadAfterMinutes * 60_000;
      if (needsRestart(event)) load();
      void server.use(config.server);
    }),
  );
  showStatus();
  engine.unloadAfterMs = config.unloadAfterMinutes * 60_000;
  load();
  void server.use(config.server);
  return {
    enginePid: () => engine.pid,
    modelRequests: () => provider.requests,
    remembered: () => provider.remembered,
    provider,
    why,
    statistics,
    status,
    otherFiles: (document) => otherFiles.current(document),
    memory: () => memory.state,
    watching: () => inspection.watching,
    marked: (document) => inspection.link.marked(document),
    history: () => history.entries,
    measured: () => context.globalState.get<Measured>(MEASURED),
  };
}

/** The bundle that can open connections. */
function loadServer({ extensionPath }: vscode.ExtensionContext): typeof ServerBundle {
  const path = join(extensionPath, 'dist', 'server.js');
  const loaded = createRequire(path)(path) as typeof ServerBundle;
  loaded.useStrings(vscode.l10n.bundle ?? {});
  return loaded;
}

/** What the attention panel says where there is nothing of the engine to show. */
function noLook(host: string): string {
  return t(
    'Suggestions come from the server {0}. What it writes cannot be looked into: its weights are not on this machine.',
    host,
  );
}

/** Says once that the engine is down, with the ways out. */
async function tellFailure(reason: string): Promise<void> {
  const commands: Record<string, string> = {
    [t('Restart')]: 'glassbox.restartEngine',
    [t('Choose Model')]: 'glassbox.chooseModel',
    [t('Show Log')]: 'glassbox.showLog',
  };
  const choice = await vscode.window.showErrorMessage(t('Glassbox: {0}', reason), ...Object.keys(commands));
  const command = choice === undefined ? undefined : commands[choice];
  if (command !== undefined) await vscode.commands.executeCommand(command);
}
