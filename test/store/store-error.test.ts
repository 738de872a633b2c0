import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { CloudCodeError } from '../../src/core/errors.ts';
import { asStoreError } from '../../src/store/store-error.ts';

test('a database whose disk is full is told as that, and not as a wrong URL', () => {
  const refusal = Object.assign(new pg.DatabaseError('could not extend file "base/1/2": No space left on device', 0, 'error'), { code: '53100' });
  const error = asStoreError(refusal);
  assert.ok(error instanceof CloudCodeError);
  assert.equal(error.code, 'database_unreachable');
  assert.match(error.message, /^The database has run out of what it needs: could not extend file .* No space left on device\.$/);
  assert.match(error.hint ?? '', /^Make room on the disk/);
  assert.equal(error.cause, refusal);
});
