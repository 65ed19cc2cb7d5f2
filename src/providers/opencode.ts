import { mcpServersIn } from './customization.ts';
import { opencodeEvents } from './opencode-events.ts';
import type { Provider } from './provider.ts';

export const opencode: Provider = {
  name: 'opencode',
  title: 'opencode',
  verified: true,
  program: 'opencode',
  install: { npm: 'opencode-ai', version: '1.18.33' },
  headless: {
    // It retries without limit, and reports retries in its log only.
    args: ['run', '--auto', '--format', 'json', '--print-logs', '--log-level', 'ERROR'],
    prompt: 'stdin',
  },
  interactive: null,
  report: {
    format: 'jsonl',
    events: opencodeEvents,
    login:
      'no providers are available|\\b401\\b|unauthorized|(invalid|incorrect|missing|no) api key|api key .*(missing|not valid|invalid)|not logged in',
    quota: '\\b429\\b|rate limit|(exceeded|out of) .*(quota|credits)|insufficient_quota',
    words: {
      asks: null,
      waits: 'small=false .*error="([^"]*(?:rate limit|too many requests|usage limit|quota|\\b429\\b)[^"]*)"',
    },
  },
  model: '--model',
  env: { OPENCODE_DISABLE_AUTOUPDATE: '1', OPENCODE_DISABLE_MODELS_FETCH: '1' },
  // Without a key it would send the workspace to a free model of its vendor without asking.
  listedEnv: {
    variable: 'OPENCODE_CONFIG_CONTENT',
    list: 'disabled_providers',
    value: 'opencode',
    unlessIn: 'enabled_providers',
  },
  keys: ['ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'GEMINI_API_KEY', 'OPENROUTER_API_KEY'],
  aliases: {},
  passThroughEnv: ['OPENCODE_CONFIG_CONTENT'],
  endpoint: null,
  login: ['.local/share/opencode/auth.json'],
  loginHolds: '"(key|token|access|refresh)"',
  otherLogins: {
    variables:
      '^OPENCODE_(CONFIG|AUTH)(_CONTENT|_DIR)?$|(_API_KEY|_TOKEN|_BASE_URL|_ACCESS_KEY_ID|_PROFILE|_CREDENTIALS)$',
    args: null,
    folder: '.local/share/opencode',
    files: ['.env', 'opencode.json', 'opencode.jsonc', '.opencode/opencode.json', '.opencode/opencode.jsonc'],
  },
  settings: [
    // Nothing can be merged into the variable if it is a secret.
    { file: '.config/opencode/opencode.json', json: { disabled_providers: ['opencode'] } },
  ],
  customization: {
    mcp: {
      ...mcpServersIn('.config/opencode/opencode.json'),
      key: 'mcp',
      variable: '{env:NAME}',
      local: { isList: true, env: 'environment', more: { type: 'local', enabled: true } },
      remote: { url: 'url', more: { type: 'remote', enabled: true } },
    },
    skills: '.config/opencode/skills',
    instructions: '.config/opencode/AGENTS.md',
    trust: {
      untrusted: {
        env: { OPENCODE_DISABLE_PROJECT_CONFIG: '1' },
        // It would not read the instructions of the workspace either.
        settings: [
          {
            file: '.config/opencode/opencode.json',
            json: { instructions: ['/workspace/AGENTS.md', '/workspace/CLAUDE.md'] },
          },
        ],
      },
      trusted: {},
    },
  },
  conversation: {
    files: ['opencode.db', 'opencode.db-shm', 'opencode.db-wal'].map(file => `.local/share/opencode/${file}`),
    args: ['--continue'],
  },
  check: {
    api: 'chat',
    env: {
      OPENAI_API_KEY: '$KEY',
      OPENCODE_CONFIG_CONTENT: JSON.stringify({
        model: 'stub/stub-model',
        small_model: 'stub/stub-model',
        provider: {
          stub: {
            npm: '@ai-sdk/openai-compatible',
            name: 'stub',
            options: { baseURL: '$URL/v1', apiKey: '{env:OPENAI_API_KEY}' },
            models: { 'stub-model': { name: 'Stub' } },
          },
        },
      }),
    },
  },
  hosts: [
    ...['api.anthropic.com:443', 'api.openai.com:443', 'generativelanguage.googleapis.com:443'],
    'openrouter.ai:443',
  ],
};
