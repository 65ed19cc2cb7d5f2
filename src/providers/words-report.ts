import type { Report } from './report.ts';

/** Read failures from the last lines of a CLI without a known event format, if it exits with an error. */
export const wordsReport: Report = {
  format: 'words',
  login:
    '\\b401\\b|unauthorized|not (logged|signed) in|(please|run|must)\\b.* log ?in|authentication (failed|required|error)|(invalid|incorrect|missing|no) api.?key',
  quota:
    '\\b429\\b|rate.?limit|too many requests|usage limit|(exceeded|out of|insufficient) .*(quota|credits|balance)',
  words: { asks: null, waits: null },
};
