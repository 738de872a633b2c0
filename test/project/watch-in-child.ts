import { watchProject } from '../../src/project/watch/watch-project.ts';

// Watches a project in a process of its own, which may have other limits, and says on standard output what it is told.

const [folder = ''] = process.argv.slice(2);
const say = (what: object): void => void process.stdout.write(`${JSON.stringify(what)}\n`);

await watchProject({
  folder,
  built: { read: [], beganAtMs: Number.POSITIVE_INFINITY },
  onChange: async (files) => {
    say({ files });
    return [];
  },
  onBlind: ({ code }) => say({ blind: code }),
});
say({ ready: true });
