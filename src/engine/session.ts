// Opens ONNX Runtime sessions. The only importer of onnxruntime-node.

import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import * as ort from 'onnxruntime-node';
import { EngineError } from './errors';

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
}

export interface OpenedSession {
  session: Session;
  /** Where it runs. */
  device: string;
  /** Set when another device was asked for: why it could not be used. */
  deviceNote?: string;
}

/**
 * Opens a session on `device`, or on the CPU where that device cannot be used.
 * @param path the ONNX file; external data is looked for beside it
 * @param device cpu, webgpu, cuda, dml or coreml
 * @throws EngineError `model_damaged` when the graph cannot be loaded on the CPU either
 */
export async function openSession(path: string, device: string, given: SessionOptions = {}): Promise<OpenedSession> {
  let deviceNote: string | undefined;
  if (device !== 'cpu') {
    try {
      const there = ort.listSupportedBackends().map(({ name }) => name);
      if (!there.includes(device)) throw new Error(`this build of ONNX Runtime has ${there.join(', ')}`);
      return { session: await create(path, [device, 'cpu'], given), device };
    } catch (error) {
      deviceNote = `The device ${device} cannot run this model here (${firstLine(error).replace(/\.$/, '')}); it runs on the CPU. Change the setting glassbox.device to cpu to silence this.`;
    }
  }
  try {
    const session = await create(path, ['cpu'], given);
    return { session, device: 'cpu', ...(deviceNote === undefined ? {} : { deviceNote }) };
  } catch (error) {
    throw new EngineError(
      'model_damaged',
      `ONNX Runtime cannot load ${path}: ${firstLine(error)} Restore the file, or export the model again.`,
      { cause: error },
    );
  }
}

/** @throws EngineError `inference_failed` naming ONNX Runtime's reason */
export async function run(session: Session, feeds: TensorMap, fetches: readonly string[]): Promise<TensorMap> {
  try {
    return await session.run(feeds, [...fetches]);
  } catch (error) {
    throw new EngineError('inference_failed', `The model could not be run: ${firstLine(error)}`, { cause: error });
  }
}

async function create(path: string, devices: string[], { graph, threads }: SessionOptions): Promise<Session> {
  const options: ort.InferenceSession.SessionOptions = {
    executionProviders: devices,
    graphOptimizationLevel: 'all',
    intraOpNumThreads: threads ?? suitableThreads(),
    // Shapes change at every run: plans for the memory of one would only cost.
    enableMemPattern: false,
    logSeverityLevel: 4,
    extra: { session: { model_external_initializers_file_folder_path: dirname(path) } },
  };
  return graph === undefined ? ort.InferenceSession.create(path, options) : ort.InferenceSession.create(graph, options);
}

/** Every core of a small machine, half of a larger one's: the editor and its language servers want the rest. */
function suitableThreads(): number {
  const cores = availableParallelism();
  return cores <= 4 ? cores : Math.min(8, Math.ceil(cores / 2));
}

function firstLine(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
