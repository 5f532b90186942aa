// The browser's own notifications, for who asked for them: when it got worse
// while nobody looks at the page.
import type { Schemas } from '../api/client';
import { verdictTones, type Verdict } from '../model/verdict';

type Report = Pick<Schemas['Report'], 'verdict' | 'sentence' | 'sentence_phrase'>;

// order is from well to worse. Not to know is no news: the link is told elsewhere.
const order: readonly Verdict[] = ['protected', 'repairing', 'read_only', 'metadata_at_risk', 'at_risk', 'unavailable'];

// worse says whether somebody should be told: it got worse, and data or its
// record is in danger.
export function worse(before: Verdict | undefined, now: Verdict): boolean {
  if (before === undefined || order.indexOf(now) <= order.indexOf(before)) return false;
  return verdictTones[now] === 'bad' || verdictTones[now] === 'warn';
}

export type Permission = 'granted' | 'denied' | 'default' | 'none';

// permission is what the browser allows; none where it has no notifications, as
// over plain HTTP.
export function permission(): Permission {
  return typeof Notification === 'undefined' || !isSecureContext ? 'none' : Notification.permission;
}

export async function request(): Promise<Permission> {
  return permission() === 'none' ? 'none' : Notification.requestPermission();
}

// Watch remembers the last known verdict and tells when it got worse.
export class Watch {
  #before: Verdict | undefined;

  constructor(private tell: (report: Report) => void) {}

  see(report: Report, wanted: boolean): void {
    const { verdict } = report;
    if (verdict === 'unknown') return;
    if (wanted && worse(this.#before, verdict)) this.tell(report);
    this.#before = verdict;
  }
}

// show puts it on the person's screen; one replaces the one before.
export function show(title: string, body: string, open: () => void): void {
  const note = new Notification(title, { body, tag: 'ken-verdict' });
  note.onclick = () => {
    note.close();
    window.focus();
    open();
  };
}
