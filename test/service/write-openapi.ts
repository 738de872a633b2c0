import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';
import { openApiText } from '../../src/service/operations/openapi.ts';

// Writes docs/openapi.json from the declarations: `npm run openapi`.
writeFileSync(join(packageRoot, 'docs/openapi.json'), openApiText());
