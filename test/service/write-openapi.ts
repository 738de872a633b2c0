import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';
import { openApiText } from '../../src/service/operations/openapi.ts';
import { clientOperationsText, clientTypesText } from './client-text.ts';

// Writes docs/openapi.json, and what the client knows of the API, from the declarations: `npm run openapi`.
writeFileSync(join(packageRoot, 'docs/openapi.json'), openApiText());
writeFileSync(join(packageRoot, 'src/client/operations.ts'), clientOperationsText());
writeFileSync(join(packageRoot, 'src/client/api.d.ts'), clientTypesText());
