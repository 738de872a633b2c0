import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { readEvents, type ServerEvent } from '../../src/client/read-events.ts';

/** The events of a stream that comes in these chunks. */
async function eventsOf(...chunks: readonly (string | Uint8Array)[]): Promise<readonly ServerEvent[]> {
  const bytes = chunks.map((chunk) => (typeof chunk === 'string' ? new TextEncoder().encode(chunk) : chunk));
  const events: ServerEvent[] = [];
  for await (const event of readEvents(ReadableStream.from(bytes))) events.push(event);
  return events;
}

describe('the events of a server are read as the standard has them', () => {
  it('several data lines are one text with line breaks', async () => {
    assert.deepEqual(await eventsOf('event: line\nid: 7\ndata: one\ndata:\ndata: three\n\n'), [
      { event: 'line', id: '7', data: 'one\n\nthree' },
    ]);
  });

  for (const [name, lineEnd] of [
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['CR', '\r'],
  ] as const) {
    const stream = [':', '', 'event: a', 'data: 1', 'data: 2', '', 'data: 3', 'id: x', '', ''].join(lineEnd);
    const expected = [
      { event: 'a', id: null, data: '1\n2' },
      { event: 'message', id: 'x', data: '3' },
    ];

    it(`lines end with ${name}`, async () => {
      // What follows a last CR says whether a LF belongs to it.
      assert.deepEqual(await eventsOf(stream, ':'), expected);
    });

    it(`lines end with ${name}, and every character comes by itself`, async () => {
      assert.deepEqual(await eventsOf(...Array.from(stream), ':'), expected);
    });
  }

  it('a character whose bytes come apart is whole', async () => {
    const bytes = new TextEncoder().encode('data: für 😀\n\n');
    assert.deepEqual(await eventsOf(...Array.from(bytes, (_, at) => bytes.subarray(at, at + 1))), [
      { event: 'message', id: null, data: 'für 😀' },
    ]);
  });

  it('what is no event is passed over: comments, unknown fields, an event without data, one that is not whole at the end', async () => {
    assert.deepEqual(await eventsOf(': heartbeat\n\nwhat: ever\n\nevent: empty\n\ndata: one\n\ndata: cut'), [
      { event: 'message', id: null, data: 'one' },
    ]);
  });
});
