// @ts-check
// llama.cpp's own HTTP server, as Debian builds it, fetched on demand from Debian's archive into an ignored folder. Nothing is installed on
// the machine: the packages are unpacked, with their own C library, and the program is run out of the folder. npm has llama.cpp as a
// library only.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ARCHIVE = 'http://deb.debian.org/debian';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const PACKAGE = 'llama.cpp-tools';
/** Node's name of a processor → the folder of its libraries. */
const LIBRARIES = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };
/** What the program itself is linked with: neither tools for its set-up, nor what only those need. */
const NEEDED = /^(llama\.cpp-tools|libllama|libggml|libssl|libc6$|libgcc|libstdc|libgomp|libzstd|zlib1g)/;
/** Nothing on the way may hang, in milliseconds. */
const LIMIT_MS = 240_000;

/**
 * The program and its first arguments.
 * @param {string} root the repository
 * @returns {{ command: string, args: string[], cwd: string }}
 * @throws Error, in one line, where the machine cannot run or fetch it
 */
export function llamaServer(root) {
  const libraries = LIBRARIES[/** @type {keyof typeof LIBRARIES} */ (process.arch)];
  if (process.platform !== 'linux' || libraries === undefined)
    throw new Error(`Debian has no llama-server for ${process.platform}-${process.arch}`);
  const place = join(root, '.peers', 'llama-server');
  const unpacked = join(place, 'root');
  if (!existsSync(unpacked)) fetchInto(place, unpacked);
  const folder = join(unpacked, 'usr', 'lib', libraries);
  const loader = readdirSync(folder).find((name) => /^ld-linux-.*\.so/.test(name));
  if (loader === undefined) throw new Error(`${folder} has no loader: remove ${place} to fetch it anew`);
  const ggml = join(folder, 'ggml');
  const backends = readdirSync(ggml).find((name) => name.startsWith('backends')) ?? '.';
  return {
    command: join(folder, loader),
    args: ['--library-path', `${folder}:${join(folder, 'llama')}`, join(unpacked, 'usr', 'bin', 'llama-server')],
    cwd: join(ggml, backends), // it looks for the processor's code here
  };
}

/** @param {string} place @param {string} unpacked */
function fetchInto(place, unpacked) {
  for (const needed of ['/usr/bin/apt-get', '/usr/bin/dpkg-deb', KEYRING])
    if (!existsSync(needed)) throw new Error(`${needed} is missing: llama-server comes from Debian's archive`);
  rmSync(place, { recursive: true, force: true });
  for (const folder of ['lists/partial', 'cache/archives/partial', 'debs', 'half'])
    mkdirSync(join(place, folder), { recursive: true });
  writeFileSync(join(place, 'sources.list'), `deb [signed-by=${KEYRING}] ${ARCHIVE} sid main\n`);
  process.stderr.write(`fetching ${PACKAGE} from ${ARCHIVE} into ${place}\n`);
  const own = {
    'Dir::Etc::sourcelist': join(place, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State::lists': join(place, 'lists'),
    'Dir::State::status': '/dev/null',
    'Dir::Cache': join(place, 'cache'),
    'Debug::NoLocking': '1',
    'APT::Sandbox::User': '',
    'Acquire::Retries': '0',
    'Acquire::http::Timeout': '20',
  };
  const settings = Object.entries(own).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  /** @param {...string} args */
  const apt = (...args) =>
    execFileSync('apt-get', [...settings, ...args], {
      cwd: join(place, 'debs'),
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: LIMIT_MS,
    });
  try {
    apt('update');
    const planned = apt('install', '--simulate', '--no-install-recommends', PACKAGE);
    const names = [...planned.matchAll(/^Inst (\S+)/gm)].map(([, name = '']) => name);
    apt('download', ...names.filter((name) => NEEDED.test(name)));
  } catch {
    throw new Error(`${PACKAGE} cannot be fetched from ${ARCHIVE}: is it within reach?`);
  }
  for (const file of readdirSync(join(place, 'debs')))
    execFileSync('dpkg-deb', ['--extract', join(place, 'debs', file), join(place, 'half')], { timeout: LIMIT_MS });
  for (const folder of ['lists', 'cache', 'debs']) rmSync(join(place, folder), { recursive: true });
  renameSync(join(place, 'half'), unpacked); // whole or not at all
}
