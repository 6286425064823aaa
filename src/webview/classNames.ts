// The classes of heads in words, with the letter that stands for each on the overview. Pure.
import { HEAD_CLASSES, THRESHOLDS, type HeadClass } from '../attention/headClasses';
import { t } from '../l10n';
import { percent } from './scale';

export const LETTERS: Readonly<Record<HeadClass, string>> = {
  previous: 'P',
  first: 'F',
  self: 'S',
  duplicate: 'D',
  induction: 'I',
  bracket: 'B',
  identifier: 'N',
  indentation: 'T',
  local: 'L',
  broad: 'W',
};

export function className(of: HeadClass): string {
  switch (of) {
    case 'previous':
      return t('previous token');
    case 'first':
      return t('first token (sink)');
    case 'self':
      return t('itself');
    case 'duplicate':
      return t('same token before');
    case 'induction':
      return t('what followed it before (induction)');
    case 'bracket':
      return t('matching bracket');
    case 'identifier':
      return t('same name');
    case 'indentation':
      return t('same indentation');
    case 'local':
      return t('the last few tokens');
    case 'broad':
      return t('widely spread');
  }
}

/** All classes with their letters and thresholds, as a list. */
export function classLegend(): string {
  const entry = (name: HeadClass): string => t('{0} = {1}, from {2}', LETTERS[name], className(name), percent(THRESHOLDS[name])); // prettier-ignore
  return HEAD_CLASSES.map(entry).join('; ');
}
