import { duration, limit } from './fields.ts';
import { strict } from './schema-kit.ts';

export const timeouts = strict(
  {
    build: duration.optional().describe('To build or pull the image. Default `30m`.'),
    ready: duration
      .optional()
      .describe('From the start of the container until its tmux session accepts keys. Default `60s`.'),
    run: limit.optional().describe('For the work itself, or `none`. Default `2h`.'),
    idle: limit
      .optional()
      .describe('Maximum time without output before the agent is stopped. Default `none`.'),
    stalled: limit
      .optional()
      .describe(
        'Maximum time without a change on the screen of a working interactive agent before it needs input. Default `60s`.',
      ),
    stop: duration
      .optional()
      .describe('From the first stop request until the container is killed. Default `10s`.'),
  },
  'an object of time limits, such as {"run": "45m"}',
);
