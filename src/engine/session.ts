// Opens ONNX Runtime sessions. The only importer of onnxruntime-node.

import { dirname } from 'node:path';
import * as ort from 'onnxruntime-node';
import { t } from '../l10n';
import { EngineError } from './errors';
import { suitableThreads } from './threads';

// Where JavaScript has Float16Array, the runtime's JavaScript half makes half-precision tensors of it, which its native half cannot
// read back (onnxruntime-node 1.30). Without it, both use the bits in a Uint16Array.
Reflect.deleteProperty(globalThis, 'Float16Array');

export { Tensor } from 'onnxruntime-node';
export type Session = ort.InferenceSession;
export type TensorMap = Record<string, ort.Tensor>;

export interface SessionOptions {
  /** The bytes of a changed graph that stands in for the file's. */
  graph?: Uint8Array;
  /** Threads of a run; by default as many as suit the machine. */
  threads?: number;
  /** Outputs that stay in the memory of a WebGPU device; whoever gets them disposes of them. */
  onDevice?: readonly string[];
}

/** Names of the execution providers that this build of ONNX Runtime has. */
export function supportedDevices(): string[] {
  return ort.listSupportedBackends().map(({ name }) => name);
}

/** The version of ONNX Runtime. */
export function runtimeVersion(): string {
  return ort.env.versions.node ?? ort.env.versions.common;
}

/**
 * Opens a session.
 * @param path the ONNX file; external data is looked for beside it
 * @param device cpu, webgpu, cuda, dml or coreml
 * @throws EngineError `device_failed` where the device cannot be used; `model_damaged` where the CPU cannot load the graph
 */
export async function openSession(path: string, device: string, given: SessionOptions = {}): Promise<Session> {
  if (device === 'cpu') return open(path, ['cpu'], given, (reason) => damaged(path, reason));
  const failed = (reason: string): EngineError => new EngineError('device_failed', reason);
  const there = supportedDevices();
  if (!there.includes(device)) throw failed(t('this build of ONNX Runtime has {0}', there.join(', ')));
  return open(path, [device, 'cpu'], given, failed);
}

/** @throws EngineError `inference_failed` naming ONNX Runtime's reason */
export async function run(session: Session, feeds: TensorMap, fetches: readonly string[]): Promise<TensorMap> {
  try {
    return await session.run(feeds, [...fetches]);
  } catch (error) {
    throw new EngineError('inference_failed', t('The model could not be run: {0}', firstLine(error)), { cause: error });
  }
}

async function open(
  path: string,
  devices: string[],
  { graph, threads, onDevice }: SessionOptions,
  fault: (reason: string) => EngineError,
): Promise<Session> {
  const options: ort.InferenceSession.SessionOptions = {
    executionProviders: devices,
    graphOptimizationLevel: 'all',
    intraOpNumThreads: threads ?? suitableThreads(),
    // Shapes change at every run: plans for the memory of one would only cost.
    enableMemPattern: false,
    logSeverityLevel: 4,
    extra: { session: { model_external_initializers_file_folder_path: dirname(path) } },
    ...(onDevice === undefined
      ? {}
      : { preferredOutputLocation: Object.fromEntries(onDevice.map((name) => [name, 'gpu-buffer'])) }),
  };
  try {
    return await (graph === undefined
      ? ort.InferenceSession.create(path, options)
      : ort.InferenceSession.create(graph, options));
  } catch (error) {
    throw Object.assign(fault(firstLine(error)), { cause: error });
  }
}

function damaged(path: string, reason: string): EngineError {
  return new EngineError(
    'model_damaged',
    t('ONNX Runtime cannot load {0}: {1} Restore the file, or export the model again.', path, reason),
  );
}

function firstLine(error: unknown): string {
  const line = (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
  const text = line.replace(/^\S+\.cc:\d+ .* was false\. /, ''); // where in ONNX Runtime's source, and what was asked there
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
