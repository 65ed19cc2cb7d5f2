import type { Report } from './provider.ts';

/** Read the failures of a CLI whose events are not known, from the last words of one that exits with an error. */
export const wordsReport: Report = {
  format: 'words',
  login:
    '\\b401\\b|unauthorized|not (logged|signed) in|(please|run|must)\\b.* log ?in|authentication (failed|required|error)|(invalid|incorrect|missing|no) api.?key',
  quota:
    '\\b429\\b|rate.?limit|too many requests|usage limit|(exceeded|out of|insufficient) .*(quota|credits|balance)',
  usage: false,
  words: { asks: null, waits: null },
};
