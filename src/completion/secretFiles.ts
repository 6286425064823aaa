// The names of files that hold passwords, keys and certificates. Data.

/** Whole names, lower case. */
const NAMES: ReadonlySet<string> = new Set([
  '.npmrc',
  '.pypirc',
  '.netrc',
  '_netrc',
  '.htpasswd',
  '.htdigest',
  '.pgpass',
  '.my.cnf',
  '.git-credentials',
  '.dockercfg',
  '.envrc',
  '.vault-token',
  '.vault_pass',
  '.s3cfg',
  '.boto',
  'kubeconfig',
  'terraform.rc',
  '.terraformrc',
  'master.key',
]);

/** Ends of names. */
const ENDINGS =
  /\.(pem|key|crt|cer|der|p7b|p7c|p8|p12|pfx|pkcs12|jks|keystore|kdbx|kdb|ppk|asc|gpg|pgp|tfstate|tfstate\.backup|tfvars|tfvars\.json|ovpn|mobileprovision)$/;

/** What is put behind the name of a copy. */
const COPY = /(\.(bak|backup|old|orig|save))?~?$/;

/** Names with a part that varies. */
const PATTERNS = [
  /^\.env([^a-z\d](?!(.*\.)?(example|sample|template|dist|defaults?)$).*)?$/,
  /^(?!.*\.(example|sample|template|dist)$).+\.env$/,
  /^id_(rsa|dsa|ecdsa|ecdsa_sk|ed25519|ed25519_sk|xmss)$/,
  /^ssh_host_.+_key$/,
  /^\.?secrets?(\.[\w-]+)?\.(ya?ml|json|toml|ini|properties|env|xml|txt)$/,
  /^(\.credentials?|credentials?)(\.(ya?ml|json|toml|ini|xml|csv|txt|properties))?$/,
  /^(service[-_]?account|client[-_]?secret|gcp[-_]?key|firebase[-_]?adminsdk).*\.json$/,
  /^.+[-_]credentials?\.(json|ya?ml|toml|ini|csv)$/,
];

/** Ends of paths, for names that say nothing alone. */
const PATHS =
  /(^|\/)(\.aws\/(credentials|config)|\.docker\/config\.json|\.kube\/config|\.azure\/[^/]+\.json|\.config\/gcloud\/.+|\.config\/gh\/hosts\.yml|\.cargo\/credentials(\.toml)?|\.gem\/credentials|\.gnupg\/.+|\.ssh\/(?!config$|known_hosts$|authorized_keys$|.+\.pub$).+)$/;

/**
 * Says whether a file holds passwords, keys or certificates, by its name: such a file is neither read nor completed.
 * @param path with `/` or `\`, absolute or relative
 */
export function isSecretFile(path: string): boolean {
  const lower = path.replaceAll('\\', '/').toLowerCase();
  const name = lower.slice(lower.lastIndexOf('/') + 1).replace(COPY, '');
  return NAMES.has(name) || ENDINGS.test(name) || PATTERNS.some((one) => one.test(name)) || PATHS.test(lower);
}
