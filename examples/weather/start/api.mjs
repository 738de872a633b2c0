// The HTTP API, as any program would use it: see docs/ for the whole of it.
const base = '/api/v1/environments/testing';

export function openApi(url) {
  const request = async (path, { query = {}, ...options } = {}) => {
    const address = new URL(base + path, url);
    for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value);
    const response = await fetch(address, { signal: AbortSignal.timeout(15_000), ...options });
    const body = await response.json();
    if (!response.ok) throw new Error(`${body.title ?? `HTTP status ${response.status}`}: ${body.detail ?? path}`);
    return body;
  };
  return {
    scheduleRun: (run) =>
      request('/runs', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(run) }),
    /** All runs, newest first, a page at a time. */
    async *listRuns(filter = {}) {
      let query = { limit: 200, ...filter };
      for (;;) {
        const page = await request('/runs', { query });
        yield* page.runs;
        if (page.nextCursor === null) return;
        query = { ...query, cursor: page.nextCursor };
      }
    },
  };
}

export async function isReady(url) {
  try {
    return (await fetch(`${url}/ready`, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false; // not listening yet, or no longer
  }
}
