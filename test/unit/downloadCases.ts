// What goes wrong between us and the hub, and what must come of it. The numbers are bytes.

import type { DownloadErrorCode } from '../../src/download/index';
import type { HubFault, HubSettings } from '../hubServer';

/** The large file on which most faults strike. */
export const DATA = 'onnx/model_q4.onnx_data';
export const DATA_BYTES = 600_000;
export const TOKEN = 'secret-of-the-reader';

export interface Case {
  title: string;
  faults?: HubFault[];
  settings?: Partial<HubSettings>;
  /** Who may have the model. */
  rights?: { token: string; gated?: boolean };
  token?: string;
  name?: string;
  revision?: string;
  endpoint?: string;
  /** Of a success: bytes over the network beyond those of the files, or the least and the most. */
  extra?: number | [least: number, most: number];
  /** Of a success: how the large file was asked for, each time. */
  asks?: ('whole' | 'rest')[];
  /** Of a failure. */
  code?: DownloadErrorCode;
  message?: RegExp;
}

const cut = (cutAfter: number, more: Partial<HubFault> = {}): HubFault => ({
  on: 'storage',
  path: DATA,
  cutAfter,
  ...more,
});
const data = (fault: Partial<HubFault>): HubFault => ({ on: 'storage', path: DATA, ...fault });
const ALWAYS = { times: Infinity };
const SECOND = { after: 1 };

export const CASES: Case[] = [
  { title: 'nothing goes wrong', asks: ['whole'] },
  {
    title: 'three connections are cut',
    faults: [cut(100_000), cut(150_000, SECOND), cut(50_000, { after: 2 })],
    asks: ['whole', 'rest', 'rest', 'rest'],
  },
  { title: 'a connection is cut before the first byte', faults: [cut(0)], asks: ['whole', 'whole'] },
  {
    title: 'a connection is cut before the last byte',
    faults: [cut(DATA_BYTES - 1)],
    asks: ['whole', 'rest'],
  },
  { title: 'more connections are cut than are tried in a row', faults: [cut(50_000, { times: 8 })] },
  { title: 'a small file is cut', faults: [{ on: 'cache', path: 'tokenizer.json', cutAfter: 40 }] },
  { title: 'a connection stands still', faults: [data({ standAfter: 200_000 })], asks: ['whole', 'rest'] },
  { title: 'a connection stands still before the first byte', faults: [data({ standAfter: 0 })] },
  { title: 'bytes drip', faults: [data({ drip: [20_000, 5] })] },
  { title: 'one byte is wrong', faults: [data({ wrongByte: true })], extra: DATA_BYTES },
  {
    title: 'one byte of a small file is wrong',
    faults: [{ on: 'cache', path: 'LICENSE', wrongByte: true }],
    extra: 11,
  },
  { title: 'a file is announced as longer', faults: [data({ longer: 5 })] },
  { title: 'a file is announced as shorter', faults: [data({ longer: -5 })] },
  { title: 'a file does not end', faults: [data({ endless: 70_000 })], extra: [DATA_BYTES, DATA_BYTES + 70_000] },
  {
    title: 'the server ignores Range',
    faults: [cut(200_000), data({ ...SECOND, ignoreRange: true })],
    extra: 200_000,
    asks: ['whole', 'rest'],
  },
  {
    title: 'the server sends another part',
    faults: [cut(200_000), data({ ...SECOND, otherRange: 7 })],
    extra: 200_000,
    asks: ['whole', 'rest', 'whole'],
  },
  {
    title: 'the ETag changes in the middle',
    faults: [cut(200_000), data({ ...SECOND, times: 2, etag: '"other"' })],
    extra: 200_000,
    asks: ['whole', 'rest'],
  },
  {
    title: 'the server knows no such part',
    faults: [cut(200_000), data({ ...SECOND, status: 416 })],
    extra: 200_000,
    asks: ['whole', 'rest', 'whole'],
  },
  ...(['info', 'tree', 'resolve', 'cache', 'storage'] as const).flatMap((on): Case[] => [
    { title: `${on}: status 500 twice`, faults: [{ on, status: 500, times: 2 }] },
    { title: `${on}: status 503 with Retry-After`, faults: [{ on, status: 503, headers: { 'retry-after': '0' } }] },
    { title: `${on}: status 429 with Retry-After`, faults: [{ on, status: 429, headers: { 'retry-after': '1' } }] },
    {
      title: `${on}: status 429 with RateLimit`,
      faults: [{ on, status: 429, headers: { ratelimit: '"api";r=0;t=0' } }],
    },
    {
      title: `${on}: status 429 until after tomorrow`,
      faults: [{ on, status: 429, headers: { 'retry-after': '172800' } }],
      code: 'rate_limited',
      message: /asked too often.* 2880 minutes/,
    },
    { title: `${on}: status 429 for ever`, faults: [{ on, status: 429, ...ALWAYS }], code: 'rate_limited' },
    {
      title: `${on}: status 502 for ever`,
      faults: [{ on, status: 502, ...ALWAYS }],
      code: 'server',
      message: /status 502/,
    },
    { title: `${on}: status 418`, faults: [{ on, status: 418, ...ALWAYS }], code: 'bad_answer', message: /status 418/ },
  ]),
  {
    title: 'the signature of the address has run out',
    faults: [data({ status: 403 })],
    asks: ['whole', 'whole'],
  },
  {
    title: 'the storage refuses for ever',
    faults: [data({ status: 403, ...ALWAYS })],
    code: 'server',
    message: /refuses it/,
  },
  { title: 'large files come from the hub itself', settings: { relative: true } },
  { title: 'the list comes in parts', settings: { pageSize: 3 } },
  { title: 'a mirror hands out links to the hub', settings: { pageSize: 4, linksFrom: 'https://hub.invalid' } },
  {
    title: 'the model was renamed',
    faults: [{ on: 'info', status: 307, headers: { location: '/api/models/owner/model/revision/main?moved' } }],
  },
  { title: 'the address has a slash at its end', endpoint: '{0}/' },
  { title: 'a private model, with its token', rights: { token: TOKEN }, token: TOKEN },
  { title: 'a gated model, with its token', rights: { token: TOKEN, gated: true }, token: TOKEN },
  {
    title: 'a private model, without a token',
    rights: { token: TOKEN },
    code: 'unauthorised',
    message: /needs a token/,
  },
  {
    title: 'a private model, with another token',
    rights: { token: TOKEN },
    token: 'x',
    code: 'unauthorised',
    message: /right/,
  },
  {
    title: 'a gated model, without a token',
    rights: { token: TOKEN, gated: true },
    code: 'gated',
    message: /owner\/model, agree, and give Glassbox a token/,
  },
  { title: 'a gated model, with another token', rights: { token: TOKEN, gated: true }, token: 'x', code: 'gated' },
  {
    title: 'a token that the hub does not know',
    token: 'x',
    faults: [{ on: 'info', status: 401 }],
    code: 'unauthorised',
    message: /does not accept the token/,
  },
  { title: 'a token with a line break', token: 'a\nb', code: 'unauthorised', message: /characters/ },
  { title: 'status 403', faults: [{ on: 'resolve', status: 403, ...ALWAYS }], code: 'unauthorised' },
  { title: 'no such model', name: 'owner/nothing', code: 'not_found', message: /owner\/nothing/ },
  { title: 'no such revision', revision: 'v9', code: 'not_found', message: /no such revision/ },
  {
    title: 'a file is gone',
    faults: [{ on: 'resolve', path: DATA, status: 404, headers: { 'x-error-code': 'EntryNotFound' } }],
    code: 'not_found',
    message: /no such file.*onnx_data/,
  },
  {
    title: 'one byte is wrong twice',
    faults: [data({ wrongByte: true, times: 2 })],
    code: 'checksum',
    message: /onnx_data/,
  },
  { title: 'every connection is cut', faults: [cut(0, ALWAYS)], code: 'offline' },
  {
    title: 'every connection stands still',
    faults: [data({ standAfter: 0, ...ALWAYS })],
    code: 'offline',
    message: /still/,
  },
  { title: 'Range is never heeded', faults: [cut(90_000, { ...ALWAYS, ignoreRange: true })], code: 'offline' },
  {
    title: 'redirects in a circle',
    faults: [data({ location: '/large/again' }), { on: 'storage', location: '/large/again', ...ALWAYS }],
    code: 'bad_answer',
    message: /circle/,
  },
  {
    title: 'a redirect to a file',
    faults: [{ on: 'resolve', path: DATA, location: 'file:///etc/passwd' }],
    code: 'bad_answer',
    message: /not safe/,
  },
  {
    title: 'a page instead of a description',
    faults: [{ on: 'info', body: '<html>Sign in</html>', ...ALWAYS }],
    code: 'bad_answer',
    message: /sign in/,
  },
  {
    title: 'a description without a commit',
    faults: [{ on: 'info', body: '{}', ...ALWAYS }],
    code: 'bad_answer',
    message: /commit/,
  },
  { title: 'a description that is null', faults: [{ on: 'info', body: 'null', ...ALWAYS }], code: 'bad_answer' },
  { title: 'a list that is none', faults: [{ on: 'tree', body: '{"a":1}', ...ALWAYS }], code: 'bad_answer' },
  { title: 'a list with nothing in it', faults: [{ on: 'tree', body: '[null]', ...ALWAYS }], code: 'bad_answer' },
  {
    title: 'a list without an end',
    faults: [
      {
        on: 'tree',
        body: '[]',
        headers: { link: '<http://h/api/models/owner/model/tree/main>; rel="next"' },
        ...ALWAYS,
      },
    ],
    code: 'bad_answer',
  },
  {
    title: 'a page instead of a file',
    faults: [
      { on: 'resolve', path: DATA, body: '<html>Sign in</html>', headers: { 'content-type': 'text/html' }, ...ALWAYS },
    ],
    code: 'bad_answer',
    message: /web page/,
  },
  {
    title: 'another commit',
    faults: [{ on: 'cache', path: 'LICENSE', headers: { 'x-repo-commit': 'f'.repeat(40) }, ...ALWAYS }],
    code: 'bad_answer',
    message: /another revision/,
  },
  {
    title: 'nobody listens',
    endpoint: 'http://127.0.0.1:1',
    code: 'offline',
    message: /127\.0\.0\.1:1 cannot be reached/,
  },
  { title: 'a host that is not there', endpoint: 'http://hub.invalid', code: 'offline', message: /hub\.invalid/ },
  { title: 'an address of another kind', endpoint: 'ftp://hub.invalid', code: 'bad_endpoint' },
  { title: 'an address that is none', endpoint: 'hub', code: 'bad_endpoint' },
  {
    title: 'a token for all to read',
    endpoint: 'http://hub.invalid',
    token: TOKEN,
    code: 'bad_endpoint',
    message: /https/,
  },
  ...['model', 'a/b/c', '../x', 'a/..', 'a--b/c', 'a/b.git', '/a', 'a/', 'con/x', 'a/b c', 'a/b?x'].map(
    (name): Case => ({
      title: `the name ${name}`,
      name,
      code: 'bad_name',
    }),
  ),
  ...['', '../main', 'a b', '-x', 'a?b'].map((revision): Case => ({
    title: `the revision "${revision}"`,
    revision,
    code: 'bad_name',
  })),
];
