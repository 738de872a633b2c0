import { z } from 'zod';
import { apiBase, resource } from './operation.ts';

const answer = z.looseObject({
  openapi: z.literal('3.1.1'),
  info: z.looseObject({ title: z.string(), version: z.string() }),
  paths: z.record(z.string(), z.unknown()),
  components: z.record(z.string(), z.unknown()),
});
export type OpenApiDocument = z.output<typeof answer>;

export const openapi = resource('openapi', {
  show: {
    method: 'GET',
    path: `${apiBase}/openapi.json`,
    permission: 'public',
    summary: 'Describes the API in the OpenAPI format.',
    answer,
  },
});
