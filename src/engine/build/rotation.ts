// How far each pair of a head turns from one position to the next (Su et al. 2021), with the stretchings of it that configurations ask for.

/** What a configuration says of the rotation. */
export interface Rotation {
  theta: number;
  scaling:
    | { type: 'none' }
    /** Positions are divided by a factor (Chen et al. 2023). */
    | { type: 'linear'; factor: number }
    /** Slow pairs turn slower by a factor, fast ones as before, those between in between (Llama 3.1). */
    | { type: 'llama3'; factor: number; low: number; high: number; original: number };
}

/**
 * Radians that pair d of a head turns per position, d from 0 to headDim / 2: θ^(−2d/headDim), stretched.
 * With llama3, a pair of wavelength w = 2π/f keeps its f where original/w > high, has f/factor where original/w < low, and between them
 * (1 − s)·f/factor + s·f with s = (original/w − low) / (high − low).
 */
export function frequencies({ theta, scaling }: Rotation, headDim: number): Float64Array {
  return Float64Array.from({ length: headDim / 2 }, (_, d) => {
    const plain = theta ** ((-2 * d) / headDim);
    if (scaling.type === 'none') return plain;
    if (scaling.type === 'linear') return plain / scaling.factor;
    const { factor, low, high, original } = scaling;
    const turns = (original * plain) / (2 * Math.PI); // in the context that the model was first made for
    if (turns > high) return plain;
    if (turns < low) return plain / factor;
    const kept = (turns - low) / (high - low);
    return ((1 - kept) * plain) / factor + kept * plain;
  });
}
