// Remembers which device was best for a model on a machine: one JSON file, so that nothing is measured twice.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Machine, WeightsStamp } from './devices';

export interface Choice {
  /** The device to use. */
  device: string;
  /** Why, for people. */
  reason: string;
  /** Trials that were begun and did not end: the process was killed, or the machine with it. */
  unfinished: number;
}

/** A trial that was broken off this often is not begun again. */
const MOST_TRIALS = 2;
/** Choices beyond this many are forgotten, the oldest first. */
const MOST_CHOICES = 50;

export class DeviceRecord {
  readonly #file: string;
  readonly #key: string;

  /**
   * @param dir where the file lies; made where it is not there
   * @param weights, machine what the choice is for: any change makes it another
   */
  constructor(dir: string, weights: WeightsStamp, machine: Machine) {
    this.#file = join(dir, 'devices.json');
    this.#key = createHash('sha256')
      .update(JSON.stringify([weights, machine]))
      .digest('hex')
      .slice(0, 32);
  }

  /** The choice; undefined where it has to be measured. */
  get choice(): Choice | undefined {
    const known = this.#read()[this.#key];
    return known !== undefined && (known.unfinished === 0 || known.unfinished >= MOST_TRIALS) ? known : undefined;
  }

  /** Notes that a trial begins, before it does: what ends it may end this process, too. */
  begin(): void {
    const unfinished = (this.#read()[this.#key]?.unfinished ?? 0) + 1;
    this.#write({ device: 'cpu', reason: 'a trial of other devices did not end', unfinished });
  }

  end(device: string, reason: string): void {
    this.#write({ device, reason, unfinished: 0 });
  }

  /** What the file holds; nothing where it is missing or damaged. */
  #read(): Record<string, Choice> {
    try {
      const all: unknown = JSON.parse(readFileSync(this.#file, 'utf8'));
      if (typeof all !== 'object' || all === null) return {};
      return Object.fromEntries(Object.entries(all).filter((entry): entry is [string, Choice] => isChoice(entry[1])));
    } catch {
      return {};
    }
  }

  #write(choice: Choice): void {
    const others = Object.entries(this.#read()).filter(([key]) => key !== this.#key);
    const all = Object.fromEntries([...others.slice(1 - MOST_CHOICES), [this.#key, choice]]);
    try {
      mkdirSync(join(this.#file, '..'), { recursive: true });
      const draft = `${this.#file}.${process.pid}`;
      writeFileSync(draft, JSON.stringify(all, undefined, 2));
      renameSync(draft, this.#file);
    } catch {
      // a folder that cannot be written: it is measured again another time
    }
  }
}

function isChoice(value: unknown): value is Choice {
  const { device, reason, unfinished } = (value ?? {}) as Record<string, unknown>;
  return typeof device === 'string' && typeof reason === 'string' && Number.isInteger(unfinished);
}
