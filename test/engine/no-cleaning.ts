import { registerHooks } from 'node:module';

/** Loaded before the command: text of agents is shown and kept unescaped. */
registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    // src/text/text.ts, in whatever bundle it is.
    const source = String(loaded.source);
    if (!source.includes('function plainText(')) return loaded;
    const off = source.replace('if (!unsafe.test(text)) return text', 'return text');
    if (off === source) throw new Error('src/text/text.ts has changed: this no longer switches it off');
    return { ...loaded, source: off };
  },
});
