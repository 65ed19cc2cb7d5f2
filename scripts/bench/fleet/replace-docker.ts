// Loaded by `node --import`: the modules that start docker processes are replaced by simulated engines.
import { registerHooks } from 'node:module';

const source = new URL('../../../src/docker/', import.meta.url);
const replacements = new Map(
  ['cli.ts', 'docker-process.ts'].map(name => [
    new URL(name, source).href,
    new URL(`simulated-${name}`, import.meta.url).href,
  ]),
);

registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context);
    return { ...resolved, url: replacements.get(resolved.url) ?? resolved.url };
  },
});
