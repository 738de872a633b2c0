import type { FastifyInstance } from 'fastify';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { refuseHost } from './loopback.ts';

/**
 * Starts listening on loopback; port 0 picks a free one.
 * @returns the server's URL
 * @throws CloudCodeError `host_refused`, `port_in_use`
 */
export async function listen(
  server: FastifyInstance,
  at: { readonly host: string; readonly port: number },
): Promise<string> {
  refuseHost(at.host);
  const host = at.host.replace(/^\[(.*)\]$/, '$1');
  try {
    await server.listen({ host, port: at.port });
  } catch (error) {
    throw whyNot(error, at);
  }
  const address = server.server.address();
  const port = typeof address === 'object' && address !== null ? address.port : at.port;
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function whyNot(error: unknown, { host, port }: { readonly host: string; readonly port: number }): unknown {
  const code = (error as { readonly code?: string }).code;
  if (code === 'EADDRINUSE') {
    return new CloudCodeError('port_in_use', `Port ${port} of ${host} is in use.`, {
      hint: 'Choose another with --port; --port 0 takes a free one.',
      cause: error,
    });
  }
  if (code === 'EACCES') {
    return new CloudCodeError('port_in_use', `Port ${port} of ${host} may not be used by this user.`, {
      hint: 'Choose one from 1024 on with --port.',
      cause: error,
    });
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
    return new CloudCodeError('host_refused', `This machine has no address ${JSON.stringify(host)}.`, {
      hint: 'Leave --host out: 127.0.0.1 always works.',
      cause: error,
    });
  }
  return error;
}
