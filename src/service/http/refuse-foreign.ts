import type { FastifyRequest } from 'fastify';
import { CloudCodeError } from '../../engine/core/errors.ts';
import { notFound } from './answer-errors.ts';
import { bytesType } from './read-json-body.ts';

const loopbackHost = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/i;
const safeMethods = ['GET', 'HEAD', 'OPTIONS'];

/**
 * Keeps other machines and web pages out, as long as there is no authentication. The Host must be loopback, or a foreign site could
 * point a name of its own at this machine (DNS rebinding). An Origin must be this server's own: browsers send it with every request of
 * a page that could read the answer, and with every POST. A POST must be JSON, or bytes where an operation takes those, which a page of another origin cannot send unasked; so must
 * whatever else could change something. Where nothing is but the method is another one, that is said in place of the missing type.
 * @throws CloudCodeError `forbidden_host`, `unsupported_media_type`, `not_found`
 */
export function refuseForeign(request: FastifyRequest): void {
  const { host, origin } = request.headers;
  if (host === undefined || !loopbackHost.test(host)) {
    throw new CloudCodeError(
      'forbidden_host',
      `The Host of the request is ${show(host)}; this server answers on loopback only.`,
      {
        hint: 'Use http://127.0.0.1 or http://localhost with its port.',
      },
    );
  }
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`) {
    throw new CloudCodeError(
      'forbidden_host',
      `The request comes from a page of ${show(origin)}, which is another origin than http://${host}.`,
      {
        hint: 'Programs send no Origin; pages must be served by this server.',
      },
    );
  }
  // Before its body is read, which may be of any type.
  if (request.is404 && request.method !== 'POST') throw notFound(request);
  if (safeMethods.includes(request.method)) return;
  const isBytes = request.routeOptions.config.operation?.bytes === true;
  refuseOtherMediaTypes(request.headers['content-type'], isBytes ? bytesType : 'application/json');
}

function refuseOtherMediaTypes(contentType: string | undefined, wanted: string): void {
  const [mediaType = ''] = (contentType ?? '').split(';', 1);
  if (mediaType.trim().toLowerCase() === wanted) return;
  throw new CloudCodeError(
    'unsupported_media_type',
    `The content type is ${contentType === undefined ? 'not given' : show(contentType)}.`,
    {
      hint: `Send content-type: ${wanted}, also without a body.`,
    },
  );
}

function show(value: string | undefined): string {
  return value === undefined ? 'missing' : JSON.stringify(value.slice(0, 200));
}
