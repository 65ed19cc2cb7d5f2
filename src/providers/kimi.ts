import { customOpenaiApi } from './apis.ts';
import { kimiEvents } from './kimi-events.ts';
import type { Provider } from './provider.ts';

export const kimi: Provider = {
  name: 'kimi',
  title: 'Kimi Code CLI',
  verified: true,
  program: 'kimi',
  install: { npm: '@moonshot-ai/kimi-code', version: '2.1.0' },
  headless: { args: ['--output-format', 'stream-json'], prompt: { flag: '--prompt' } },
  interactive: null,
  report: {
    format: 'jsonl',
    events: kimiEvents,
    login: '\\b401\\b|provider\\.auth_error|no model configured|/login|(incorrect|invalid|missing) api key',
    quota: '\\b429\\b|rate.?limit|(exceeded|out of|insufficient) .*(quota|credits|balance)',
    words: { asks: null, waits: null },
  },
  model: '--model',
  env: { KIMI_CODE_NO_AUTO_UPDATE: '1', KIMI_DISABLE_TELEMETRY: '1' },
  keys: ['KIMI_MODEL_API_KEY'],
  aliases: {},
  passThroughEnv: ['KIMI_MODEL_NAME', 'KIMI_MODEL_BASE_URL', 'KIMI_MODEL_PROVIDER_TYPE'],
  endpoint: null,
  brokered: {
    keys: [
      {
        name: 'KIMI_MODEL_API_KEY',
        address: 'KIMI_MODEL_BASE_URL',
        api: customOpenaiApi,
        placeholder: 'sk-',
      },
    ],
    unless: '^KIMI_MODEL_PROVIDER_TYPE=(?!(openai|kimi)$)',
  },
  login: ['.kimi-code/config.toml', '.kimi-code/credentials'],
  loginHolds: 'api_key|oauth',
  otherLogins: {
    variables: '^KIMI_(MODEL_BASE_URL|CODE_HOME)$',
    args: null,
    folder: '.kimi-code',
    files: [],
  },
  settings: [],
  customization: { mcp: null, skills: null, instructions: null, trust: null },
  conversation: { files: ['.kimi-code/sessions', '.kimi-code/session_index.jsonl'], args: ['--continue'] },
  check: {
    api: 'chat',
    env: {
      KIMI_MODEL_API_KEY: '$KEY',
      KIMI_MODEL_BASE_URL: '$URL/v1',
      KIMI_MODEL_NAME: 'stub-model',
      KIMI_MODEL_PROVIDER_TYPE: 'openai',
    },
  },
  hosts: ['api.moonshot.ai:443', 'api.kimi.com:443'],
};
