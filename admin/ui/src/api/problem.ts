// An error of the server (RFC 9457), or of the way to it. It speaks the language
// that was in use when it came.
import { said, type Phrase } from '../said/render';

type Body = {
  title?: string;
  title_phrase?: Phrase;
  detail?: string;
  detail_phrase?: Phrase;
  status?: number;
  code?: string;
  request_id?: string;
  fields?: Record<string, string>;
};

export class Problem extends Error {
  override readonly name = 'Problem';

  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail = '',
    readonly code = '',
    readonly requestId = '',
    readonly fields: Readonly<Record<string, string>> = {},
  ) {
    super(detail ? `${title}: ${detail}` : title);
  }

  // unreachable: the server did not answer at all.
  get unreachable(): boolean {
    return this.status === 0;
  }

  get forbidden(): boolean {
    return this.status === 403;
  }

  get missing(): boolean {
    return this.status === 404;
  }
}

// problemOf makes a Problem of whatever went wrong.
export function problemOf(cause: unknown, response?: Response): Problem {
  if (cause instanceof Problem) return cause;
  const id = response?.headers.get('X-Request-ID') ?? '';
  if (cause && typeof cause === 'object' && !(cause instanceof Error)) {
    const b = cause as Body;
    const status = b.status ?? response?.status ?? 500;
    const title = said(b.title ?? `HTTP ${status}`, b.title_phrase);
    return new Problem(status, title, said(b.detail ?? '', b.detail_phrase), b.code, b.request_id ?? id, b.fields);
  }
  if (response && !response.ok) return new Problem(response.status, response.statusText || `HTTP ${response.status}`, '', '', id);
  return new Problem(0, 'No answer', cause instanceof Error ? cause.message : String(cause ?? ''));
}
