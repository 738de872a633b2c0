const customers = ['Ada', 'Grace', 'Edsger', 'Barbara'];

/**
 * Writes the invoices of a month, and schedules a run for each, in one transaction: however often this is attempted, they are
 * all there once, each with its run, or none is.
 */
export async function run({ month = '2026-03', perCustomer = 3 }: { month?: string; perCustomer?: number }) {
  if ((await DB.invoice.first('number starts with ?', `${month}-`)) !== null) return { written: 0 };
  const batch = new DB.Batch();
  for (const name of customers) {
    const customer = DB.customer.create({ name, email: `${name.toLowerCase()}@example.org` });
    batch.save(customer);
    for (let number = 1; number <= perCustomer; number += 1) {
      const invoice = DB.invoice.create({
        number: `${month}-${name}-${number}`,
        cents: 1000 * number + name.length,
        due: new Day(`${month}-15`),
        customer,
      });
      const taskstate = DB.taskstate.create({ tries_remaining: 3, invoice });
      batch.save(invoice);
      batch.save(taskstate);
      batch.scheduleTask({ task: 'perform', parameters: { state_id: taskstate.id } });
    }
  }
  const { scheduled } = await batch.execute();
  return { written: scheduled.length };
}
