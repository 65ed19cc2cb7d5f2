import { duration, limit } from './fields.ts';
import { strict } from './schema-kit.ts';

export const timeouts = strict(
  {
    build: duration.optional().describe('For making the image ready. Default `30m`.'),
    ready: duration
      .optional()
      .describe('From the container’s start until its session takes keys. Default `60s`.'),
    run: limit.optional().describe('For the work itself; `none` lifts it. Default `2h`.'),
    idle: limit
      .optional()
      .describe('How long the agent may print nothing before it is ended. Default `none`.'),
    quiet: limit
      .optional()
      .describe(
        'How long the screen of an interactive agent that has something to do may stand still before it needs input. Default `60s`.',
      ),
    stop: duration.optional().describe('From the first request to end until it is killed. Default `10s`.'),
  },
  'an object of time limits, such as {"run": "45m"}',
);
