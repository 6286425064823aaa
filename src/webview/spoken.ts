// A token as it is read out: white space in words, because a glyph for it is skipped or read as something else. Pure; the page shows tokens.ts's.
import { t } from '../l10n';

/** A run of one kind of white space, in words. */
function run(text: string): string {
  const count = text.length;
  if (text.startsWith('\n')) return count === 1 ? t('line break') : t('{0} line breaks', count);
  if (text.startsWith('\t')) return count === 1 ? t('tab') : t('{0} tabs', count);
  return count === 1 ? t('space') : t('{0} spaces', count);
}

/** The token in words. A single space before a word, as most tokens have one, is left unsaid; what else cannot be heard is as `visible` shows it. */
export function spoken(token: string, visible: string): string {
  const plain = token.replaceAll('\r', '').replace(/^ (?=[^\s])/, '');
  if (plain === '' || /\p{C}/u.test(plain.replace(/[\n\t]/g, ''))) return visible;
  return (plain.match(/ {2,}|^ $|\n+|\t+|(?:(?! {2})[^\n\t])+/g) ?? [])
    .map((part) => (/^\s+$/.test(part) ? run(part) : part.trim()))
    .join(' ');
}
