/** What no deployment carries: secrets, packages (they travel by themselves), git's and our own folders. */
export function neverTravels(name: string): boolean {
  return name.startsWith('.env') || name === 'node_modules' || name === '.git' || name === '.cloudcode';
}
