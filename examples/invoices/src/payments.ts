/** An invoice, as far as a payment is concerned. */
interface Payable {
  readonly number: string | null;
  readonly cents: number | null;
}

/** Takes the money. Asked twice, the service takes it twice. */
export async function charge({ number, cents }: Payable): Promise<void> {
  const response = await fetch(`${process.env.PAYMENT_URL}/charges`, {
    method: 'POST',
    body: JSON.stringify({ number, cents }),
  });
  if (!response.ok) throw new Error(`the payment service answered ${response.status}`);
}

export async function isCharged({ number }: Payable): Promise<boolean> {
  const response = await fetch(`${process.env.PAYMENT_URL}/charges?number=${encodeURIComponent(number ?? '')}`);
  if (!response.ok) throw new Error(`the payment service answered ${response.status}`);
  return ((await response.json()) as unknown[]).length > 0;
}
