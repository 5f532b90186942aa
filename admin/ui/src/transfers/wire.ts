// How an upload travels. Pieces go by XMLHttpRequest: fetch does not tell how
// much of a body is already sent.
import { api, base, client, type Schemas } from '../api/client';
import { Problem, problemOf } from '../api/problem';
import { session } from '../api/session.svelte';

export type Upload = Schemas['Upload'];
export type Entry = Schemas['Entry'];

export type Wire = {
  begin(path: string, file: { size: number; lastModified: number }, overwrite: boolean): Promise<Upload>;
  status(id: string): Promise<Upload>;
  send(id: string, offset: number, piece: Blob, progress: (sent: number) => void, signal: AbortSignal): Promise<Upload>;
  cancel(id: string): Promise<void>;
  mkdir(path: string): Promise<void>;
  // existing is what is already at path, or null
  existing(path: string): Promise<Entry | null>;
};

// OffsetProblem: the server has another offset than we thought.
export class OffsetProblem extends Problem {
  constructor(readonly offset: number) {
    super(409, 'offset', '', 'offset');
  }
}

function failure(x: XMLHttpRequest): Problem {
  if (x.status === 0) return new Problem(0, 'No answer');
  const id = x.getResponseHeader('X-Request-ID') ?? '';
  try {
    const body = JSON.parse(x.responseText) as Schemas['Problem'];
    if (body.code === 'offset' && typeof body.offset === 'number') return new OffsetProblem(body.offset);
    return new Problem(x.status, body.title, body.detail, body.code, body.request_id ?? id, body.fields);
  } catch {
    return new Problem(x.status, x.statusText || `HTTP ${x.status}`, '', '', id);
  }
}

async function signedOut(p: Problem): Promise<Problem> {
  if (p.status === 401 && session.me) await session.lock();
  return p;
}

function patch(id: string, offset: number, piece: Blob, progress: (sent: number) => void, signal: AbortSignal): Promise<Upload> {
  return new Promise((resolve, reject) => {
    const x = new XMLHttpRequest();
    const abort = (): void => x.abort();
    const end = (): void => signal.removeEventListener('abort', abort);
    x.open('PATCH', `${base}/fs/uploads/${encodeURIComponent(id)}`);
    x.setRequestHeader('Content-Type', 'application/octet-stream');
    x.setRequestHeader('Upload-Offset', String(offset));
    x.upload.onprogress = (e) => progress(e.loaded);
    x.onload = () => {
      end();
      if (x.status >= 200 && x.status < 300) resolve(JSON.parse(x.responseText) as Upload);
      else reject(failure(x));
    };
    x.onerror = () => {
      end();
      reject(failure(x));
    };
    x.onabort = () => {
      end();
      reject(new DOMException('stopped', 'AbortError'));
    };
    signal.addEventListener('abort', abort);
    if (signal.aborted) x.abort();
    else x.send(piece);
  });
}

export const wire: Wire = {
  begin: (path, file, overwrite) =>
    api(
      client.POST('/fs/uploads', {
        body: { path, size: file.size, overwrite, parents: true, modified: new Date(file.lastModified).toISOString() },
      }),
    ),
  status: (id) => api(client.GET('/fs/uploads/{id}', { params: { path: { id } } })),
  send: (id, offset, piece, progress, signal) =>
    patch(id, offset, piece, progress, signal).catch(async (cause: unknown) => {
      throw cause instanceof Problem ? await signedOut(cause) : cause;
    }),
  cancel: async (id) => {
    await api(client.DELETE('/fs/uploads/{id}', { params: { path: { id } } }));
  },
  mkdir: async (path) => {
    await api(client.POST('/fs/mkdir', { body: { path } }));
  },
  existing: async (path) => {
    try {
      return (await api(client.GET('/fs/stat', { params: { query: { path } } }))).entry;
    } catch (cause) {
      const p = problemOf(cause);
      if (p.missing) return null;
      throw p;
    }
  },
};
