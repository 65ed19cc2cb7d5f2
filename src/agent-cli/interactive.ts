import type { InteractivePlan } from '../spec/plan.ts';
import { dialogFinder, reasonForInput, triesUntil } from './needs-input.ts';
import type { State } from './state.ts';
import type { Terminal } from './tmux.ts';

export type WatchPlan = Omit<InteractivePlan, 'renamed'>;

export interface Watched {
  readonly state: State;
  readonly terminal: Terminal;
  readonly prompt: () => Buffer;
  readonly sleep: (ms: number) => Promise<unknown>;
  readonly now: () => number;
  /** Run `agent-turn`; false where it fails. */
  readonly turn: (...args: readonly string[]) => boolean;
}

/** A person takes longer than this, in milliseconds, and so may a screen to change. */
const pollIntervalMs = 500;
/** What has not moved for so long, in milliseconds, is not about to. */
const settledMs = 2_000;
/** What follows a paste at once may be taken for a part of it. */
const afterPasteMs = 300;
const maxAnswers = 3;
const maxEnters = 10;

/** Sit before the screen of an interactive AI CLI, until the work is done. */
export async function watchScreen(plan: WatchPlan, watched: Watched): Promise<void> {
  const { state, terminal, sleep, now } = watched;
  const { quiet } = plan;
  const isReady = new RegExp(plan.ready, 'm');
  const findDialog = dialogFinder(plan.dialogs);
  const report = activityReporter(state);
  const enterAgain = enterPresser(watched);
  const reactTo = inputReaction(plan, watched);
  let isPromptGiven = false;
  let last = '';
  let since = now();
  report('working');
  for (; !state.has('exit'); await sleep(pollIntervalMs)) {
    const screen = terminal.screen();
    // What is being sent is given the time to arrive.
    const seen = `${state.counted('sent')} ${screen}`;
    if (seen !== last) since = now();
    last = seen;
    const stillFor = now() - since;
    const dialog = stillFor >= pollIntervalMs ? findDialog(screen) : null;
    markDialog(state, dialog);

    if (!isPromptGiven && dialog === null && isReady.test(screen)) {
      isPromptGiven = true;
      await givePrompt(watched);
      continue;
    }
    if (dialog === null && stillFor >= settledMs && enterAgain()) since = now();
    const [isInTurn, isPromptTaken] = [state.has('in-turn'), isTaken(state)];
    const reason = reasonForInput({ dialog, stillFor, isPromptGiven, isPromptTaken, isInTurn }, quiet);
    if (reason === null) {
      report(isInTurn || quiet === null || stillFor < quiet ? 'working' : 'idle');
    } else {
      report(`needsInput ${reason}`);
      await reactTo(reason);
    }
  }
}

const isTaken = (state: State) => state.counted('taken') > 0;

/** Write each change of what the CLI does as a line. */
function activityReporter(state: State): (activity: string) => void {
  let last = '';
  return activity => {
    if (activity !== last) state.appendActivity(activity);
    last = activity;
  };
}

/** While the CLI asks, what is typed into it is an answer, and begins no turn. */
function markDialog(state: State, dialog: string | null): void {
  if (dialog === null) state.clear('asks');
  else if (!state.has('asks')) state.set('asks');
}

/** Paste the prompt, and press Enter until the CLI has taken it. */
async function givePrompt({ state, terminal, prompt, sleep, turn }: Watched): Promise<void> {
  if (!turn('sent')) return;
  terminal.paste(prompt());
  // An Enter that came too early is pressed again.
  for (let tries = 0; tries < 10 && !isTaken(state); tries++) {
    await sleep(afterPasteMs);
    if (isTaken(state)) return;
    terminal.press('Enter');
    for (let polls = 0; polls < 50 && !state.has('exit') && !isTaken(state); polls++) await sleep(100);
  }
}

/**
 * Return a function that enters what was sent and lies there, while no turn goes on that it might wait for: a CLI that is
 * busy may take the Enter that comes a moment after a paste for a part of it. False where there is nothing to enter, or
 * where that was tried often enough.
 */
function enterPresser({ state, terminal }: Watched): () => boolean {
  const { counted } = state;
  const tries = triesUntil(() => [counted('sent'), counted('taken'), counted('ended')]);
  return () => {
    const liesThere =
      isTaken(state) && counted('sent') > counted('taken') && counted('ended') >= counted('taken');
    if (!liesThere || tries() > maxEnters) return false;
    terminal.press('Enter');
    return true;
  };
}

/** Return a function that does what the plan says where a person is needed. */
function inputReaction(
  { needsInput }: WatchPlan,
  { state, terminal, sleep, turn }: Watched,
): (reason: string) => Promise<void> {
  const tries = triesUntil(() => [state.counted('taken'), state.counted('ended')]);
  const fail = (reason: string) => void turn('trouble', 'needsInput', reason);
  return async reason => {
    if (needsInput === 'notify') return;
    if (needsInput === 'fail') return fail(reason);
    if (tries() > maxAnswers) return fail(`${reason}, and was answered ${maxAnswers} times`);
    // What answers no question begins a turn.
    if (!state.has('asks') && isTaken(state)) turn('sent');
    terminal.type(needsInput.answer);
    await sleep(afterPasteMs);
    terminal.press('Enter');
    await sleep(settledMs);
  };
}
