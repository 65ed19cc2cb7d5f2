import type { IncomingMessage, ServerResponse } from 'node:http';
import { UsageError } from '../errors.ts';
import { type FlowState, ofAgent } from '../state/flow-state.ts';
import { maxReasonLength } from '../store/requests.ts';
import { notFound, sendRefusal } from './access.ts';
import type { Approvals, PageDecision } from './approvals.ts';
import { readJsonBody, tooLarge } from './read-body.ts';

/** Bytes of a request: a reason in which each character is escaped, and a name. */
const maxSize = 16 * 1024;

/** Receive `{agent, decision, reason}`, and respond when the run has recorded a decision. */
export async function receiveDecision(
  request: IncomingMessage,
  response: ServerResponse,
  { state }: { readonly state: FlowState },
  approvals: Approvals,
): Promise<void> {
  const refuse = (status: number, reason: string) => sendRefusal(response, { status, reason });
  const body = await readJsonBody(request, maxSize);
  if (body === tooLarge) return refuse(413, 'The request is too large.');
  const given = toDecision(body);
  if (given === null) return refuse(400, 'Invalid decision.');
  if ((given.reason ?? '').length > maxReasonLength)
    return refuse(400, `The reason has more than ${maxReasonLength} characters.`);
  if (!ofAgent(state, given.agent)) return sendRefusal(response, notFound);
  try {
    const { decision, isOverruled, message } = await approvals.decide(given);
    if (isOverruled) return refuse(409, message);
    response.writeHead(200, {
      'Content-Type': 'application/json; charset=utf-8',
      'X-Content-Type-Options': 'nosniff',
      'Cache-Control': 'no-store',
    });
    response.end(JSON.stringify({ decision, message }));
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    refuse(409, error.message);
  }
}

function toDecision(body: unknown): PageDecision | null {
  const { agent, decision, reason = null } = (body ?? {}) as Partial<Record<keyof PageDecision, unknown>>;
  if (typeof agent !== 'string' || (reason !== null && typeof reason !== 'string')) return null;
  return decision === 'approved' || decision === 'rejected' ? { agent, decision, reason } : null;
}
