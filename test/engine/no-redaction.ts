import { registerHooks } from 'node:module';

/** Loaded before the command: every redactor has no secrets. */
registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    // src/secrets/needles.ts, in whatever bundle it is.
    const source = String(loaded.source);
    if (!source.includes('function needlesOf(')) return loaded;
    const off = source.replace('[...secrets].flatMap(partsOf)', '[]');
    if (off === source) throw new Error('src/secrets/needles.ts has changed: this no longer switches it off');
    return { ...loaded, source: off };
  },
});
