/** Code is compiled for one version of V8, its flags, and the processor. */
export function nameOfNode(): string {
  const tag = process.getBuiltinModule('node:v8').cachedDataVersionTag().toString(16);
  return `${process.version}-${process.arch}-${tag}`;
}
