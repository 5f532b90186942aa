// How repair gets on, in the one state that a person needs to know.
import type { Schemas } from '../api/client';
import type { Tone } from '../ui/tone';

export type Progress = Schemas['Report']['repair'];

// idle: nothing to do. paused: by an operator, or by the brake after many
// servers went down at once. stalled: wants to and cannot. calculating: moves,
// but for too short a time to say how long.
export type RepairState = 'idle' | 'paused' | 'braked' | 'stalled' | 'calculating' | 'moving';

export const repairTones: Record<RepairState, Tone> = {
  idle: 'ok',
  paused: 'warn',
  braked: 'warn',
  stalled: 'bad',
  calculating: 'busy',
  moving: 'busy',
};

export function repairState(p: Progress): RepairState {
  if (p.paused) return p.paused_by === 'brake' ? 'braked' : 'paused';
  if (p.bytes_left === 0 && p.running === 0) return 'idle';
  if (p.stalled) return 'stalled';
  return p.eta_max_seconds > 0 ? 'moving' : 'calculating';
}

// The presets of the throttle, in bytes per second of each storage server; 0 is no limit.
export const presets = { gentle: 20 << 20, normal: 100 << 20, fast: 0 } as const;
export type Preset = keyof typeof presets;

// presetOf names the limit, if it is one of the presets.
export function presetOf(limit: number): Preset | null {
  const found = Object.entries(presets).find(([, bytes]) => bytes === limit);
  return found ? (found[0] as Preset) : null;
}

export type Repair = Schemas['Repair'];

// classOrder is the order of urgency of the work's classes.
export const classes = ['repair', 'drain', 'sync', 'balance', 'surplus'] as const;

export type ClassSum = { class: Repair['class']; volumes: number; bytes: number };

// byClass adds up what is left, by class; single copies stand first as a class of their own.
export function byClass(queue: readonly Repair[]): (ClassSum & { single: boolean })[] {
  const sums = new Map<string, ClassSum & { single: boolean }>();
  for (const r of queue) {
    const single = r.class === 'repair' && r.live <= 1 && r.target > 1;
    const key = single ? 'single' : r.class;
    const sum = sums.get(key) ?? { class: r.class, volumes: 0, bytes: 0, single };
    sum.volumes++;
    sum.bytes += Math.max(0, r.bytes - r.bytes_done);
    sums.set(key, sum);
  }
  const rank = (s: ClassSum & { single: boolean }): number => (s.single ? -1 : classes.indexOf(s.class));
  return [...sums.values()].sort((a, b) => rank(a) - rank(b));
}

// busiest counts running copies by node, the busiest first.
export function busiest(queue: readonly Repair[], end: 'from' | 'to', top = 5): { node: string; copies: number }[] {
  const counts = new Map<string, number>();
  for (const r of queue) {
    const node = r[end];
    if (r.state === 'running' && node) counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  return [...counts]
    .map(([node, copies]) => ({ node, copies }))
    .sort((a, b) => b.copies - a.copies || a.node.localeCompare(b.node))
    .slice(0, top);
}
