// Sizes, times and numbers in words, for lists and messages. Pure.

import { t } from '../../l10n';

/** Bytes as people say them: 99 MB, 1.1 GB. */
export function bytesInWords(bytes: number): string {
  return bytes >= 999.5e6 ? t('{0} GB', (bytes / 1e9).toFixed(1)) : t('{0} MB', Math.max(1, Math.round(bytes / 1e6)));
}

/** A number of parameters: 494 million, 1.5 billion. */
export function parametersInWords(parameters: number): string {
  return parameters >= 999.5e6
    ? t('{0} billion parameters', (parameters / 1e9).toFixed(1))
    : t('{0} million parameters', Math.round(parameters / 1e6));
}

/** A time that is left: 40 s, 3 min, 1 h 20 min. */
export function timeInWords(seconds: number): string {
  if (seconds < 59.5) return t('{0} s', Math.max(1, Math.round(seconds)));
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? t('{0} min', minutes) : t('{0} h {1} min', Math.floor(minutes / 60), minutes % 60);
}
