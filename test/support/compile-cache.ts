// Loaded before a test file: stripping the types of the sources that it imports, and compiling them, is done once for all files.
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';
import { packageRoot } from '../../src/package-root.ts';

enableCompileCache(join(packageRoot, 'node_modules/.cache/cloudcode-tests'));
