import { dataInProject } from '../data/source/project-extension.ts';
import { serveBuild } from '../project/build-process/serve-build.ts';

// The process of one build.
await serveBuild(dataInProject);
