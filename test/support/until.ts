/** Asks again until there is an answer; an error after `withinMs`. What is asked may be costly (a look at every process): it takes a third of the time at most. */
export async function until<Answer>(
  withinMs: number,
  what: string,
  ask: () => Promise<Answer | null> | Answer | null,
): Promise<Answer> {
  const end = performance.now() + withinMs;
  for (;;) {
    const askedAt = performance.now();
    const answer = await ask();
    if (answer !== null) return answer;
    const answeredAt = performance.now();
    if (answeredAt > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, Math.max(20, 2 * (answeredAt - askedAt))));
  }
}
