import { anthropicKey, anthropicTokenApi } from './apis.ts';
import { mcpServersIn } from './customization.ts';
import type { Provider } from './provider.ts';

export const claude: Provider = {
  name: 'claude',
  title: 'Claude Code',
  verified: true,
  program: 'claude',
  install: { npm: '@anthropic-ai/claude-code', version: '2.1.332' },
  headless: {
    args: [
      '--print',
      '--verbose',
      '--output-format=stream-json',
      '--include-partial-messages',
      '--dangerously-skip-permissions',
    ],
    prompt: 'stdin',
  },
  interactive: {
    args: ['--dangerously-skip-permissions'],
    settingsFlag: {
      flag: '--settings',
      json: {
        skipDangerousModePermissionPrompt: true,
        hooks: {
          UserPromptSubmit: [{ hooks: [{ type: 'command', command: 'agent-turn accepted' }] }],
          Stop: [{ hooks: [{ type: 'command', command: 'agent-turn end queued' }] }],
          StopFailure: [{ hooks: [{ type: 'command', command: 'agent-turn failed' }] }],
        },
      },
    },
    settings: [],
    // It asks for confirmation of a key in its environment, and stores a part of it on disk.
    key: { name: 'ANTHROPIC_API_KEY', as: 'AGENT_KEY', json: { apiKeyHelper: 'printenv AGENT_KEY' } },
    ready: '^\\s*⏵⏵ bypass permissions on',
    dialogs: [
      { title: 'asks for a login', pattern: 'Select login method:' },
      { title: 'asks a question', pattern: 'Enter to (confirm|select) · ' },
    ],
  },
  report: {
    format: 'claude',
    login: 'invalid api key|not logged in|/login|authentication_error|oauth token',
    quota: 'hit your .*limit|out of usage credits|\\(429\\)|exceed your rate limit',
  },
  model: '--model',
  env: {
    // It does not run as root otherwise. The container is a sandbox.
    IS_SANDBOX: '1',
    CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
    CLAUDE_CODE_SANDBOXED: '1',
    DISABLE_AUTOUPDATER: '1',
  },
  keys: ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_OAUTH_TOKEN', 'AWS_BEARER_TOKEN_BEDROCK'],
  aliases: {},
  passThroughEnv: [
    'ANTHROPIC_BASE_URL',
    'ANTHROPIC_MODEL',
    'ANTHROPIC_SMALL_FAST_MODEL',
    'ANTHROPIC_VERTEX_PROJECT_ID',
    'AWS_REGION',
    'CLAUDE_CODE_USE_BEDROCK',
    'CLAUDE_CODE_USE_VERTEX',
    'CLOUD_ML_REGION',
  ],
  endpoint: null,
  brokered: {
    keys: [
      anthropicKey,
      {
        name: 'ANTHROPIC_AUTH_TOKEN',
        address: 'ANTHROPIC_BASE_URL',
        api: anthropicTokenApi,
        placeholder: 'token-',
      },
      {
        name: 'CLAUDE_CODE_OAUTH_TOKEN',
        address: 'ANTHROPIC_BASE_URL',
        api: anthropicTokenApi,
        placeholder: 'sk-ant-oat01-',
      },
    ],
    unless: '^(ANTHROPIC_CUSTOM_HEADERS|CLAUDE_CODE_USE_[A-Z]+)=',
  },
  login: ['.claude/.credentials.json'],
  otherLogins: {
    variables:
      '^(ANTHROPIC_([A-Z]+_)?BASE_URL|ANTHROPIC_CUSTOM_HEADERS|CLAUDE_CODE_USE_[A-Z]+|CLAUDE_CONFIG_DIR)$',
    args: '^--settings\\b',
    folder: '.claude',
    files: ['.claude/settings.json', '.claude/settings.local.json'],
  },
  settings: [
    {
      file: '.claude.json',
      json: { hasCompletedOnboarding: true },
    },
  ],
  customization: {
    mcp: {
      ...mcpServersIn('.claude.json'),
      // In place of the file: `--strict-mcp-config` ignores that.
      to: { flag: '--mcp-config' },
      variable: '${NAME}',
      remote: { url: 'url', more: { type: 'http' } },
    },
    skills: '.claude/skills',
    instructions: '.claude/CLAUDE.md',
    trust: {
      untrusted: {
        // Without the settings of the project it does not read the project's CLAUDE.md either, unless that is in an
        // additional directory. An agent may work below the root of its clone.
        args: ['--setting-sources=user', '--strict-mcp-config', '--add-dir=/workspace', '--add-dir=.'],
        env: { CLAUDE_CODE_ADDITIONAL_DIRECTORIES_CLAUDE_MD: '1' },
      },
      trusted: {},
    },
  },
  conversation: { files: ['.claude/projects'], args: ['--continue'] },
  outputSchema: { flag: '--json-schema', takes: 'text', field: 'structured_output' },
  check: { api: 'anthropic', env: { ANTHROPIC_API_KEY: '$KEY', ANTHROPIC_BASE_URL: '$URL' } },
  hosts: ['api.anthropic.com:443', 'platform.claude.com:443', 'console.anthropic.com:443', 'claude.ai:443'],
};
