import { openApiDocument } from '../api/openapi-document.ts';
import type { OpenApiDocument, openapi } from '../api/openapi.ts';
import { operations } from '../api/operations.ts';
import { type Handlers, JsonText } from './handler.ts';

let written: JsonText | null = null;

export const openApiHandlers: Handlers<typeof openapi> = {
  show: { answer: async () => (written ??= new JsonText(openApiText())) },
};

/** The document as it is served, and kept in docs/openapi.json. */
export function openApiText(): string {
  return `${JSON.stringify(openApiDocument(operations) satisfies OpenApiDocument, null, 2)}\n`;
}
