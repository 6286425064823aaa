// Which text looks like a password or a key, and which files hold them. The keys are made up, and put together here so that no scanner
// takes this file for a leak.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSecretFile, looksSecret } from '../../src/completion/secrets';

/** Letters and digits without a pattern, from a made-up alphabet. */
const key = (length: number): string => 'q8Zk2vW9xL4tB7nM3cR6yH1jD5sF0gAeUoIiPpQaTt4'.repeat(4).slice(0, length);
const j = (...parts: string[]): string => parts.join('');

const SECRET: [name: string, text: string][] = [
  ['Amazon', j('id = "AKIA', 'ABCDEFGH23456789', '"')],
  ['GitHub', j('ghp', '_', key(36))],
  ['GitHub, an app', j('token: ghs', '_', key(36))],
  ['GitHub, fine-grained', j('github', '_pat_', key(22), '_', key(59))],
  ['GitLab', j('glpat', '-', key(20))],
  ['Slack', j('xoxb', '-123456789012-', key(24))],
  ['Google', j('AIza', key(35))],
  ['Stripe', j("stripe('sk", '_live_', key(24), "')")],
  ['OpenAI', j('sk', '-proj-', key(40))],
  ['OpenAI, older', j('sk', '-', key(48))],
  ['npm', j('//registry.npmjs.org/:_authToken=npm', '_', key(36))],
  ['Hugging Face', j('hf', '_', key(34))],
  ['JSON Web Token', j('eyJ', key(17), '.eyJ', key(30), '.', key(43))],
  ['PEM', j('-----BEGIN ', 'RSA PRIVATE KEY-----')],
  ['PEM, no kind', j('-----BEGIN ', 'PRIVATE KEY-----\nMIIE')],
  ['Azure', j('DefaultEndpointsProtocol=https;AccountKey=', key(86), '==')],
  ['a password', "password = 'P@ssw0rd!x'"],
  ['a password with a type', 'const dbPassword: string = "q8Zk2vW9xL4t";'],
  ['an object', "{ apiKey: 'q8Zk2vW9xL4t' }"],
  ['JSON', '"client_secret": "q8Zk2vW9xL4t"'],
  ['YAML', 'password: q8Zk2vW9xL4t'],
  ['a shell', 'export AWS_SECRET_ACCESS_KEY=q8Zk2vW9xL4tB7nM3cR6'],
  ['Go', 'token := "q8Zk2vW9xL4tB7nM3cR6"'],
  ['an index', "env['SECRET'] = 'q8Zk2vW9xL4tB7nM3cR6'"],
  ['a UUID as a token', "token = '123e4567-e89b-12d3-a456-426614174000'"],
  ['an address', 'postgres://app:q8Zk2vW9@db.internal:5432/app'],
  ['a quote that is not closed', 'password = "q8Zk2vW9xL4t'],
];
for (const [name, text] of SECRET) test(`secrets: ${name}`, () => assert.equal(looksSecret(text), true));

const HARMLESS: [name: string, text: string][] = [
  ['a UUID', "const id = '123e4567-e89b-12d3-a456-426614174000';"],
  ['a hash of a lock file', `"integrity": "sha512-${key(86)}=="`],
  ['a commit', 'uses: actions/checkout@8e8c483db84b4bee98b60c0593521ed34d9990e8'],
  ['an image', `src="data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAA${key(60)}"`],
  ['a variable', 'const password = request.body.password;'],
  ['a call', 'const token = getToken2Value3X(user);'],
  ['an environment variable', 'apiKey: process.env.API_KEY_2_B3C4,'],
  ['a template', 'password: `${user}-${salt}-1a2b3c`'],
  ['a reference', 'password: ${{ secrets.PASSWORD_1A2B3C }}'],
  ['a placeholder', "apiKey: 'your-api-key-1a2b3c'"],
  ['another', 'token = "<token-1a2b3c4d>"'],
  ['a sentence', "password: 'At least 8 characters, 1 digit'"],
  ['a label', "secret: 'secretLabelOfTheForm'"],
  ['a name', "token = 'access_token_v2'"],
  ['a comparison', "if (password === 'q8Zk2vW9xL4t') {"],
  ['a number', 'max_token = 4096'],
  ['a type', 'token: string;'],
  ['a list of tokens', 'tokens = [1, 2, 3]'],
  ['a public key', '-----BEGIN PUBLIC KEY-----'],
  ['a class of CSS', '.sk-circle { }'],
  ['a module', "import sk from 'sk-learn-something-or-other';"],
  ['an address without a password', 'https://user@example.org/a:b'],
  ['an address with a placeholder', 'postgres://postgres:postgres@localhost/db'],
  ['a port', 'http://localhost:8080/a@b'],
];
for (const [name, text] of HARMLESS) test(`no secret: ${name}`, () => assert.equal(looksSecret(text), false));

const FILES = `.env .env.local .env.production config/.env prod.env .envrc server.pem tls/server.key a.p12 a.pfx a.jks a.keystore
  id_rsa ~/.ssh/id_ed25519 ~/.ssh/work_key vault.kdbx .npmrc .pypirc .netrc .htpasswd .git-credentials .pgpass ~/.aws/credentials
  ~/.docker/config.json ~/.kube/config terraform.tfstate terraform.tfstate.backup prod.tfvars secrets.yml secrets.yaml secret.json
  .secrets.toml secrets.prod.yaml credentials credentials.json app-credentials.json service-account.json service_account-prod.json
  client_secret_123.apps.json backup.asc backup.gpg putty.ppk .env-local .env_prod .env~ .env.bak server.crt ca.cer ca.der chain.p7b
  id_rsa.bak server.key.old credentials.json~ C:\\Users\\a\\.AWS\\credentials ID_RSA`;
const NO_FILES = `.env.example .env.sample .env.template .env.prod.example example.env.template environment.ts env.ts keys.ts id_rsa.pub ~/.ssh/config
  ~/.ssh/id_ed25519.pub ~/.ssh/known_hosts package.json config.json docker/config.json credentials.ts credentialsProvider.ts secrets.ts
  secretFiles.ts main.tf key.ts README.md settings.json docs/secrets.md service-account.ts
  .envoy.yaml .environment main.ts.bak README.md~ .env-example`;
for (const [paths, secret] of [
  [FILES, true],
  [NO_FILES, false],
] as const)
  for (const path of paths.split(/\s+/))
    test(`secret file: ${path}: ${secret}`, () => assert.equal(isSecretFile(path), secret));
