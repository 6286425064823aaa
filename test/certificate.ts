// A certificate for 127.0.0.1 that nobody has signed but itself (X.509 v3, RFC 5280), in DER written by hand.

import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const tagged = (tag: number, ...parts: Uint8Array[]): Buffer => {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
};
const sequence = (...parts: Uint8Array[]): Buffer => tagged(0x30, ...parts);
const bytes = (...values: number[]): Buffer => Buffer.from(values);
const text = (tag: number, value: string): Buffer => tagged(tag, Buffer.from(value));

/** Object identifiers, without tag and length. */
const NAMES = {
  ecdsaWithSha256: bytes(0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2),
  commonName: bytes(0x55, 4, 3),
  subjectAltName: bytes(0x55, 29, 17),
  basicConstraints: bytes(0x55, 29, 19),
};
const oid = (name: keyof typeof NAMES): Buffer => tagged(6, NAMES[name]);
const extension = (name: keyof typeof NAMES, value: Buffer): Buffer => sequence(oid(name), tagged(4, value));

/** A new key and its certificate, as PEM. */
export function selfSigned(): { key: string; cert: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const algorithm = sequence(oid('ecdsaWithSha256'));
  const name = sequence(tagged(0x31, sequence(oid('commonName'), text(0x0c, 'Glassbox test hub'))));
  const validity = sequence(text(0x17, '200101000000Z'), text(0x17, '491231235959Z'));
  const alternatives = sequence(text(0x82, 'localhost'), tagged(0x87, bytes(127, 0, 0, 1)));
  const authority = sequence(tagged(1, bytes(0xff)));
  const extensions = sequence(extension('subjectAltName', alternatives), extension('basicConstraints', authority));
  const body = sequence(
    tagged(0xa0, tagged(2, bytes(2))),
    tagged(2, Buffer.concat([bytes(1), randomBytes(8)])),
    algorithm,
    name,
    validity,
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    tagged(0xa3, extensions),
  );
  const signed = sequence(body, algorithm, tagged(3, bytes(0), sign('sha256', body, privateKey)));
  const lines = signed.toString('base64').replace(/.{64}/g, '$&\n').trimEnd();
  return {
    key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    cert: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
  };
}
