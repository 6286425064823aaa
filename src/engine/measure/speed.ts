// How fast the machine is for any model in four bits, for estimates of models that are not here yet: a token that is written reads all
// weights once, and a token of a prompt costs a multiplication for each weight.

import type { MachineSpeed } from '../../jobProtocol';
import { OnnxGraph } from '../build/onnxFile';
import { BLOCK } from '../build/quantise';
import { openSession, run, Tensor } from '../session';

/** A matrix [COLUMNS, ROWS] in four bits that fits no cache of a processor: 80 MiB with its scales. */
const ROWS = 4096;
const COLUMNS = 32_768;
const CODES = (ROWS * COLUMNS) / 2;
const SCALES = (ROWS * COLUMNS) / BLOCK;
/** Rows multiplied by it at once; reading it once is then next to nothing. */
const MANY = 64;
/** The least time of so many runs counts, after one that pays for what is set up. */
const RUNS = 5;

/** Measures both with as many threads as suit the machine; takes a second or two and 260 MB. @throws EngineError */
export async function machineSpeed(): Promise<MachineSpeed> {
  const session = await openSession('', 'cpu', { graph: product() });
  const seconds = async (rows: number): Promise<number> => {
    const a = new Tensor('float32', new Float32Array(rows * ROWS).fill(0.01), [rows, ROWS]);
    let least = Infinity;
    for (let i = 0; i <= RUNS; i++) {
      const start = performance.now();
      await run(session, { a }, ['c']);
      if (i > 0) least = Math.min(least, performance.now() - start);
    }
    return least / 1000;
  };
  try {
    const [one, many] = [await seconds(1), await seconds(MANY)];
    return { bytesPerSecond: (CODES + 4 * SCALES) / one, macsPerSecond: (MANY * ROWS * COLUMNS) / many };
  } finally {
    await session.release();
  }
}

/** An ONNX model that gives c = a · b, b in four bits as built models have it. */
function product(): Uint8Array {
  const graph = new OnnxGraph({ file: -1, name: '' }); // nothing of it is in a file
  const blocks = ROWS / BLOCK;
  graph.constant('codes', 'uint8', new Uint8Array(CODES).fill(0x7a), [COLUMNS, blocks, BLOCK / 2]);
  graph.constant('scales', 'float32', new Float32Array(SCALES).fill(0.01), [COLUMNS * blocks]);
  const sizes = { K: { int: ROWS }, N: { int: COLUMNS }, bits: { int: 4 }, block_size: { int: BLOCK } };
  graph.node('MatMulNBits', ['a', 'codes', 'scales'], 'c', { ...sizes, accuracy_level: { int: 4 } }, 'com.microsoft');
  return graph.finish(
    [{ name: 'a', type: 'float32', shape: ['rows', ROWS] }],
    [{ name: 'c', type: 'float32', shape: ['rows', COLUMNS] }],
    'product',
  );
}
