const { execArgv, version, arch } = process;
/** As the process was started: a forked one names others afterwards. */
const flags = [...execArgv, process.env['NODE_OPTIONS'] ?? ''].join(' ');

let name: string | null = null;

/** Code is compiled for one version of V8 and its flags, which V8 checks itself: the name keeps apart what both would throw away. (V8's own tag of them takes 5 ms to ask for.) */
export function nameOfNode(): string {
  return (name ??= `${version}-${arch}-${hashOf(flags)}`);
}

/** FNV-1a, of 32 bits: for names, where a library's would take a millisecond to load. */
export function hashOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash >>> 0).toString(16);
}
