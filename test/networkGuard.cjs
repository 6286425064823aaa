// @ts-check
// Loaded before a program, it makes every way to the network that Node has throw, and notes each attempt in the file GLASSBOX_ATTEMPTS.
const { appendFileSync } = require('node:fs');
const dgram = require('node:dgram');
const dns = require('node:dns');
const http = require('node:http');
const http2 = require('node:http2');
const https = require('node:https');
const net = require('node:net');
const tls = require('node:tls');

/** @type {[place: any, name: string][]} */
const ways = [
  [net.Socket.prototype, 'connect'],
  [net.Server.prototype, 'listen'],
  [net, 'connect'],
  [net, 'createConnection'],
  [tls, 'connect'],
  [http, 'request'],
  [http, 'get'],
  [https, 'request'],
  [https, 'get'],
  [http2, 'connect'],
  [dgram, 'createSocket'],
  [dns, 'lookup'],
  [dns, 'resolve'],
  [dns.promises, 'lookup'],
  [dns.promises, 'resolve'],
  [globalThis, 'fetch'],
  [globalThis, 'WebSocket'],
];
for (const [place, name] of ways) {
  if (typeof place[name] !== 'function') continue; // this Node does not have it
  place[name] = () => {
    appendFileSync(process.env.GLASSBOX_ATTEMPTS ?? '', `${name}\n`);
    throw new Error(`The network guard caught ${name}.`);
  };
}
