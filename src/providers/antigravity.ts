import type { Provider } from './provider.ts';
import { releaseArchive } from './release-archive.ts';
import { wordsReport } from './words-report.ts';

const version = '1.3.1';
const url = (folder: string, machine: string) =>
  `https://storage.googleapis.com/antigravity-public/antigravity-cli/${version}-4582356770750464/${folder}/cli_linux_${machine}.tar.gz`;

export const antigravity: Provider = {
  name: 'antigravity',
  title: 'Antigravity CLI',
  verified: false,
  program: 'agy',
  install: releaseArchive({
    version,
    archives: {
      x86_64: {
        url: url('linux-x64', 'x64'),
        sha256: '0e313b309ea58c71431ce86bb820936a3700e17e44eabce7bf2264617dc822db',
      },
      aarch64: {
        url: url('linux-arm', 'arm64'),
        sha256: 'f96efec99c8bda0d316867622e65f7920ba0c2b74a62d69fcd4ed13e0e84119d',
      },
    },
    unpack: 'tar -xzf archive antigravity && install -m 755 antigravity /usr/local/bin/agy',
  }),
  headless: {
    // It would end after five minutes. The time limit is that of the agent.
    args: ['--dangerously-skip-permissions', '--print-timeout', '720h'],
    prompt: { flag: '--print' },
  },
  interactive: null,
  report: wordsReport,
  model: '--model',
  env: {},
  keys: ['GEMINI_API_KEY'],
  aliases: {},
  passThroughEnv: ['GOOGLE_GEMINI_BASE_URL'],
  endpoint: null,
  login: ['.gemini/antigravity-cli/antigravity-oauth-token'],
  otherLogins: {
    variables: '^(AGY_ADC_AUTH|GOOGLE_APPLICATION_CREDENTIALS|GOOGLE_GEMINI_BASE_URL)$',
    args: null,
    folder: '.gemini',
    files: [],
  },
  settings: [
    // Otherwise it uses the login of an account, whichever keys are set.
    {
      file: '.gemini/antigravity-cli/settings.json',
      json: { modelProvider: 'gemini' },
      when: 'GEMINI_API_KEY',
    },
  ],
  customization: { mcp: null, skills: null, instructions: null, trust: null },
  hosts: [
    ...['generativelanguage.googleapis.com:443', 'cloudcode-pa.googleapis.com:443'],
    ...['oauth2.googleapis.com:443', 'accounts.google.com:443'],
  ],
};
