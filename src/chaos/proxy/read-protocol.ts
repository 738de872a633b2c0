// As much of PostgreSQL's protocol as a campaign needs, version 3: https://www.postgresql.org/docs/current/protocol-message-formats.html

/** BackendKeyData: the byte K, the length 12, the process's id, a secret. It comes once, after the password was accepted. */
const keyDataHead = Buffer.from([0x4b, 0, 0, 0, 12]);
/** ReadyForQuery: the byte Z and the length 5. Unless a transaction is open, what was asked is committed, or was refused. */
const ready = Buffer.from([0x5a, 0, 0, 0, 5]);

export function backendPidIn(answer: Buffer): number | null {
  const at = answer.indexOf(keyDataHead);
  return at === -1 || answer.length < at + 9 ? null : answer.readInt32BE(at + 5);
}

export function isReadyAgain(answer: Buffer): boolean {
  return answer.includes(ready);
}

/** Whether the request executes a prepared statement whose name begins with one of these: in Bind it follows a zero byte. */
export function names(request: Buffer, statements: readonly string[]): boolean {
  return statements.some((statement) => request.includes(`\0${statement}`));
}
