import { once } from 'node:events';
import { createServer } from 'node:http';

/**
 * A payment service that trusts its customers: it takes money each time it is asked, and is out of order for the first request of every third invoice.
 * @returns its address, what it has taken, and what ends it
 */
export async function startPaymentService() {
  const charges = [];
  const asked = new Set();
  const server = createServer(async (request, response) => {
    const { searchParams } = new URL(request.url, 'http://localhost');
    if (request.method === 'GET')
      return response.end(JSON.stringify(charges.filter(({ number }) => number === searchParams.get('number'))));
    const charge = JSON.parse(await textOf(request));
    const isFirst = !asked.has(charge.number);
    asked.add(charge.number);
    if (isFirst && asked.size % 3 === 0) {
      response.statusCode = 503;
      return response.end();
    }
    charges.push(charge);
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${server.address().port}`, charges, close: () => server.close() };
}

async function textOf(request) {
  let text = '';
  for await (const chunk of request) text += chunk;
  return text;
}
