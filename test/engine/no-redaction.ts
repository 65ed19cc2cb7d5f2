import { registerHooks } from 'node:module';

/** Loaded before the command: whoever asks for a redactor gets one that knows no secrets. */
registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    if (!/\/src\/engine\/redact\.[jt]s$/.test(url)) return loaded;
    const source = String(loaded.source);
    const blind = source.replace('[...secrets].flatMap(formsOf)', '[]');
    if (blind === source) throw new Error('src/engine/redact.ts is no longer what this switches off');
    return { ...loaded, source: blind };
  },
});
