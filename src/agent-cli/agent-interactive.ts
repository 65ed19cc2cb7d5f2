#!/usr/bin/env node
// agent-interactive PLAN PROMPT-FILE: watch the screen of an interactive AI CLI. It pastes the prompt once, and then
// watches whether the CLI is working, is idle, or needs input. Each change is a line in /run/agent/activity: `working`,
// `idle`, or `needsInput REASON`. It presses Enter for a pasted prompt that is still not entered at the end of a turn.
// PLAN is a WatchPlan as JSON.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { stateDirectory, stateIn } from './state.ts';
import { tmuxTerminal } from './tmux.ts';
import { type WatchPlan, watchScreen } from './watch-screen.ts';

const [plan = '', promptFile = ''] = process.argv.slice(2);
const bounds = { timeout: 10_000, killSignal: 'SIGKILL' } as const;

void watchScreen(JSON.parse(plan) as WatchPlan, {
  state: stateIn(stateDirectory),
  terminal: tmuxTerminal,
  prompt: () => readFileSync(promptFile),
  sleep,
  now: Date.now,
  turn: (...args) => spawnSync('agent-turn', args, bounds).status === 0,
});
