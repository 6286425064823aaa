// What people read, in their language: an English sentence is its own key, and a table says it in theirs. The table is VS Code's
// (media/l10n/bundle.l10n.LANGUAGE.json); the host hands it to the engine and to webviews, so that one function serves every place.

/** English sentence → the same in another language. */
export type Strings = Readonly<Record<string, string>>;

let strings: Strings = {};

/** Says everything from now on in the words of `table`; what is not in it stays English. */
export function useStrings(table: Strings): void {
  strings = table;
}

/** The table in use, for other processes. */
export function stringsInUse(): Strings {
  return strings;
}

/**
 * A sentence in the reader's language.
 * @param message English, a literal; {0}, {1}, … stand for the arguments
 */
export function t(message: string, ...args: readonly (string | number)[]): string {
  const found = Object.hasOwn(strings, message) ? (strings[message] as string) : message;
  return found.replace(/\{(\d+)\}/g, (whole, index: string) => String(args[Number(index)] ?? whole));
}
