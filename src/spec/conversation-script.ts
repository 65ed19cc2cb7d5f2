import { shellQuote } from '../text/shell-quote.ts';
import type { ConversationPlan } from './conversation-plan.ts';

/** The file that has the home of an agent whose conversation is kept; `agent-init` creates its directory. */
export const homeFile = '/run/agent/home';

/** The file with the conversation that an agent continues, as a tar archive of its home. */
export const conversationPath = '/run/agent/conversation.tar';

/** Return a shell command that writes the path of the home, from which the conversation is copied. */
export const writeHome = `printf '%s' "$HOME" >${homeFile} || { printf 'agent-run: cannot write %s\\n' ${homeFile} >&2; exit 125; }`;

/** Return shell commands that unpack an archive with the files of a conversation in the home, without the lines to omit. */
export function restoreConversation(
  { files, omit }: Pick<ConversationPlan, 'files' | 'omit'>,
  archive = conversationPath,
): string[] {
  const places = files.map(file => `"$HOME"/${shellQuote(file)}`).join(' ');
  const failed = "{ printf 'agent-run: cannot restore the conversation\\n' >&2; exit 125; }";
  const omitted =
    omit === undefined
      ? []
      : [
          `find ${places} -type f -exec sed -i -e ${shellQuote(`/${omit.replaceAll('/', '\\/')}/d`)} {} + || ${failed}`,
        ];
  return [`tar -xof ${archive} -C "$HOME" && rm ${archive} || ${failed}`, ...omitted];
}
