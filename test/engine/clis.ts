import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ModelStub } from './model-stub.ts';

/** The AI CLIs that tests run for real, as users install them; only the model API is a stub. */
export const clis = [
  { name: 'claude', api: 'anthropic', key: 'ANTHROPIC_API_KEY', address: 'ANTHROPIC_BASE_URL', path: '' },
  { name: 'codex', api: 'openai', key: 'OPENAI_API_KEY', address: 'OPENAI_BASE_URL', path: '/v1' },
  { name: 'gemini', api: 'gemini', key: 'GEMINI_API_KEY', address: 'GOOGLE_GEMINI_BASE_URL', path: '' },
] as const;

/** CLIs that run with `scripts/test --all`: their images are large. */
export const furtherClis: readonly Cli[] = [
  { name: 'opencode', api: 'chat', key: 'OPENAI_API_KEY', configured: opencodeConfigured },
  {
    name: 'copilot',
    api: 'chat',
    key: 'COPILOT_PROVIDER_API_KEY',
    address: 'COPILOT_PROVIDER_BASE_URL',
    path: '/v1',
    env: { COPILOT_MODEL: 'gpt-5.4' },
  },
  { name: 'cline', api: 'chat', key: 'OPENAI_API_KEY', configured: clineConfigured },
  {
    name: 'qwen',
    api: 'chat',
    key: 'OPENAI_API_KEY',
    address: 'OPENAI_BASE_URL',
    path: '/v1',
    env: { OPENAI_MODEL: 'stub-model' },
  },
  { name: 'pi', api: 'chat', key: 'OPENAI_API_KEY', model: 'stub/stub-model', configured: piConfigured },
  {
    name: 'pi',
    title: 'pi with the address of an API',
    api: 'anthropic',
    key: 'ANTHROPIC_API_KEY',
    address: 'ANTHROPIC_BASE_URL',
  },
  {
    name: 'kimi',
    api: 'chat',
    key: 'KIMI_MODEL_API_KEY',
    address: 'KIMI_MODEL_BASE_URL',
    path: '/v1',
    env: { KIMI_MODEL_NAME: 'stub-model', KIMI_MODEL_PROVIDER_TYPE: 'openai' },
  },
  { name: 'droid', api: 'chat', key: 'STUB_API_KEY', model: 'custom:stub-0', configured: droidConfigured },
];

export interface Cli {
  readonly name: string;
  /** For a test of its own, if there are several for a CLI. */
  readonly title?: string;
  /** The API of the stub that the CLI uses. */
  readonly api: string;
  readonly key: string;
  /** The variable with the address of its API, and the path of that API. */
  readonly address?: string;
  readonly path?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly model?: string;
  /** More variables of the caller, for a CLI that takes its address from none. */
  readonly configured?: (url: string, home: string) => Readonly<Record<string, string>>;
}

/** Return the caller's environment with which a stub replies; `home` is a folder that need not exist. */
export const envOf = (
  { key: variable, address, path = '', env, configured }: Cli,
  stub: ModelStub,
  { key, home = '' }: { readonly key: string; readonly home?: string },
): Record<string, string> => ({
  [variable]: key,
  ...(address === undefined ? {} : { [address]: `${stub.url}${path}` }),
  ...env,
  ...configured?.(`${stub.url}/v1`, home),
});

function opencodeConfigured(baseURL: string) {
  const stub = {
    npm: '@ai-sdk/openai-compatible',
    name: 'stub',
    options: { baseURL, apiKey: '{env:OPENAI_API_KEY}' },
    models: { 'stub-model': { name: 'Stub' } },
  };
  const model = 'stub/stub-model';
  return { OPENCODE_CONFIG_CONTENT: JSON.stringify({ model, small_model: model, provider: { stub } }) };
}

/** Write a file of the caller's home, and return the variable with that home. */
function homeWith(home: string, path: string, json: object) {
  const file = join(home, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify(json));
  return { HOME: home };
}

function piConfigured(baseUrl: string, home: string) {
  const stub = {
    baseUrl,
    api: 'openai-completions',
    apiKey: '$OPENAI_API_KEY',
    models: [{ id: 'stub-model' }],
  };
  return homeWith(home, '.pi/agent/models.json', { providers: { stub } });
}

function droidConfigured(baseUrl: string, home: string) {
  const stub = { model: 'stub-model', displayName: 'stub', baseUrl, apiKey: '${STUB_API_KEY}' };
  const customModels = [{ ...stub, provider: 'generic-chat-completion-api', maxOutputTokens: 8000 }];
  return homeWith(home, '.factory/settings.json', { customModels });
}

/** Written as by `cline auth`; the key is in the environment. */
function clineConfigured(baseUrl: string, home: string) {
  const provider = 'openai-compatible';
  const settings = { provider, model: 'stub-model', baseUrl };
  const entry = { settings, updatedAt: '2026-11-01T00:00:00.000Z', tokenSource: 'manual' };
  const json = { version: 1, lastUsedProvider: provider, modes: {}, providers: { [provider]: entry } };
  return homeWith(home, '.cline/data/settings/providers.json', json);
}

/** A word that no other run uses. */
export const nonce = () => `NONCE-${Math.random().toString(36).slice(2, 12)}`;
