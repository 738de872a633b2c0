import assert from 'node:assert/strict';
import { test } from 'node:test';
import pg from 'pg';
import { CloudCodeError } from '../../../src/engine/core/errors.ts';
import { asStoreError, isUnreachable } from '../../../src/engine/store/store-error.ts';

test('a database whose disk is full is told as that, and not as a wrong URL', () => {
  const refusal = Object.assign(
    new pg.DatabaseError('could not extend file "base/1/2": No space left on device', 0, 'error'),
    { code: '53100' },
  );
  const error = asStoreError(refusal);
  assert.ok(error instanceof CloudCodeError);
  assert.equal(error.code, 'database_unreachable');
  assert.match(
    error.message,
    /^The database has run out of what it needs: could not extend file .* No space left on device\.$/,
  );
  assert.match(error.hint ?? '', /^Make room on the disk/);
  assert.equal(error.cause, refusal);
});

test('an error that may pass means that the database is away, and every other one is a refusal of this statement', () => {
  const ofServer = (code: string) => Object.assign(new pg.DatabaseError('no', 0, 'error'), { code });
  const ofNode = (code: string) => Object.assign(new Error('no'), { code });
  const away = [
    ...[
      '08006',
      '08P01',
      '25006',
      '25P03',
      '25P04',
      '26000',
      '28000',
      '28P01',
      '3D000',
      '53100',
      '53200',
      '53300',
      '57014',
      '57P01',
      '57P02',
      '57P03',
      '57P05',
      '58030',
    ].map(ofServer),
    ...[
      'ECONNREFUSED',
      'ECONNRESET',
      'ETIMEDOUT',
      'ENOTFOUND',
      'EAI_AGAIN',
      'EAI_FAIL',
      'EADDRNOTAVAIL',
      'EMFILE',
      'ENETDOWN',
      'CERT_HAS_EXPIRED',
      'SELF_SIGNED_CERT_IN_CHAIN',
    ].map(ofNode),
    ...[
      'DEPTH_ZERO_SELF_SIGNED_CERT',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      'ERR_TLS_CERT_ALTNAME_INVALID',
      'ERR_SSL_WRONG_VERSION_NUMBER',
      'ERR_STREAM_DESTROYED',
    ].map(ofNode),
    ...['Connection terminated unexpectedly', 'Query read timeout', 'The server does not support SSL connections'].map(
      (message) => new Error(message),
    ),
  ];
  for (const error of away)
    assert.ok(isUnreachable(asStoreError(error)), (error as { code?: string }).code ?? error.message);
  const refusals = [
    ...['23505', '22P02', '22P05', '42501', '42P01', '54000', 'CC001', '40001', '40P01', '55P03', '0A000'].map(
      ofServer,
    ),
    new TypeError('x is not a function'),
  ];
  for (const error of refusals)
    assert.ok(!isUnreachable(asStoreError(error)), (error as { code?: string }).code ?? error.message);
});
