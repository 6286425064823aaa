// Shape arithmetic as torch.onnx writes it: every dimension is read from the tensor and put together again.

import { intsTensor } from '../onnxTensors';
import type { GraphWriter } from '../onnxWriter';

/** The end of a slice that has none. */
export const OPEN_END = 2 ** 63;

/** A dimension of a value, int64 []. */
export function dimension(g: GraphWriter, value: string, axis: number): string {
  return g.node('Gather', [g.node('Shape', [value]), g.ints([axis], [])], { axis: 0 });
}

/** A shape from dimensions, scalars by name and numbers: int64 [rank]. */
export function shapeOf(g: GraphWriter, dimensions: (string | number)[]): string {
  const parts = dimensions.map((d) => (typeof d === 'number' ? g.ints([d]) : g.node('Unsqueeze', [d, g.ints([0])])));
  return g.node('Concat', parts, { axis: 0 });
}

/** x.expand(dimensions): a dimension −1 is taken for 1, which Expand leaves as it is. */
export function expand(g: GraphWriter, x: string, dimensions: (string | number)[]): string {
  const shape = g.node('Reshape', [shapeOf(g, dimensions), g.ints([-1])], { allowzero: 0 });
  const ones = g.node('ConstantOfShape', [g.node('Shape', [shape])], { value: { tensor: intsTensor([1]) } });
  const open = g.node('Equal', [shape, g.node('Mul', [ones, g.ints([-1], [])])]);
  return g.node('Expand', [x, g.node('Where', [open, ones, shape])]);
}

/** x[…, from:to] along an axis; the bounds are int64 [1], by name or number. */
export function slice(g: GraphWriter, x: string, from: string | number, to: string | number, axis: number): string {
  const bound = (at: string | number): string => (typeof at === 'number' ? g.ints([at]) : at);
  return g.node('Slice', [x, bound(from), bound(to), g.ints([axis]), g.ints([1])]);
}
