// Repetition penalty (CTRL, Keskar et al. 2019, arXiv:1909.05858; negative logits as in Hugging Face transformers, so that the penalty never helps).

/**
 * Divides the positive logits of the tokens that stand in the text, and multiplies the negative ones; once each, however often it stands there.
 * @param logits [vocab]
 * @param ids the text so far, the prompt included
 * @param penalty above 0; above 1 makes repetition less likely
 * @param out [vocab] a copy of the logits, which is changed
 */
export function penaliseRepetition(
  logits: Float32Array,
  ids: Iterable<number>,
  penalty: number,
  out: Float32Array,
): void {
  for (const id of ids) {
    const logit = logits[id] as number;
    out[id] = logit < 0 ? logit * penalty : logit / penalty;
  }
}
