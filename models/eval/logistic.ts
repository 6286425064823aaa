// Logistic regression with a few inputs, by Newton's method (iteratively reweighted least squares).

/** Steps; the likelihood is concave, and a handful suffice. */
const STEPS = 30;
/** Weight of a prior that keeps the weights finite where the data does not: as if each had been drawn around 0 with the variance 1 / PRIOR. */
const PRIOR = 1e-3;

/**
 * The weights that maximise Σ log p(right | inputs), p = 1 / (1 + exp(−weights · inputs)).
 * @param rows [row][input]; an input that is always 1 makes an offset
 * @param right [row]
 * @returns [input]
 */
export function logisticRegression(rows: readonly (readonly number[])[], right: readonly boolean[]): number[] {
  const size = rows[0]?.length ?? 0;
  const weights = new Array<number>(size).fill(0);
  for (let step = 0; step < STEPS; step++) {
    const gradient = weights.map((weight) => -PRIOR * weight);
    const curvature = weights.map((_, i) => weights.map((__, j) => (i === j ? PRIOR : 0)));
    for (const [r, row] of rows.entries()) {
      const p = 1 / (1 + Math.exp(-dot(weights, row)));
      for (let i = 0; i < size; i++) {
        const input = row[i] as number;
        gradient[i] = (gradient[i] as number) + input * (Number(right[r]) - p);
        const line = curvature[i] as number[];
        for (let j = 0; j < size; j++) line[j] = (line[j] as number) + p * (1 - p) * input * (row[j] as number);
      }
    }
    const change = solve(curvature, gradient);
    for (let i = 0; i < size; i++) weights[i] = (weights[i] as number) + (change[i] as number);
    if (Math.max(...change.map(Math.abs)) < 1e-10) break;
  }
  return weights;
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
}

/** x with A x = b, by elimination (Gauss); A is symmetric and positive definite. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, i) => [...row, right[i] as number]);
  const size = rows.length;
  for (let i = 0; i < size; i++) {
    const pivot = rows[i] as number[];
    for (let k = i + 1; k < size; k++) {
      const row = rows[k] as number[];
      const factor = (row[i] as number) / (pivot[i] as number);
      for (let j = i; j <= size; j++) row[j] = (row[j] as number) - factor * (pivot[j] as number);
    }
  }
  const x = new Array<number>(size).fill(0);
  for (let i = size - 1; i >= 0; i--) {
    const row = rows[i] as number[];
    let rest = row[size] as number;
    for (let j = i + 1; j < size; j++) rest -= (row[j] as number) * (x[j] as number);
    x[i] = rest / (row[i] as number);
  }
  return x;
}
