import test from 'ava';
import { parseResetTime } from '../../../src/agent-cli/reset-time.ts';

/** In the zone of this machine, as the CLIs print it in that of the container. */
const now = new Date(2026, 10, 25, 13, 30, 20).getTime();
const at = (...parts: [number, number, number, number, number, number?]) => new Date(...parts).getTime();

const messages: readonly (readonly [string, number | null])[] = [
  ['You’ve hit your usage limit. Upgrade to Pro or try again at 1:39 PM.', at(2026, 10, 25, 13, 40)],
  ["You've hit your usage limit. Or try again at 1:39 AM.", at(2026, 10, 26, 1, 40)],
  ['You’ve hit your usage limit. Try again at Nov 27th, 2026 3:04 PM.', at(2026, 10, 27, 15, 5)],
  ["You've hit your 5-hour limit · resets 5pm (UTC)", at(2026, 10, 25, 17, 1)],
  ["You've hit your weekly limit · resets Dec 1, 3am (UTC)", at(2026, 11, 1, 3, 1)],
  ["You've hit your weekly limit · resets Jan 2, 2027, 12am (UTC)", at(2027, 0, 2, 0, 1)],
  ["You've hit your weekly limit · resets Jan 2, 12pm (UTC)", at(2027, 0, 2, 12, 1)],
  // The time passed while the message was on its way.
  ["You've hit your 5-hour limit · resets 1:29pm (UTC)", at(2026, 10, 25, 13, 30)],
  ['Your quota will reset after 3h20m10s.', now + 12_010_000],
  ['Your quota will reset after 45s.', now + 45_000],
  ['Rate limit reached. Please try again in 2621s.', now + 2_621_000],
  ['Rate limit reached for m on tokens per day. Please try again in 1h6m0.5s.', now + 3_960_500],
  ['Please retry in 20s.', now + 20_000],
  // A wait of less than a second has no reset time.
  ['Rate limit reached. Please try again in 120ms.', null],
  ['Rate limit reached. Please try again in a while.', null],
  ['You have exhausted your daily quota on this model.', null],
  ['You’ve hit your usage limit. Try again later.', null],
];

for (const [message, reset] of messages)
  test(`the reset time is read from: ${message}`, t => {
    t.is(parseResetTime(message, now), reset);
  });
