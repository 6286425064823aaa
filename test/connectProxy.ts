// A proxy as networks have them: it passes requests on and joins tunnels.

import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';

export interface RunningProxy {
  url: string;
  /** What was asked for: `CONNECT host:port`, or `GET http://…`. */
  asked: string[];
  /** Bytes that came back through tunnels so far. */
  readonly carried: number;
  close: () => Promise<void>;
}

/** @param credentials name:password, if it wants any */
export async function startProxy(credentials?: string): Promise<RunningProxy> {
  const asked: string[] = [];
  let carried = 0;
  const sockets = new Set<Socket>();
  const kept = (socket: Socket): Socket => {
    sockets.add(socket);
    return socket.on('error', () => socket.destroy());
  };
  const allowed = ({ headers }: IncomingMessage): boolean =>
    credentials === undefined ||
    headers['proxy-authorization'] === `Basic ${Buffer.from(credentials).toString('base64')}`;
  const server = createServer((incoming: IncomingMessage, response: ServerResponse) => {
    asked.push(`${incoming.method ?? ''} ${incoming.url ?? ''}`);
    if (!allowed(incoming)) {
      response.writeHead(407).end();
      return;
    }
    const onward = request(incoming.url ?? '', { headers: incoming.headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    onward.on('error', () => response.destroy());
    onward.end();
  });
  server.on('connection', kept);
  server.on('connect', (incoming: IncomingMessage, socket: Socket) => {
    asked.push(`CONNECT ${incoming.url ?? ''}`);
    if (!allowed(incoming)) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const [host, port] = (incoming.url ?? '').split(':');
    const onward = kept(connect(Number(port), host));
    onward.on('connect', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      onward.on('data', (bytes: Buffer) => (carried += bytes.length));
      onward.pipe(socket);
      socket.pipe(onward);
    });
    onward.on('close', () => socket.destroy());
    socket.on('close', () => onward.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    get carried() {
      return carried;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
