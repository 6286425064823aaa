// Takes the words in the reader's language out of the page, where extension/panel/page.ts has put them. Imported first, so that every other
// part of the panel finds them there.
import { type Strings, useStrings } from '../l10n';

useStrings(JSON.parse(document.getElementById('strings')?.textContent ?? '{}') as Strings);
