import type { FastifyReply, FastifyRequest } from 'fastify';
import { problemOf } from '../api/http-problem.ts';
import { workEvents } from '../api/http-project.ts';
import { toRefusal } from './answer-errors.ts';
import { openEventStream } from './event-stream.ts';

/** Of work that somebody waits for. */
export interface Waiting {
  /** Aborts when nobody waits any more. */
  readonly signal: AbortSignal;
  readonly onStep: (step: string) => void;
}

interface Exchange {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly log: (message: string) => void;
}

/** Answers with what work is at, and how it ends, as server-sent events. */
export async function streamWork(
  { request, reply, log }: Exchange,
  work: (waiting: Waiting) => Promise<unknown>,
): Promise<FastifyReply> {
  void reply.hijack();
  const { closed, end } = openEventStream(reply.raw);
  let last = '';
  const send = (event: string, data: unknown): void =>
    void reply.raw.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  const onStep = (step: string): void => {
    if (step !== last) send(workEvents.step, step);
    last = step;
  };
  try {
    send(workEvents.done, await work({ signal: closed, onStep }));
  } catch (error) {
    send(workEvents.refused, problemOf(toRefusal(error, request, log)));
  } finally {
    await end();
  }
  return reply;
}
