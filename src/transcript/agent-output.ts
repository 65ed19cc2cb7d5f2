import { Transform } from 'node:stream';
import { endBytes } from './end-record.ts';
import { outputBegin } from './output-begin.ts';
import { unprinted } from './output-end.ts';

/** Return the path of the marks of a transcript: the end record, the report of an AI CLI, and the last screen. */
export const marksFile = (transcript: string) => `${transcript}.marks`;

export interface AgentOutput {
  readonly stream: Transform;
  /** Return the marks: the output of agent-init before and after that of the agent. */
  marks(): string;
  /** Return the end of the whole output, marks included; empty if the container has printed nothing. */
  tail(): string;
}

/** Reduce the whole output of a container to what the agent printed. The buffer is small, and nothing is stored (I7). */
export function agentOutput(nonce: string | null): AgentOutput {
  const begin = outputBegin();
  let held: Buffer = Buffer.alloc(0);
  let endMarks = '';
  let tail = '';
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
      endMarks = held.subarray(printed).toString('utf8');
      tail = held.toString('utf8');
      done(null, held.subarray(0, printed));
    },
  });
  return { stream, marks: () => `${begin.mark}${endMarks}`, tail: () => `${begin.mark}${tail}` };
}
