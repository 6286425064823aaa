// How fast the machine reads memory and multiplies, for estimates of models that are not here yet: a token that is written reads all
// weights once, and a token of a prompt costs a multiplication for each weight.

import type { MachineSpeed } from '../../jobProtocol';
import { concat, lengthField, stringField, varintField } from '../protobuf';
import { makeNode, ELEMENT } from '../graph/onnx';
import { openSession, run, Tensor } from '../session';

/** A matrix [ROWS, COLUMNS] of float32 that fits no cache of a processor: 128 MiB. */
const ROWS = 4096;
const COLUMNS = 8192;
/** Rows multiplied by it at once; reading it once is then next to nothing. */
const MANY = 64;
/** The least time of so many runs counts, after one that pays for what is set up. */
const RUNS = 5;

/** Measures both with as many threads as suit the machine; takes a second or two and 130 MB. @throws EngineError */
export async function machineSpeed(): Promise<MachineSpeed> {
  const session = await openSession('', 'cpu', { graph: product() });
  const matrix = new Tensor('float32', new Float32Array(ROWS * COLUMNS).fill(0.01), [ROWS, COLUMNS]);
  const seconds = async (rows: number): Promise<number> => {
    const a = new Tensor('float32', new Float32Array(rows * ROWS).fill(0.01), [rows, ROWS]);
    let least = Infinity;
    for (let i = 0; i <= RUNS; i++) {
      const start = performance.now();
      await run(session, { a, b: matrix }, ['c']);
      if (i > 0) least = Math.min(least, performance.now() - start);
    }
    return least / 1000;
  };
  try {
    const [one, many] = [await seconds(1), await seconds(MANY)];
    return { bytesPerSecond: (4 * ROWS * COLUMNS) / one, macsPerSecond: (MANY * ROWS * COLUMNS) / many };
  } finally {
    await session.release();
  }
}

/** An ONNX model that gives c = a · b of two matrices. Field numbers: onnx/onnx.proto of github.com/onnx/onnx. */
function product(): Uint8Array {
  const value = (name: string): Uint8Array =>
    concat([stringField(1, name), lengthField(2, lengthField(1, varintField(1, ELEMENT.float32)))]);
  const graph = concat([
    lengthField(1, makeNode('MatMul', ['a', 'b'], ['c']).bytes),
    stringField(2, 'product'),
    lengthField(11, value('a')),
    lengthField(11, value('b')),
    lengthField(12, value('c')),
  ]);
  return concat([
    varintField(1, 8), // the version of the format
    lengthField(7, graph),
    lengthField(8, concat([stringField(1, ''), varintField(2, 17)])), // the version of the standard operators
  ]);
}
