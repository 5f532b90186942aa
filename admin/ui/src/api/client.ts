// The one client of the admin API. Apps write `await api(client.GET('/nodes'))`:
// it answers the data or throws a Problem.
import createClient from 'openapi-fetch';
import { problemOf } from './problem';
import type { components, paths } from './schema';
import { guarded } from './session.svelte';

export type Schemas = components['schemas'];

export const base = '/api/v1';

// Lists in a query are one value with commas: series=reads,writes.
export const client = createClient<paths>({
  baseUrl: base,
  fetch: guarded,
  querySerializer: { array: { style: 'form', explode: false } },
});

type Answer<T> = { data?: T; error?: unknown; response: Response };

export async function api<T>(call: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await call;
  } catch (cause) {
    throw problemOf(cause);
  }
  if (!answer.response.ok) throw problemOf(answer.error, answer.response);
  return answer.data as T;
}
