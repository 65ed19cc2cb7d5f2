import type { Report } from '../../providers/provider.ts';
import type { ParserFactory } from '../cli-event.ts';
import { claudeParser } from './claude.ts';
import { clineParser } from './cline.ts';
import { codexParser } from './codex.ts';
import { copilotParser } from './copilot.ts';
import { droidParser } from './droid.ts';
import { geminiParser } from './gemini.ts';
import { kimiParser } from './kimi.ts';
import { opencodeParser } from './opencode.ts';
import { piParser } from './pi.ts';
import { qwenParser } from './qwen.ts';

/** By `format` of a provider's report. */
export const parsers: Readonly<Record<Report['format'], ParserFactory>> = {
  claude: claudeParser,
  codex: codexParser,
  gemini: geminiParser,
  opencode: opencodeParser,
  copilot: copilotParser,
  cline: clineParser,
  qwen: qwenParser,
  pi: piParser,
  kimi: kimiParser,
  droid: droidParser,
  // A CLI without events.
  words: () => () => [],
};
