// What an upload's failure means.
import { Problem, problemOf } from '../api/problem';

// told is the problem to show. A file that this computer cannot read any more
// is not the server's doing.
export function told(cause: unknown): Problem {
  if (cause instanceof DOMException && cause.name === 'NotReadableError') return new Problem(400, 'unreadable', '', 'unreadable');
  return problemOf(cause);
}

// passing: waiting may be all that it needs.
export function passing(p: Problem): boolean {
  return p.unreachable || p.code === 'busy' || [401, 404, 408, 429, 502, 503, 504].includes(p.status);
}
