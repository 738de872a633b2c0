/** The label that was given, or one made from the name: `serial_number` and `serialNumber` give "Serial number". */
export function labelOf(given: string | null, name: string): string {
  const label = given?.trim() ?? '';
  if (label !== '') return label;
  const words = name
    .replaceAll(/(?<=[a-z0-9])[A-Z](?![A-Z])/g, (letter) => ` ${letter.toLowerCase()}`)
    .replaceAll('_', ' ')
    .trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
