import { anthropicKey, openaiKey } from './apis.ts';
import { piEvents } from './pi-events.ts';
import type { Provider } from './provider.ts';

const address = (provider: string, variable: string) => ({
  file: '.pi/agent/models.json',
  json: { providers: { [provider]: { baseUrl: '$' } } },
  from: variable,
});

export const pi: Provider = {
  name: 'pi',
  title: 'pi',
  verified: true,
  program: 'pi',
  install: { npm: '@earendil-works/pi-coding-agent', version: '1.6.0' },
  headless: { args: ['--print', '--mode', 'json'], prompt: 'stdin' },
  interactive: null,
  report: {
    format: 'jsonl',
    events: piEvents,
    login: '\\b401\\b|no api key found|(incorrect|invalid|missing) api key|/login|unauthorized',
    quota: '\\b429\\b|rate limit|(exceeded|out of|insufficient) .*(quota|credits|balance)',
    words: { asks: null, waits: null },
  },
  model: '--model',
  env: { PI_OFFLINE: '1', PI_TELEMETRY: '0' },
  keys: ['ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GEMINI_API_KEY', 'OPENROUTER_API_KEY'],
  aliases: {},
  passThroughEnv: ['ANTHROPIC_BASE_URL', 'OPENAI_BASE_URL', 'GOOGLE_GEMINI_BASE_URL'],
  endpoint: null,
  brokered: {
    keys: [anthropicKey, openaiKey],
    unless: null,
  },
  login: ['.pi/agent/auth.json'],
  loginHolds: '"(key|access|refresh)"',
  models: {
    file: '.pi/agent/models.json',
    holds: '"baseUrl"',
    keys: '"apiKey"\\s*:\\s*"\\$\\{?([A-Z_][A-Z0-9_]*)\\}?"',
  },
  otherLogins: {
    variables: '(_API_KEY|_BASE_URL|_TOKEN|_ACCESS_KEY_ID|_PROFILE|_CREDENTIALS)$|^PI_CODING_AGENT_DIR$',
    args: '^--api-key\\b',
    folder: '.pi',
    files: [],
  },
  settings: [
    // It takes the address of an API from this file only.
    address('anthropic', 'ANTHROPIC_BASE_URL'),
    address('openai', 'OPENAI_BASE_URL'),
  ],
  // It has no MCP servers.
  customization: { mcp: null, skills: '.pi/agent/skills', instructions: '.pi/agent/AGENTS.md', trust: null },
  conversation: { files: ['.pi/agent/sessions'], args: ['--continue'] },
  check: {
    api: 'chat',
    env: { OPENAI_API_KEY: '$KEY' },
    files: {
      '.pi/agent/models.json': {
        providers: {
          stub: {
            baseUrl: '$URL/v1',
            api: 'openai-completions',
            apiKey: '$OPENAI_API_KEY',
            models: [{ id: 'stub-model' }],
          },
        },
      },
    },
    model: 'stub/stub-model',
  },
  hosts: [
    ...['api.anthropic.com:443', 'api.openai.com:443', 'generativelanguage.googleapis.com:443'],
    'openrouter.ai:443',
  ],
};
