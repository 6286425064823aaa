// What a test file of this suite exports, and how its tests are run: one after another, each with a time limit and a
// second try, which its line names. It knows neither VS Code nor Glassbox. Called by index.ts.
import type { Driver } from '../driver';

export interface HostTest {
  name: string;
  /** Default 60 s. */
  timeoutMs?: number;
  run(t: TestContext): Promise<void> | void;
}

export interface TestContext {
  /** Absent in a desktop VS Code. */
  driver: Driver | undefined;
  /** The driver, or the test is skipped. */
  needDriver(): Driver;
  /** Ends the test here; it counts as skipped. */
  skip(reason: string): never;
  /** Runs after the test, whatever became of it; the last one first. */
  after(step: () => unknown): void;
}

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

class Skipped extends Error {}

/**
 * @param scene describes what there is to see, for a test that fails
 * @param tidy closes what a test that failed may have left open
 */
export async function runAll(
  tests: HostTest[],
  driver: Driver | undefined,
  log: (line: string) => void,
  scene: (driver: Driver | undefined) => Promise<string>,
  tidy: () => Promise<unknown>,
): Promise<Tally> {
  const tally: Tally = { passed: 0, failed: 0, skipped: 0 };
  for (const test of tests) {
    const started = performance.now();
    let seen = '';
    const look = async (): Promise<void> => {
      seen = await scene(driver);
    };
    const first = await runOne(test, driver, look);
    const again = first !== undefined && !(first instanceof Skipped);
    // A window on a busy machine loses a key or its focus now and then; what is broken fails twice.
    if (again) log(`once more ${test.name}\n${first.stack ?? first.message}\n${seen}`);
    if (again) await withLimit(10_000, tidy()).catch(() => undefined);
    const error = again ? await runOne(test, driver, look) : first;
    const seconds = ((performance.now() - started) / 1000).toFixed(2);
    if (error === undefined) {
      tally.passed += 1;
      log(`ok ${test.name} (${seconds} s${again ? ', at the second try' : ''})`);
    } else if (error instanceof Skipped) {
      tally.skipped += 1;
      log(`skipped ${test.name}: ${error.message}`);
    } else {
      tally.failed += 1;
      log(`not ok ${test.name} (${seconds} s)\n${error.stack ?? error.message}\n${seen}`);
    }
  }
  return tally;
}

/** @param look is called where the test has failed, before its traces are removed */
async function runOne(
  test: HostTest,
  driver: Driver | undefined,
  look: () => Promise<void>,
): Promise<Error | undefined> {
  const steps: (() => unknown)[] = [];
  const skip = (reason: string): never => {
    throw new Skipped(reason);
  };
  const context: TestContext = {
    driver,
    needDriver: () => driver ?? skip('needs the window driver of test/host/launcher.mjs'),
    skip,
    after: (step) => steps.push(step),
  };
  let problem: Error | undefined;
  try {
    await withLimit(test.timeoutMs ?? 60_000, test.run(context));
  } catch (error) {
    problem = asError(error);
    if (!(problem instanceof Skipped)) await withLimit(10_000, look()).catch(() => undefined);
  }
  for (const step of steps.reverse()) {
    try {
      await withLimit(10_000, step());
    } catch (error) {
      problem ??= asError(error);
    }
  }
  return problem;
}

async function withLimit(ms: number, work: unknown): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`did not end within ${ms / 1000} s`)), ms);
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
