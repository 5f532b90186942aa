// The columns of the grid of nodes, and what the search finds.
import { ago, bytes, count, decimal, percent, rate } from '../../i18n/format';
import { failedDisks, fullness, heard, stateOf, urgency, type Node, type NodeState } from '../../model/nodes';
import { w } from '../../model/strings';
import type { Column } from '../../ui/grid/types';
import { t } from './strings';

export function disksText(n: Node): string {
  const bad = failedDisks(n);
  if (n.disks.length === 0) return t.none;
  return bad ? t.disksBad(count(bad), count(n.disks.length)) : t.disksOk(count(n.disks.length));
}

export function latency(n: Node): string {
  return n.latency_p99_ms === undefined || !heard(n) ? t.none : t.ms(decimal(n.latency_p99_ms));
}

const time = (at: string | undefined): number => (at ? Date.parse(at) : 0);

// columns are made anew when the language changes.
export function columns(): Column<Node>[] {
  return [
    { id: 'name', title: t.col.name, text: (n) => n.name, width: 190, sort: (n) => n.name, phone: 'title' },
    { id: 'state', title: t.col.state, text: (n) => w.node[stateOf(n)], width: 150, sort: urgency, phone: 'end' },
    { id: 'zone', title: t.col.zone, text: (n) => n.zone || t.none, width: 140, sort: (n) => n.zone, phone: 'meta' },
    {
      id: 'used',
      title: t.col.used,
      text: (n) => (n.capacity_bytes ? percent(fullness(n)) : t.none),
      width: 150,
      sort: (n) => fullness(n),
      phone: 'meta',
    },
    { id: 'free', title: t.col.free, text: (n) => (n.capacity_bytes ? bytes(n.free_bytes) : t.none), width: 90, align: 'end', sort: (n) => n.free_bytes, phone: 'none' },
    { id: 'disks', title: t.col.disks, text: disksText, width: 120, sort: (n) => -failedDisks(n), phone: 'meta' },
    { id: 'volumes', title: t.col.volumes, text: (n) => count(n.volumes), width: 90, align: 'end', sort: (n) => n.volumes, phone: 'none' },
    {
      id: 'read',
      title: t.col.read,
      text: (n) => (heard(n) ? rate(n.read_bytes_per_second) : t.none),
      width: 105,
      align: 'end',
      sort: (n) => (heard(n) ? n.read_bytes_per_second : -1),
      phone: 'none',
    },
    {
      id: 'write',
      title: t.col.write,
      text: (n) => (heard(n) ? rate(n.write_bytes_per_second) : t.none),
      width: 105,
      align: 'end',
      sort: (n) => (heard(n) ? n.write_bytes_per_second : -1),
      phone: 'none',
    },
    {
      id: 'p99',
      title: t.col.p99,
      text: latency,
      width: 84,
      align: 'end',
      sort: (n) => (heard(n) ? (n.latency_p99_ms ?? -1) : -1),
      phone: 'none',
    },
    { id: 'heard', title: t.col.heard, text: (n) => (n.heard ? ago(n.heard) : t.never), width: 110, sort: (n) => time(n.heard), phone: 'none' },
    { id: 'version', title: t.col.version, text: (n) => n.version, width: 90, sort: (n) => n.version, phone: 'none', hidden: true },
    { id: 'addr', title: t.col.addr, text: (n) => n.addr, width: 150, sort: (n) => n.addr, phone: 'none', hidden: true },
    { id: 'roles', title: t.col.roles, text: (n) => n.roles.join(', '), width: 160, phone: 'none', hidden: true },
    {
      id: 'started',
      title: t.col.started,
      text: (n) => (n.started ? ago(n.started) : t.none),
      width: 120,
      sort: (n) => time(n.started),
      phone: 'none',
      hidden: true,
    },
  ];
}

// matching filters by state and by a word in name, address, zone or version.
export function matching(nodes: readonly Node[], state: NodeState | null, text: string): Node[] {
  const word = text.trim().toLowerCase();
  return nodes.filter(
    (n) => (!state || stateOf(n) === state) && (!word || [n.name, n.addr, n.zone, n.version, n.id].some((v) => v.toLowerCase().includes(word))),
  );
}
