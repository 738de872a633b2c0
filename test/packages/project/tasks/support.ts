import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';

/** What a request was, without what differs from one to the next. */
type Request = { readonly method: string; readonly path: string; readonly body: number };

/** Calls `work` with the URL of an HTTP server that answers everything with `answer`, and the requests that it got. */
export async function withServer(work: (url: string, requests: Request[]) => Promise<unknown>, answer = 'hello', status = 200) {
  const requests: Request[] = [];
  const server = createServer((request, response) => {
    let body = 0;
    request.on('data', (piece) => { body += piece.length; });
    request.on('end', () => {
      requests.push({ method: request.method ?? '', path: (request.url ?? '').split('?')[0], body: body > 0 ? 1 : 0 });
      const isJson = answer.startsWith('{') || answer.startsWith('[');
      response.writeHead(status, { 'content-type': isJson ? 'application/json' : 'text/plain', etag: '"1"' }).end(answer);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    return await work(`http://127.0.0.1:${(server.address() as { port: number }).port}`, requests);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** Calls `work` with the port of a Redis of its own. */
export const withRedis = (work: (port: number) => Promise<unknown>) => withProcess('redis-server', (port) => ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], work);

/** Calls `work` with the port at which a program of its own listens. */
export async function withProcess(command: string, argumentsFor: (port: number) => string[], work: (port: number) => Promise<unknown>) {
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const child = spawn(command, argumentsFor(port), { stdio: 'ignore' });
  const ended = once(child, 'exit');
  try {
    await once(child, 'spawn');
    for (let tries = 0; tries < 1_000 && !(await accepts(port)); tries += 1) await new Promise((done) => setTimeout(done, 20));
    return await work(port);
  } finally {
    child.kill();
    await ended;
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => { socket.destroy(); resolve(true); });
    socket.on('error', () => resolve(false));
  });
}

export const chromiumFlags = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];
