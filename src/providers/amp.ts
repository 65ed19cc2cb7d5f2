import { mcpServersIn } from './customization.ts';
import type { Provider } from './provider.ts';

export const amp: Provider = {
  name: 'amp',
  title: 'Amp',
  verified: false,
  program: 'amp',
  install: { npm: '@ampcode/cli', version: '0.0.1790142911-g7618fb' },
  headless: { args: ['--execute', '--stream-json'], prompt: 'stdin' },
  interactive: null,
  report: {
    format: 'claude',
    login: '\\b40[13]\\b|no api key found|login failed|(invalid|missing) api key|amp login|unauthorized',
    quota: '\\b429\\b|\\b402\\b|out of credits|insufficient .*(credits|balance)|rate limit',
    usage: false,
    // Without a login it asks for a code, reads the prompt as that code, and waits for another one.
    words: { asks: 'starting login flow|paste your code', waits: null },
  },
  model: null,
  env: {},
  keys: ['AMP_API_KEY'],
  aliases: {},
  passThroughEnv: [],
  endpoint: null,
  login: ['.local/share/amp/secrets.json'],
  otherLogins: {
    variables: null,
    args: null,
    folder: '.local/share/amp',
    files: [],
  },
  // No flag approves all permissions.
  settings: [{ file: '.config/amp/settings.json', json: { 'amp.dangerouslyAllowAll': true } }],
  customization: {
    mcp: { ...mcpServersIn('.config/amp/settings.json'), key: 'amp.mcpServers' },
    skills: '.config/amp/skills',
    instructions: '.config/amp/AGENTS.md',
    trust: null,
  },
  hosts: ['ampcode.com:443'],
};
