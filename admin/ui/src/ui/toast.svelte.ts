// Short words about the result of what the person did. Never for news of the
// cluster, except what is critical.
import type { Tone } from './tone';

export type Toast = {
  id: number;
  tone: Tone;
  text: string;
  detail?: string;
  action?: { label: string; run: () => void };
};

const most = 4;

// kept are those that there is room for: an error stays until it is dismissed,
// so the oldest of the others go first.
function kept(list: readonly Toast[]): readonly Toast[] {
  const errors = list.filter((x) => x.tone === 'bad').slice(-most);
  const room = most - errors.length;
  const others = room > 0 ? list.filter((x) => x.tone !== 'bad').slice(-room) : [];
  return list.filter((x) => errors.includes(x) || others.includes(x));
}

class Toasts {
  list = $state.raw<readonly Toast[]>([]);
  #next = 1;

  show(toast: Omit<Toast, 'id'>, ms: number): number {
    const id = this.#next++;
    this.list = kept([...this.list, { ...toast, id }]);
    if (ms > 0) setTimeout(() => this.drop(id), ms);
    return id;
  }

  drop(id: number): void {
    this.list = this.list.filter((x) => x.id !== id);
  }
}

export const toasts = new Toasts();

// toast shows a line for some seconds: longer with an action (Undo), and an
// error stays until it is dismissed.
export function toast(text: string, options: Partial<Omit<Toast, 'id' | 'text'>> = {}): number {
  const tone = options.tone ?? 'ok';
  return toasts.show({ ...options, tone, text }, tone === 'bad' ? 0 : options.action ? 10_000 : 5000);
}
