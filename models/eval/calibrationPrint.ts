// The calibration as tables for people, each bin with a bar: what was right, and a mark where it should end.

import type { Calibration, Reliability } from './calibration';
import { table } from './table';

/** Characters of a bar from 0 to 1. */
const WIDTH = 40;

/** Both diagrams. */
export function printCalibration({ threshold, before, after }: Calibration): string {
  return (
    `Calibration: ${before.count} offers shown from ${threshold}; # what was right, | what was predicted\n` +
    `the model alone: ECE ${before.ece.toFixed(3)}, Brier score ${before.brier.toFixed(3)}\n${diagram(before)}` +
    `as it is given: ECE ${after.ece.toFixed(3)}, Brier score ${after.brier.toFixed(3)}\n${diagram(after)}`
  );
}

function diagram({ bins }: Reliability): string {
  const rows = bins.flatMap(({ count, predicted, observed }, i): string[][] => {
    if (count === 0) return [];
    const from = (i / bins.length).toFixed(1);
    return [[from, String(count), predicted.toFixed(2), observed.toFixed(2), bar(observed, predicted)]];
  });
  return table(['from', 'offers', 'predicted', 'right', ''.padEnd(WIDTH + 1)], rows);
}

/** A bar of the length `share`, with a mark at `mark`; both in [0, 1]. */
function bar(share: number, mark: number): string {
  const cells: string[] = Array.from({ length: WIDTH + 1 }, (_, i) => (i < Math.round(share * WIDTH) ? '#' : ' '));
  cells[Math.round(mark * WIDTH)] = '|';
  return cells.join('');
}
