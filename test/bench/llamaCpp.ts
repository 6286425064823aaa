// llama.cpp through node-llama-cpp, on the CPU, at the level of token ids.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadPeer } from '../../models/gguf/peer';
import { serve } from './serve';

/** What is used of the package. */
interface Llama {
  loadModel(options: { modelPath: string }): Promise<LlamaModel>;
  readonly maxThreads: number;
}
interface LlamaModel {
  createContext(options: object): Promise<LlamaContext>;
}
interface LlamaContext {
  getSequence(): Sequence;
  readonly flashAttention: boolean | string;
  readonly idealThreads: number;
  readonly batchSize: number;
}
interface Sequence {
  readonly nextTokenIndex: number;
  clearHistory(): Promise<void>;
  adaptStateToTokens(tokens: readonly number[], allowShift: boolean): Promise<void>;
  evaluate(tokens: readonly number[], options: object): AsyncGenerator<number>;
}

const peers = join(process.cwd(), '.peers');
/** Largest batch for prefill; llama.cpp's own default. */
const BATCH = 512;
let sequence: Sequence;

await serve({
  async load({ path, threads, contextLength, flashAttention }) {
    const peer = await loadPeer(peers);
    const options = { build: 'never', gpu: false, logLevel: peer.LlamaLogLevel.error, maxThreads: threads ?? 0 };
    const llama = (await peer.getLlama(options)) as unknown as Llama;
    const model = await llama.loadModel({ modelPath: path });
    const context = await model.createContext({
      contextSize: contextLength,
      batchSize: BATCH,
      flashAttention: flashAttention ?? 'auto',
      ...(threads === undefined ? {} : { threads }),
    });
    sequence = context.getSequence();
    const file = join(peers, 'node_modules', 'node-llama-cpp', 'package.json');
    const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
    return {
      version: `node-llama-cpp ${version}`,
      device: 'cpu',
      threads: context.idealThreads,
      flashAttention: context.flashAttention,
    };
  },
  forget: () => sequence.clearHistory(),
  greedy: async function* (ids) {
    await sequence.adaptStateToTokens(ids.slice(0, -1), false);
    yield* sequence.evaluate(ids.slice(sequence.nextTokenIndex), { temperature: 0, yieldEogToken: true });
  },
});
