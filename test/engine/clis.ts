import type { ModelStub } from './model-stub.ts';

/** The AI CLIs that our tests run for real, as they are installed for users; only what answers them is ours. */
export const clis = [
  { name: 'claude', api: 'anthropic', key: 'ANTHROPIC_API_KEY', address: 'ANTHROPIC_BASE_URL', path: '' },
  { name: 'codex', api: 'openai', key: 'OPENAI_API_KEY', address: 'OPENAI_BASE_URL', path: '/v1' },
  { name: 'gemini', api: 'gemini', key: 'GEMINI_API_KEY', address: 'GOOGLE_GEMINI_BASE_URL', path: '' },
] as const;
export type Cli = (typeof clis)[number];

/** What its caller's environment has, so that a stub answers it. */
export const envOf = ({ key: variable, address, path }: Cli, stub: ModelStub, key: string) => ({
  [variable]: key,
  [address]: `${stub.url}${path}`,
});

/** A word that no other run has. */
export const nonce = () => `NONCE-${Math.random().toString(36).slice(2, 12)}`;
