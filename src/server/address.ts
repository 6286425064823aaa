// The setting glassbox.server.url, checked: where a server is, and whether that is this machine. Pure: nothing is asked of the network.

import { t } from '../l10n';

/** Where a server is. */
export interface Address {
  /** All paths of the server begin with this; without a slash at the end, and without the /v1 of OpenAI's paths. */
  base: string;
  /** Scheme, host and port: keys and consent belong to it. */
  origin: string;
  /** Host and, where it is given, port. */
  host: string;
  /** The server runs on this machine: what is sent does not leave it. Names that the network resolves count as elsewhere. */
  local: boolean;
  encrypted: boolean;
}

/**
 * Reads the setting.
 * @returns undefined where there is none; what is wrong with it, in words, where it cannot be used
 */
export function readAddress(setting: string): Address | { fault: string } | undefined {
  const text = setting.trim();
  if (text === '') return undefined;
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    return { fault: t('The setting glassbox.server.url is no address: {0}. Write one like {1}.', text, EXAMPLE) };
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    return {
      fault: t('The setting glassbox.server.url must begin with http:// or https://, and not with {0}.', url.protocol),
    };
  if (url.username !== '' || url.password !== '')
    return {
      fault: t(
        'The setting glassbox.server.url holds a name or password. Take it out, and give the key with the command “Glassbox: Set Server Key”.',
      ),
    };
  if (url.search !== '' || url.hash !== '')
    return {
      fault: t('The setting glassbox.server.url must end with the path, before the {0}.', url.search || url.hash),
    };
  const path = url.pathname.replace(/\/+$/, '').replace(/\/v1(?:\/completions)?$/, '');
  return {
    base: url.origin + path,
    origin: url.origin,
    host: url.host,
    local: isLoopback(url.hostname),
    encrypted: url.protocol === 'https:',
  };
}

const EXAMPLE = 'http://127.0.0.1:8080';

/** RFC 6761 gives localhost and the names under it to the loopback; RFC 1122 and 4291 its addresses. URL has written IPv4 out. */
function isLoopback(hostname: string): boolean {
  return /^(?:localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}
