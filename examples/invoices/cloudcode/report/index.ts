/** What became of the invoices: how many there are, how many are charged, and the customers with something open. */
export async function run() {
  const open: string[] = [];
  let complete = 0;
  let retried = 0;
  for await (const taskstate of DB.taskstate.all().include('invoice.customer')) {
    if (taskstate.status === 'complete') complete += 1;
    if (taskstate.error !== null) retried += 1;
    const invoice = await taskstate.invoice();
    if (taskstate.status !== 'complete') open.push(`${(await invoice?.customer())?.name}: ${invoice?.number}`);
  }
  return { invoices: await DB.invoice.all().count(), complete, retried, open };
}
