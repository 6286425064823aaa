// Runs the model over the tokens that are sure and over guesses at what follows, so that one run may answer for several tokens. What is
// sampled from its logits is what would have been sampled without the guesses: a wrong one is forgotten before anything is drawn after it.
// Up to rounding: with 8-bit activations, how a run rounds depends on how many tokens are in it.

import type { DraftPolicy, Kind } from './draftPolicy';
import type { Draft } from './drafts';
import type { ForwardModel } from './generate';
import type { Typed } from './healing';
import type { KvCache } from './kvCache';
import { makeRoom } from './sliding';

/** Guesses what comes, and learns what came. */
export interface Drafter {
  readonly policy: Pick<DraftPolicy, 'plan' | 'ran' | 'judged' | 'forgot'>;
  /** At most `most` guesses at what follows the tokens so far; `typed` is what has to be written anew first. */
  draft(most: number, typed?: Typed): Draft;
  /** Takes the token that was sampled. */
  push(id: number): void;
}

/** What a completion took of the model. */
export interface RunCounts {
  /** Runs, those of the prompt included. */
  runs: number;
  /** Guessed tokens that were run, and those of them that were right. */
  drafted: number;
  accepted: number;
}

export class Lookahead {
  readonly #model: ForwardModel;
  readonly #cache: KvCache;
  readonly #drafts: Drafter | undefined;
  /** Most tokens that the cache may hold; undefined: it never comes to that. */
  readonly #window: number | undefined;
  readonly counts: RunCounts;
  /** [token, vocab] The logits after the last token that is sure, and after each guess in the run. */
  #rows: Float32Array = new Float32Array();
  #vocab = 0;
  #draft: Draft = { ids: [], kinds: [] };
  /** How many of the guesses were in the run, and how many have been right. */
  #drafted = 0;
  #right = 0;
  /** No guess has been wrong yet. */
  #open = false;

  constructor(
    model: ForwardModel,
    cache: KvCache,
    drafts: Drafter | undefined,
    counts: RunCounts,
    window: number | undefined,
  ) {
    this.#model = model;
    this.#cache = cache;
    this.#drafts = drafts;
    this.counts = counts;
    this.#window = window;
  }

  /** [vocab] The model's logits after the tokens so far. */
  get logits(): Float32Array {
    return this.#rows.subarray(this.#right * this.#vocab, (this.#right + 1) * this.#vocab);
  }

  /**
   * Runs tokens that are sure, and guesses after them.
   * @param room most guesses that can be of use
   * @param typed what of the text after `ids` has to be written anew
   * @throws EngineError `inference_failed`
   */
  async run(ids: readonly number[], room: number, typed?: Typed): Promise<void> {
    this.#forget();
    let most = Math.min(room, this.#model.chunk - ids.length);
    if (this.#window !== undefined) {
      // Guesses take what room there is and make none: the text would depend on them.
      await makeRoom(this.#model, this.#cache, ids.length, this.#window);
      most = Math.min(most, this.#window - this.#cache.length - ids.length);
    }
    this.#draft = this.#drafts === undefined || most <= 0 ? { ids: [], kinds: [] } : this.#drafts.draft(most, typed);
    this.#drafted = this.#drafts?.policy.plan(this.#draft.kinds, ids.length) ?? 0;
    this.#right = 0;
    this.#open = true;
    const start = performance.now();
    this.#rows =
      this.#drafted === 0
        ? await this.#model.forward(ids, this.#cache)
        : await this.#model.forward(
            [...ids, ...this.#draft.ids.slice(0, this.#drafted)],
            this.#cache,
            this.#drafted + 1,
          );
    this.#drafts?.policy.ran(ids.length, this.#drafted, performance.now() - start);
    this.counts.runs++;
    this.counts.drafted += this.#drafted;
    this.#vocab = this.#rows.length / (this.#drafted + 1);
  }

  /**
   * Takes the token that was sampled from `logits`.
   * @returns true when the logits after it are there; false when it has to be run
   */
  take(id: number): boolean {
    const guessed = this.#draft.ids[this.#right];
    const inRun = this.#right < this.#drafted;
    // One guess beyond the run is judged, too: so it is known what a longer draft, or any, would have gained.
    if (guessed !== undefined) this.#judge(guessed === id, inRun);
    this.#open = inRun && guessed === id;
    if (!this.#open) return false;
    this.#right++;
    this.counts.accepted++;
    return true;
  }

  /** Nothing more is wanted: what was guessed beyond gained nothing. */
  end(): void {
    if (this.#open && this.#right < this.#drafted) this.#judge(false, true);
    this.#open = false;
  }

  #judge(right: boolean, inRun: boolean): void {
    this.#drafts?.policy.judged(this.#draft.kinds[this.#right] as Kind, right, inRun);
  }

  /** Takes the guesses that were wrong, and those after them, out of the cache. */
  #forget(): void {
    const wrong = this.#drafted - this.#right;
    if (wrong === 0) return;
    const start = performance.now();
    this.#cache.truncate(this.#cache.ids.length - wrong);
    this.#drafts?.policy.forgot(performance.now() - start);
  }
}
