import { Transform } from 'node:stream';
import { endBytes } from './end-record.ts';
import { outputBegin } from './output-begin.ts';
import { unprinted } from './output-end.ts';

/** Path of what was taken out of a transcript: how the agent ended, what it used, and what its last screen was. */
export const marksFile = (transcript: string) => `${transcript}.marks`;

export interface AgentOutput {
  readonly stream: Transform;
  /** What was taken out: what agent-init has said before the agent's output, and after it. */
  marks(): string;
  /** Return the end of the whole output, with what was taken out; empty where the container has printed nothing. */
  tail(): string;
}

/** Leave of a container's whole output what the agent has printed. Little of it is held back, and none of it kept. */
export function agentOutput(nonce: string | null): AgentOutput {
  const begin = outputBegin();
  let held: Buffer = Buffer.alloc(0);
  let end = '';
  let last = '';
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      held = Buffer.concat([held, begin.add(chunk)]);
      const ready = Math.max(0, held.length - endBytes);
      done(null, held.subarray(0, ready));
      held = held.subarray(ready);
    },
    flush(done) {
      held = Buffer.concat([held, begin.end()]);
      const printed = held.length - unprinted(held, true, nonce);
      end = held.subarray(printed).toString('utf8');
      last = held.toString('utf8');
      done(null, held.subarray(0, printed));
    },
  });
  return { stream, marks: () => `${begin.mark}${end}`, tail: () => `${begin.mark}${last}` };
}
