// Where a list, sorted from its largest value down, reaches a given mass: found without sorting it.

/** The place: what is larger than `value` lies before it, and so do the first `equal` of those that are equal. */
export interface Cut {
  value: number;
  equal: number;
}

const BUCKETS = 1024;
/** [bucket] mass of the values in it. */
const bucketMass = new Float64Array(BUCKETS);
/** The values and masses among which the cut still lies; kept from call to call. */
let open = new Float64Array(0);
let openMass = new Float64Array(0);

/**
 * The smallest number of largest values whose masses reach `wanted`; all of them where they do not.
 *
 * Each round shares the range of the values that are still open into equal buckets, finds the bucket in which the mass is reached, and
 * goes on with the values in it. The largest and the smallest never share a bucket, so it ends; with the logits of a model after three or four rounds.
 * @param values [count] finite
 * @param masses [count] not negative, equal for equal values
 * @param count at least 1
 */
export function cutAt(values: Float64Array, masses: Float64Array, count: number, wanted: number): Cut {
  if (open.length < count) {
    open = new Float64Array(values.length);
    openMass = new Float64Array(values.length);
  }
  let [from, fromMass] = [values, masses];
  let reached = 0;
  for (let left = count; ;) {
    const [smallest, largest] = rangeOf(from, left);
    if (largest === smallest)
      return { value: largest, equal: equalNeeded(left, fromMass[0] as number, reached, wanted) };
    const scale = (BUCKETS - 1) / (largest - smallest);
    addUp(from, fromMass, left, largest, scale, bucketMass);
    const last = ((largest - smallest) * scale) | 0;
    let bucket = 0;
    for (; bucket < last && reached + (bucketMass[bucket] as number) < wanted; bucket++)
      reached += bucketMass[bucket] as number;
    left = moveBucket(from, fromMass, left, largest, scale, bucket, open, openMass);
    [from, fromMass] = [open, openMass];
  }
}

function rangeOf(values: Float64Array, count: number): [smallest: number, largest: number] {
  let smallest = Infinity;
  let largest = -Infinity;
  for (let i = 0; i < count; i++) {
    const value = values[i] as number;
    if (value < smallest) smallest = value;
    if (value > largest) largest = value;
  }
  return [smallest, largest];
}

/** Adds the mass of every value to its bucket's. */
function addUp(
  values: Float64Array,
  masses: Float64Array,
  count: number,
  largest: number,
  scale: number,
  sums: Float64Array,
): void {
  sums.fill(0);
  for (let i = 0; i < count; i++) {
    const bucket = ((largest - (values[i] as number)) * scale) | 0;
    sums[bucket] = (sums[bucket] as number) + (masses[i] as number);
  }
}

/** Copies the values and masses of one bucket to the front of others, or of the same. @returns how many */
function moveBucket(
  values: Float64Array,
  masses: Float64Array,
  count: number,
  largest: number,
  scale: number,
  bucket: number,
  to: Float64Array,
  toMass: Float64Array,
): number {
  let kept = 0;
  for (let i = 0; i < count; i++) {
    const value = values[i] as number;
    if ((((largest - value) * scale) | 0) !== bucket) continue;
    to[kept] = value;
    toMass[kept++] = masses[i] as number;
  }
  return kept;
}

/** How many of `count` equal masses it takes, one by one, from `reached` to `wanted`; at least 1, for the cut lies among them. */
function equalNeeded(count: number, mass: number, reached: number, wanted: number): number {
  let needed = 1;
  for (let sum = reached + mass; sum < wanted && needed < count; sum += mass) needed++;
  return needed;
}
