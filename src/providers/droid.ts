import { mcpServersIn } from './customization.ts';
import { droidEvents } from './droid-events.ts';
import type { Provider } from './provider.ts';

export const droid: Provider = {
  name: 'droid',
  title: 'Factory Droid',
  verified: true,
  program: 'droid',
  install: {
    npm: 'droid',
    version: '0.215.0',
    // Without ps it kills every command: https://github.com/Factory-AI/factory/issues/33
    needs: { program: 'ps', package: 'procps' },
  },
  headless: {
    args: ['exec', '--skip-permissions-unsafe', '--output-format', 'stream-json'],
    prompt: 'stdin',
  },
  interactive: null,
  report: {
    format: 'jsonl',
    events: droidEvents,
    login: '\\b401\\b|authentication failed|factory_api_key|(incorrect|invalid|missing) api key|unauthorized',
    quota: '\\b429\\b|\\b402\\b|rate limit|(exceeded|out of|insufficient) .*(quota|credits|balance|tokens)',
    words: { asks: null, waits: null },
  },
  model: '--model',
  env: { FACTORY_DROID_AUTO_UPDATE_ENABLED: 'false' },
  keys: ['FACTORY_API_KEY'],
  aliases: {},
  passThroughEnv: [],
  endpoint: null,
  login: ['.factory/auth.v2.file', '.factory/auth.v2.key'],
  models: {
    file: '.factory/settings.json',
    holds: '"customModels"',
    keys: '"apiKey"\\s*:\\s*"\\$\\{([A-Za-z_]\\w*)\\}"',
  },
  otherLogins: {
    variables: null,
    args: null,
    folder: '.factory',
    files: [],
  },
  settings: [],
  customization: {
    mcp: {
      ...mcpServersIn('.factory/mcp.json'),
      local: { isList: false, env: 'env', more: { type: 'stdio' } },
      remote: { url: 'url', more: { type: 'http' } },
    },
    skills: '.factory/skills',
    instructions: '.factory/AGENTS.md',
    trust: null,
  },
  check: {
    api: 'chat',
    env: { STUB_API_KEY: '$KEY' },
    files: {
      '.factory/settings.json': {
        customModels: [
          {
            model: 'stub-model',
            displayName: 'stub',
            baseUrl: '$URL/v1',
            apiKey: '${STUB_API_KEY}',
            provider: 'generic-chat-completion-api',
            maxOutputTokens: 8000,
          },
        ],
      },
    },
    model: 'custom:stub-0',
  },
  hosts: ['api.factory.ai:443', 'app.factory.ai:443'],
};
