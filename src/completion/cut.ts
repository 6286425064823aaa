// The names of what ends a suggestion or keeps it from being shown, where it was our rules and not the model.

/** Why a text ends where it does, or why nothing of it is shown. */
export type Cut =
  /** The block, or the line, is complete. */
  | 'complete'
  /** What would follow stands after the cursor already, or in the line below. */
  | 'repeats-below'
  /** What would follow says the lines above again. */
  | 'repeats-above'
  /** The text runs in circles. */
  | 'loop'
  /** It closes a bracket that nothing opened. */
  | 'unbalanced'
  /** It was the last, half line of a text that had to end. */
  | 'half-line'
  /** It looks like a password or a key. */
  | 'secret';
