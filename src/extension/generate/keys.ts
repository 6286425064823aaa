// The keys of a generated text, as package.json binds them, for people to read.

const MAC = process.platform === 'darwin';

export const KEYS = {
  keep: MAC ? '⌘⏎' : 'Ctrl+Enter',
  discard: MAC ? '⎋' : 'Escape',
  again: MAC ? '⌥⌘R' : 'Ctrl+Alt+R',
  edit: MAC ? '⌥⌘P' : 'Ctrl+Alt+P',
};
