import type { EnvironmentData } from '../../engine/operations/extension.ts';
import { openSession } from '../../engine/store/open-session.ts';
import { quoteName } from '../statements/columns.ts';
import { schemaName } from '../statements/target.ts';
import { countWithin } from './count-values.ts';
import { readCatalog } from './read-catalog.ts';
import { takeTurns } from './take-turns.ts';

/** How long a deployment to the environment is waited for. */
const patienceMs = 600_000;

/** The tables of an environment's models, as a whole. */
export const environmentData: EnvironmentData = {
  async count(store, environment) {
    const schema = schemaName(environment);
    await using session = await openSession(store.url);
    const { relations } = await readCatalog(session, schema);
    let objects = 0;
    for (const [table, { isTable, hasId }] of relations) {
      if (!isTable || !hasId) continue;
      const text = `select count(*)::double precision as count from ${quoteName(schema)}.${quoteName(table)}`;
      const count = await countWithin(session, text);
      if (count === null) return null;
      objects += count;
    }
    return objects;
  },

  drop(store, { environment, onProgress }, finish) {
    const schema = schemaName(environment);
    return takeTurns(store, { schema, patienceMs, onProgress }, async (session) => {
      onProgress('deleting data');
      await session.query({ name: '', text: `drop schema if exists ${quoteName(schema)} cascade` });
      return finish();
    });
  },
};
