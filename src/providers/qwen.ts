import { anthropicKey, geminiKey, openaiKey } from './apis.ts';
import { mcpServersIn } from './customization.ts';
import type { Provider } from './provider.ts';

export const qwen: Provider = {
  name: 'qwen',
  title: 'Qwen Code',
  verified: true,
  program: 'qwen',
  install: { npm: '@qwen-code/qwen-code', version: '0.24.4' },
  headless: {
    args: ['--yolo', '--output-format', 'stream-json'],
    // Otherwise it exits because no kind of login is selected, whichever keys are set.
    keyArgs: {
      OPENAI_API_KEY: ['--auth-type', 'openai'],
      ANTHROPIC_API_KEY: ['--auth-type', 'anthropic'],
      GEMINI_API_KEY: ['--auth-type', 'gemini'],
    },
    prompt: 'stdin',
  },
  interactive: null,
  report: {
    format: 'qwen',
    login:
      '\\b401\\b|no auth type is selected|(incorrect|invalid|missing|no) api key|not logged in|unauthorized',
    quota: '\\b429\\b|rate limit|(exceeded|out of|insufficient) .*(quota|credits|balance)',
    words: { asks: null, waits: null },
  },
  model: '--model',
  env: { QWEN_CODE_SUPPRESS_YOLO_WARNING: '1' },
  keys: ['OPENAI_API_KEY', 'ANTHROPIC_API_KEY', 'GEMINI_API_KEY'],
  aliases: {},
  passThroughEnv: [
    'OPENAI_BASE_URL',
    'OPENAI_MODEL',
    'ANTHROPIC_BASE_URL',
    'ANTHROPIC_MODEL',
    'GEMINI_MODEL',
    'GOOGLE_GEMINI_BASE_URL',
  ],
  endpoint: null,
  brokered: {
    keys: [openaiKey, anthropicKey, geminiKey],
    unless: null,
  },
  login: ['.qwen/settings.json', '.qwen/oauth_creds.json'],
  loginHolds: '"selectedType"',
  otherLogins: {
    variables: '^(OPENAI|ANTHROPIC|GOOGLE_GEMINI)_BASE_URL$',
    args: '^--(openai-)?(api-key|base-url)\\b',
    folder: '.qwen',
    files: ['.env', '.qwen/.env', '.qwen/settings.json'],
  },
  settings: [
    {
      file: '.qwen/settings.json',
      json: { privacy: { usageStatisticsEnabled: false }, general: { enableAutoUpdate: false } },
    },
  ],
  customization: {
    mcp: { ...mcpServersIn('.qwen/settings.json'), remote: { url: 'httpUrl', more: {} } },
    skills: '.qwen/skills',
    instructions: '.qwen/QWEN.md',
    trust: null,
  },
  conversation: { files: ['.qwen/projects'], args: ['--continue'] },
  outputSchema: { flag: '--json-schema', takes: 'text', field: 'structured_result' },
  check: {
    api: 'chat',
    env: { OPENAI_API_KEY: '$KEY', OPENAI_BASE_URL: '$URL/v1', OPENAI_MODEL: 'stub-model' },
  },
  hosts: [
    ...['dashscope.aliyuncs.com:443', 'api.openai.com:443', 'api.anthropic.com:443'],
    ...['generativelanguage.googleapis.com:443', 'openrouter.ai:443'],
  ],
};
