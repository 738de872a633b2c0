// What an object of ours carries, whichever copy of its class made it: a task's bundle and the worker have their own.

/** On objects of `DB`. */
export const databaseObjectMark: unique symbol = Symbol.for('cloudcode.database-object') as never;

/** On every Attachment, with where its bytes are. */
export const attachmentMark: unique symbol = Symbol.for('cloudcode.attachment') as never;
