import { registerHooks } from 'node:module';

/** Loaded before the command: whoever asks for a redactor gets one that knows no secrets. */
registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    // src/secrets/needles.ts, wherever it was bundled into.
    const source = String(loaded.source);
    if (!source.includes('function needlesOf(')) return loaded;
    const blind = source.replace('[...secrets].flatMap(partsOf)', '[]');
    if (blind === source) throw new Error('src/secrets/needles.ts is no longer what this switches off');
    return { ...loaded, source: blind };
  },
});
