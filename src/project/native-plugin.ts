import { isBuiltin } from 'node:module';
import { join } from 'node:path';
import type { OnResolveArgs, Plugin, PluginBuild } from 'esbuild';
import { isNativePackage } from './native-package.ts';
import { relativePath } from './relative-path.ts';

/** Of what stands in a bundle for something that is loaded from outside of it: `importer -> specifier`. */
export const nativeNamespace = 'cloudcode-native';
const resolvingHere = Symbol('resolving here');

/**
 * Leaves native add-ons outside of the bundle: `.node` files, and packages that hold or load one. Where the bundle runs, they are
 * required from the place of the file that imports them, so that they come from the project's node_modules.
 */
export function nativePlugin(folder: string): Plugin {
  return {
    name: 'cloudcode-native',
    setup(build) {
      build.onResolve({ filter: /^[^./]|\.node$/ }, async (args) => {
        if (args.kind === 'entry-point' || args.kind === 'require-resolve' || args.pluginData === resolvingHere || args.namespace !== 'file' || isBuiltin(args.path)) return undefined;
        if (!(await isNative(build, args))) return undefined;
        const pluginData = { importer: relativePath(folder, args.importer), specifier: args.path };
        return { path: `${pluginData.importer} -> ${args.path}`, namespace: nativeNamespace, pluginData, sideEffects: false };
      });
      build.onLoad({ filter: /^/, namespace: nativeNamespace }, ({ pluginData }) => {
        const { importer, specifier } = pluginData as { readonly importer: string; readonly specifier: string };
        return {
          contents: `module.exports = require("cloudcode:here").load(${JSON.stringify(importer)}, ${JSON.stringify(specifier)});`,
          loader: 'js',
          resolveDir: folder,
        };
      });
    },
  };
}

async function isNative(build: PluginBuild, { path, importer, resolveDir, kind, with: attributes }: OnResolveArgs): Promise<boolean> {
  const found = await build.resolve(path, { importer, resolveDir, kind, with: attributes, pluginData: resolvingHere });
  if (found.errors.length > 0 || found.external || found.namespace !== 'file') return false;
  if (found.path.endsWith('.node')) return true;
  const root = packageFolderOf(found.path);
  return root !== null && (await isNativePackage(root));
}

/** The folder of the npm package that a file belongs to; null for the project's own files. */
function packageFolderOf(path: string): string | null {
  const match = /^(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/.exec(path);
  return match?.[1] === undefined ? null : join(match[1]);
}
