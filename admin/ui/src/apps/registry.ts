// The apps of the desk: what the launcher, the icons and the addresses know of
// them before they are loaded. Each app is its own chunk.
import type { Component } from 'svelte';
import type { LucideIcon } from '@lucide/svelte';
import Activity from '@lucide/svelte/icons/activity';
import BookOpen from '@lucide/svelte/icons/book-open';
import Cable from '@lucide/svelte/icons/cable';
import ChartSpline from '@lucide/svelte/icons/chart-spline';
import Copy from '@lucide/svelte/icons/copy-check';
import Folder from '@lucide/svelte/icons/folder';
import HeartPulse from '@lucide/svelte/icons/heart-pulse';
import Network from '@lucide/svelte/icons/network';
import Server from '@lucide/svelte/icons/server';
import Settings from '@lucide/svelte/icons/settings';
import Users from '@lucide/svelte/icons/users';
import type { Role } from '../api/session.svelte';
import type { Messages } from '../desk/en';
import type { AppProps } from '../desk/app';

export type AppId = keyof Messages['apps'];

export type AppDef = {
  id: AppId;
  icon: LucideIcon;
  // tint is the colour of its tile, as a hue of OKLCH
  tint: number;
  size: { w: number; h: number };
  // path names the parameter that stands in the address: /d/nodes/dn-07
  path?: string;
  // single: one window; its parameters only say where to look in it
  single?: true;
  // needs is the least role that sees the app
  needs?: Role;
  load: () => Promise<{ default: Component<AppProps> }>;
};

export const apps: readonly AppDef[] = [
  { id: 'overview', icon: HeartPulse, tint: 150, size: { w: 980, h: 680 }, single: true, load: () => import('./overview/App.svelte') },
  { id: 'nodes', icon: Server, tint: 255, size: { w: 1080, h: 660 }, path: 'id', load: () => import('./nodes/App.svelte') },
  { id: 'replication', icon: Copy, tint: 215, size: { w: 1040, h: 680 }, load: () => import('./replication/App.svelte') },
  { id: 'files', icon: Folder, tint: 245, size: { w: 1080, h: 660 }, load: () => import('./files/App.svelte') },
  { id: 'activity', icon: Activity, tint: 45, size: { w: 980, h: 620 }, path: 'tab', load: () => import('./activity/App.svelte') },
  { id: 'performance', icon: ChartSpline, tint: 295, size: { w: 1040, h: 680 }, load: () => import('./performance/App.svelte') },
  { id: 'topology', icon: Network, tint: 190, size: { w: 980, h: 640 }, load: () => import('./topology/App.svelte') },
  { id: 'users', icon: Users, tint: 330, size: { w: 900, h: 600 }, single: true, path: 'tab', load: () => import('./users/App.svelte') },
  { id: 'settings', icon: Settings, tint: 265, size: { w: 960, h: 640 }, single: true, path: 'page', load: () => import('./settings/App.svelte') },
  { id: 'connect', icon: Cable, tint: 75, size: { w: 860, h: 640 }, single: true, path: 'system', load: () => import('./connect/App.svelte') },
  { id: 'help', icon: BookOpen, tint: 20, size: { w: 900, h: 640 }, single: true, path: 'topic', load: () => import('./help/App.svelte') },
];

export function appOf(id: string): AppDef | undefined {
  return apps.find((a) => a.id === id);
}
