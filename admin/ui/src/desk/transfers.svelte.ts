// Uploads and downloads that the page itself runs. The app Files feeds this
// list; the taskbar shows it in every app, and leaving the page asks first.

export type TransferState = 'waiting' | 'running' | 'paused' | 'failed' | 'done';

export class Transfer {
  state = $state<TransferState>('waiting');
  done = $state(0);
  total = $state(0);
  // rate in bytes per second, 0 while it is not known
  rate = $state(0);
  // error says what went wrong, for people
  error = $state('');

  constructor(
    readonly id: string,
    readonly name: string,
    readonly kind: 'upload' | 'download',
    // acts are those that make sense for it; absent ones are not offered
    readonly acts: { pause?: () => void; resume?: () => void; cancel?: () => void; retry?: () => void; show?: () => void } = {},
  ) {}

  get active(): boolean {
    return this.state === 'running' || this.state === 'waiting' || this.state === 'paused';
  }
}

class Transfers {
  list = $state.raw<readonly Transfer[]>([]);
  active = $derived(this.list.filter((x) => x.active));
  // sum of what is running: {done, total, rate}
  sum = $derived.by(() => {
    const sum = { done: 0, total: 0, rate: 0 };
    for (const x of this.active) {
      sum.done += x.done;
      sum.total += x.total;
      sum.rate += x.state === 'running' ? x.rate : 0;
    }
    return sum;
  });

  add(transfer: Transfer): Transfer {
    this.list = [transfer, ...this.list];
    return transfer;
  }

  // addAll adds many at once: a folder of ten thousand files is one change.
  addAll(transfers: readonly Transfer[]): void {
    this.list = [...transfers, ...this.list];
  }

  remove(transfer: Transfer): void {
    this.list = this.list.filter((x) => x !== transfer);
  }

  clearDone(): void {
    this.list = this.list.filter((x) => x.active || x.state === 'failed');
  }
}

export const transfers = new Transfers();

// guardLeaving asks before the page closes while something is under way.
export function guardLeaving(): () => void {
  const ask = (e: BeforeUnloadEvent): void => {
    if (transfers.active.length) e.preventDefault();
  };
  addEventListener('beforeunload', ask);
  return () => removeEventListener('beforeunload', ask);
}
