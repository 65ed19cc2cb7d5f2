import { mcpServersIn } from './customization.ts';
import type { Provider } from './provider.ts';

export const cline: Provider = {
  name: 'cline',
  title: 'Cline',
  verified: true,
  program: 'cline',
  install: { npm: 'cline', version: '3.0.65' },
  headless: {
    args: ['--json', '--auto-approve', 'true'],
    // Otherwise it uses the model of its vendor's cloud, whichever keys are set.
    keyArgs: {
      CLINE_API_KEY: [],
      ANTHROPIC_API_KEY: ['--provider', 'anthropic'],
      OPENAI_API_KEY: ['--provider', 'openai-native'],
      OPENROUTER_API_KEY: ['--provider', 'openrouter'],
    },
    // It does not read a prompt from a file on standard input.
    prompt: 'last',
  },
  interactive: null,
  report: {
    format: 'cline',
    login: '\\b401\\b|unauthorized|(incorrect|invalid|missing) api key|not (logged|signed) in|authentication',
    quota: '\\b429\\b|rate limit|(exceeded|out of|insufficient) .*(quota|credits|balance)',
    words: { asks: null, waits: null },
  },
  model: '--model',
  env: {},
  keys: ['ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'OPENROUTER_API_KEY', 'CLINE_API_KEY'],
  aliases: {},
  passThroughEnv: [],
  endpoint: null,
  login: ['.cline/data/settings/providers.json'],
  loginHolds: '"(apiKey|auth|accessToken|refreshToken|baseUrl|aws|gcp)"',
  otherLogins: {
    variables: '(_API_KEY|_TOKEN|_ACCESS_KEY_ID|_PROFILE)$|^CLINE_(DATA_)?DIR$',
    args: '^(-k|--key|--data-dir|--config|-P|--provider)\\b',
    folder: '.cline',
    files: [],
  },
  settings: [],
  customization: {
    mcp: {
      ...mcpServersIn('.cline/data/settings/cline_mcp_settings.json'),
      remote: { url: 'url', more: { type: 'streamableHttp' } },
    },
    skills: '.cline/skills',
    instructions: '.cline/rules/agent-flow.md',
    trust: null,
  },
  check: {
    api: 'chat',
    env: { OPENAI_API_KEY: '$KEY' },
    // As written by `cline auth`; the key is in the environment.
    files: {
      '.cline/data/settings/providers.json': {
        version: 1,
        lastUsedProvider: 'openai-compatible',
        modes: {},
        providers: {
          'openai-compatible': {
            settings: { provider: 'openai-compatible', model: 'stub-model', baseUrl: '$URL/v1' },
            updatedAt: '2026-11-01T00:00:00.000Z',
            tokenSource: 'manual',
          },
        },
      },
    },
  },
  hosts: ['api.cline.bot:443', 'api.anthropic.com:443', 'api.openai.com:443', 'openrouter.ai:443'],
};
