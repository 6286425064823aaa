// Passwords and keys in text: known forms of keys, and what looks random and is given to a name such as `password`.
// Pure text.

export { isSecretFile } from './secretFiles';

/** Forms of keys, as their issuers publish them. A key stands alone: no word character before or after it. */
const KEYS: [start: RegExp, whole: RegExp][] = [
  [/\b(?:AKIA|ASIA)[A-Z0-9]*$/, /\b(?:AKIA|ASIA)[A-Z0-9]{16}(?=[^A-Za-z0-9_])/], // Amazon
  [/\bgh[pousr]_\w*$/, /\bgh[pousr]_[A-Za-z0-9]{30,}/], // GitHub
  [/\bgithub_pat_\w*$/, /\bgithub_pat_\w{22,}/],
  [/\bglpat-[\w-]*$/, /\bglpat-[\w-]{20,}/], // GitLab
  [/\bxox[abposr]-[\w-]*$/, /\bxox[abposr]-[\w-]{10,}/], // Slack
  [/\bAIza[\w-]*$/, /\bAIza[\w-]{35}/], // Google
  [/\bya29\.[\w-]*$/, /\bya29\.[\w-]{20,}/],
  [/\b[sr]k_(?:live|test)_\w*$/, /\b[sr]k_(?:live|test)_[A-Za-z0-9]{16,}/], // Stripe
  [/\bsk-(?:[A-Za-z]+-)?[\w-]*$/, /\bsk-(?:(?:proj|ant|svcacct|admin|or)-[\w-]{20,}|[A-Za-z0-9]{32,})/], // OpenAI and others
  [/\bnpm_\w*$/, /\bnpm_[A-Za-z0-9]{36}/],
  [/\bpypi-[\w-]*$/, /\bpypi-[\w-]{50,}/],
  [/\bhf_\w*$/, /\bhf_[A-Za-z0-9]{30,}/], // Hugging Face
  [/\bSG\.[\w.-]*$/, /\bSG\.[\w-]{16,}\.[\w-]{16,}/], // SendGrid
  [/\beyJ[\w.-]*$/, /\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}/], // JSON Web Token
  [/-----BEGIN[A-Z -]*$/, /-----BEGIN (?:[A-Z]+ )*PRIVATE KEY(?: BLOCK)?-----/], // PEM
  [/\b(?:AccountKey|SharedAccessKey)=[\w+/=]*$/, /\b(?:AccountKey|SharedAccessKey)=[\w+/]{32,}={0,2}/], // Azure
];

/** What keys begin with. */
const STARTS =
  'AKIA ASIA ghp_ gho_ ghu_ ghs_ ghr_ github_pat_ glpat- xoxa- xoxb- xoxp- xoxo- xoxs- xoxr- AIza ya29. sk_live_ sk_test_ rk_live_ rk_test_ sk- npm_ pypi- hf_ SG. eyJ -----BEGIN AccountKey= SharedAccessKey='.split(
    ' ',
  );

/** A name that is given a secret, up to where the value begins. */
const NAMED =
  /(?:passw(?:or)?d|pwd|passphrase|secret|token|credentials?|(?:api|access|auth|secret|private|signing|encryption|account)[_-]?key)["'\]]*\s*(?::\s*[\w.<>| ]{1,30}=(?!=)|:=|=>|[:=](?!=))\s*/gi;
/** Half a value is one, too, where its line is over. */
const QUOTED = /^[A-Za-z]{0,2}(["'`])((?:\\.|(?!\1)[^\\\n])*)(?:\1|(?=\n))/;
const BARE = /^[^\s"'`,;(){}[\]<>$]+(?=\s)/;
/** A value that may go on; one with white space in it is no secret. */
const UNFINISHED = /^[A-Za-z]{0,2}(?:(["'`])(?:\\\S|(?!\1)[^\\\s])*\\?|[^\s"'`,;(){}[\]<>$]*)$/;
/** A password in an address. */
const ADDRESS = /(?<=\b[a-z][a-z\d+.-]*:\/\/)[^\s:@/'"`${}<>]*:([^\s@/'"`${}<>]{3,})@/gi;
const PLACEHOLDER =
  /^(?:pass(?:word|wd)?|pwd|secret|token|admin|root|user|test|guest|postgres|mysql|changeme|change-me|example|x+|\*+|\.+)\d{0,3}$|example|placeholder|your[-_]|dummy|sample|redacted|changeme|[<>{}]|\$\(|process\.env/i;

/** Bits a character below which a value does not look random. A word repeats its letters; eight characters drawn at random hold nearly 3. */
const RANDOM_BITS = 2.8;
const SHORTEST_VALUE = 8;
const SHORTEST_BARE = 12;

/** Whether a text has a password or a key in it. */
export function looksSecret(text: string): boolean {
  return findSecret(`${text}\n`) >= 0;
}

/** Index of the first character of the first password or key in `text`, which may go on; −1 if there is none so far. */
export function findSecret(text: string): number {
  let first = text.length;
  for (const [, whole] of KEYS) first = Math.min(first, whole.exec(text)?.index ?? first);
  for (const match of text.matchAll(NAMED)) {
    const at = match.index + match[0].length;
    const value = text.slice(at, at + 512);
    const quoted = QUOTED.exec(value);
    const bare = quoted === null ? BARE.exec(value)?.[0] : undefined;
    if (quoted !== null ? isRandom(quoted[2] as string) : bare !== undefined && isBareSecret(bare))
      first = Math.min(first, at);
  }
  for (const match of text.matchAll(ADDRESS))
    if (!PLACEHOLDER.test(match[1] as string)) first = Math.min(first, match.index);
  return first < text.length ? first : -1;
}

/** Index of a key of a known form that the line ends in, whole or not; the length of the line if there is none. */
export function halfKey(line: string): number {
  return Math.min(line.length, ...KEYS.map(([start]) => start.exec(line)?.index ?? line.length));
}

/** Index in a growing line from which on a password or key may be in the making; the length of the line if none is. */
export function secretInTheMaking(line: string): number {
  let first = halfKey(line);
  for (const start of STARTS)
    for (let length = Math.min(start.length - 1, line.length); length > 0; length--) {
      const at = line.length - length;
      const alone = start.startsWith('-') || !/\w/.test(line[at - 1] ?? '');
      if (alone && line.endsWith(start.slice(0, length))) first = Math.min(first, at);
    }
  for (const match of line.matchAll(NAMED)) {
    const at = match.index + match[0].length;
    if (UNFINISHED.test(line.slice(at))) first = Math.min(first, at);
  }
  return Math.min(first, /(?<=\b[a-z][a-z\d+.-]*:\/\/)[^\s@/'"`${}<>]+$/i.exec(line)?.index ?? first);
}

/** Whether a quoted value looks drawn at random: no words, no placeholder. */
function isRandom(value: string): boolean {
  if (value.length < SHORTEST_VALUE || /\s/.test(value) || PLACEHOLDER.test(value)) return false;
  if (entropy(value) < RANDOM_BITS) return false;
  const kinds = [/[a-z]/, /[A-Z]/, /\d/, /[^\w.:/-]/].filter((kind) => kind.test(value)).length;
  const changes = value.match(/[A-Za-z](?=\d)|\d(?=[A-Za-z])/g)?.length ?? 0;
  return changes >= 3 || (kinds >= 3 && /[^\w.:/-]/.test(value)) || (kinds >= 3 && changes >= 2 && value.length >= 16);
}

/** Without quotes it may be an expression: names have few digits. */
function isBareSecret(value: string): boolean {
  return value.length >= SHORTEST_BARE && (value.match(/\d/g)?.length ?? 0) >= 3 && isRandom(value);
}

/** Bits a character: −Σ p log₂ p over the shares of its characters (Shannon 1948). */
function entropy(value: string): number {
  const counts = new Map<string, number>();
  for (const char of value) counts.set(char, (counts.get(char) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / value.length) * Math.log2(count / value.length);
  return bits;
}
