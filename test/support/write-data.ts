import { batchOperations, type DataScope } from '../../src/data/operations/carry-out.ts';
import { nothingWritten, type WriteAnswer } from '../../src/data/protocol/data-answers.ts';
import { type Batch, writeBatch } from '../../src/engine/operations/write-batch.ts';
import type { Store } from '../../src/engine/store/open-store.ts';

/** A batch of an attempt, as its runner carries it out. */
export async function writeData(store: Store, scope: DataScope, batch: Batch): Promise<WriteAnswer> {
  const answer = await writeBatch(store, { caller: scope.caller, carryOut: batchOperations(scope) }, batch);
  return { ...nothingWritten, ...answer };
}
