import { customOpenaiApi } from './apis.ts';
import { copilotEvents } from './copilot-events.ts';
import { mcpServersIn } from './customization.ts';
import type { Provider } from './provider.ts';

export const copilot: Provider = {
  name: 'copilot',
  title: 'GitHub Copilot CLI',
  verified: true,
  program: 'copilot',
  install: { npm: '@github/copilot', version: '1.0.102' },
  headless: { args: ['--allow-all', '--no-ask-user', '--output-format', 'json'], prompt: 'stdin' },
  interactive: null,
  report: {
    format: 'jsonl',
    events: copilotEvents,
    login:
      '\\b401\\b|authentication (failed|required)|no authentication information|not supported by copilot|not logged in',
    quota: '\\b429\\b|rate limit|(exceeded|out of|no) .*(quota|premium requests)',
    words: { asks: null, waits: null },
  },
  model: '--model',
  env: { COPILOT_AUTO_UPDATE: 'false' },
  keys: [
    'COPILOT_GITHUB_TOKEN',
    'GH_TOKEN',
    'GITHUB_TOKEN',
    'COPILOT_PROVIDER_API_KEY',
    'COPILOT_PROVIDER_BEARER_TOKEN',
  ],
  aliases: {},
  passThroughEnv: [
    'COPILOT_MODEL',
    'COPILOT_PROVIDER_BASE_URL',
    'COPILOT_PROVIDER_MODEL_ID',
    'COPILOT_PROVIDER_TYPE',
    'COPILOT_PROVIDER_WIRE_API',
  ],
  endpoint: null,
  brokered: {
    keys: [
      {
        name: 'COPILOT_PROVIDER_API_KEY',
        address: 'COPILOT_PROVIDER_BASE_URL',
        api: customOpenaiApi,
        placeholder: 'sk-',
      },
    ],
    unless: '^COPILOT_PROVIDER_TYPE=(?!openai$)',
  },
  login: [],
  otherLogins: {
    variables: '^COPILOT_(PROVIDER_BASE_URL|HOME)$',
    args: null,
    folder: '.copilot',
    files: [],
  },
  settings: [],
  customization: {
    mcp: {
      ...mcpServersIn('.copilot/mcp-config.json'),
      variable: '${NAME}',
      local: { isList: false, env: 'env', more: { type: 'local', tools: ['*'] } },
      remote: { url: 'url', more: { type: 'http', tools: ['*'] } },
    },
    skills: '.copilot/skills',
    instructions: '.copilot/copilot-instructions.md',
    trust: {
      // Both values approve all tools. Only `true` loads the hooks and MCP servers of the workspace.
      untrusted: { env: { COPILOT_ALLOW_ALL: '1' } },
      trusted: { env: { COPILOT_ALLOW_ALL: 'true' } },
    },
  },
  conversation: { files: ['.copilot/session-state'], args: ['--continue'] },
  check: {
    api: 'chat',
    env: {
      COPILOT_PROVIDER_API_KEY: '$KEY',
      COPILOT_PROVIDER_BASE_URL: '$URL/v1',
      COPILOT_MODEL: 'gpt-5.4',
    },
  },
  hosts: [
    ...['api.github.com:443', 'github.com:443', 'api.githubcopilot.com:443', '*.githubcopilot.com:443'],
    'copilot-proxy.githubusercontent.com:443',
  ],
};
