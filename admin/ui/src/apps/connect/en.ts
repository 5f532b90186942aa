import type { System } from './systems';

type Texts = Record<System, Record<string, string>>;

const steps: Texts = {
  windows: {
    service: 'As an administrator, start the service that speaks WebDAV, now and at every start. On Windows Server, add the feature “WebDAV Redirector” first.',
    basic: 'Windows sends passwords over HTTPS only. As an administrator, allow it over plain HTTP too. The password then crosses the network readable: do this in your own network only.',
    trust: 'Trust the gateway’s certificate: put ken.crt on this computer, then, as an administrator:',
    map: 'Map the drive to a letter. The password is asked for.',
    explorer: 'Or open it in Explorer: This PC › Map network drive, and paste the address.',
    size: 'Files above 50,000,000 bytes are refused with error 0x800700DF until this limit is raised, as an administrator. The most is 4 GiB.',
    attributes: 'Folders of more than about 1,000 entries stay empty until this limit is raised, as an administrator.',
  },
  macos: {
    trust: 'Trust the gateway’s certificate:',
    finder: 'In Finder, choose Go › Connect to Server (⌘K) and paste the address. Sign in as a registered user.',
    shell: 'Or in Terminal:',
    dsstore: 'So that Finder leaves no .DS_Store files in every folder you open, then sign out and in again:',
  },
  gnome: {
    trust: 'Trust the gateway’s certificate:',
    files: 'In Files, choose Other Locations (or Network) and paste this under “Connect to Server”.',
    shell: 'Or in a terminal:',
  },
  kde: {
    trust: 'Trust the gateway’s certificate:',
    dolphin: 'In Dolphin, click the address bar, paste this and press Enter.',
  },
  davfs2: {
    install: 'Install it.',
    trust: 'Trust the gateway’s certificate:',
    secret: 'Name the user. Add the password behind it in the file, or leave it away to be asked.',
    mount: 'Mount the drive.',
    fstab: 'To mount it with `mount /mnt/ken`, add this line to /etc/fstab:',
  },
  rclone: {
    config: 'Describe the drive. “owncloud” makes rclone keep times and check sums.',
    password: 'Give the password; it is kept obscured, not encrypted.',
    trust: 'Give the gateway’s certificate with every command:',
    copy: 'Copy a folder:',
    mount: 'Or mount the drive:',
  },
  cadaver: { install: 'Install it.', open: 'Open the drive; `help` lists what it can do.' },
  ios: {
    app: 'The app Files of iOS does not speak WebDAV. Install one that does and shows itself in Files: Documents by Readdle, FE File Explorer or Owlfiles.',
    address: 'Add a connection of the kind WebDAV with this address and your name and password:',
    trust: 'Send ken.crt to the phone, install it under Settings › General › VPN & Device Management, then switch it on under About › Certificate Trust Settings.',
  },
  android: {
    app: 'Install an app that speaks WebDAV: Material Files, Solid Explorer, RCX or DAVx⁵ (which shows the drive in all apps).',
    address: 'Add a storage of the kind WebDAV with this address and your name and password:',
    trust: 'Install ken.crt under Settings › Security › Encryption & credentials › Install a certificate › CA certificate.',
  },
  ken: {
    list: 'On a machine that has joined the cluster, ken talks to the storage servers itself, without a gateway.',
    copy: 'Copy a folder at full speed:',
    shell: 'Or work in its shell:',
  },
};

const limits: Record<System, readonly string[]> = {
  windows: [
    'Files of at most 4 GiB, whatever the limit (FileSizeLimitInBytes) says. For larger ones use rclone or this page.',
    'Names with \\ : * ? " < > | or a dot or space at their end are not shown.',
    'A request that takes longer than 60 s is given up (SendReceiveTimeoutInSec).',
    'A whole file is fetched before a program can read it.',
  ],
  macos: [
    'Finder writes a ._ file beside files that have extra attributes.',
    'A whole file is fetched when it is opened, and sent when it is closed.',
    'Without class 2 locks macOS would mount read-only; the gateway has them.',
    'When the cluster does not answer, files look missing until it does.',
  ],
  gnome: ['An upload is held in memory until it is sent: large files need as much.', 'Files are not locked while they are edited.'],
  kde: ['An upload is held in memory until it is sent: large files need as much.', 'Files are not locked while they are edited.'],
  davfs2: [
    'What is written goes to a cache and is sent some seconds after the file is closed (delay_upload 10).',
    'A file that the server refused is kept in lost+found of the cache: look there after an error.',
    'Locks are taken for 30 minutes (lock_timeout 1800). A program that crashed may leave one that long.',
  ],
  rclone: [
    'A failed upload deletes its target in some versions: copy to a new name when it matters.',
    'rclone mount without --vfs-cache-mode full cannot write in the middle of a file.',
    'Older than 1.63 it does not replace files when moving.',
  ],
  cadaver: ['One file at a time, no progress across files.', 'It asks whether to trust a self-signed certificate each time.'],
  ios: ['Photos are not sent in the background by all of these apps.', 'Large files are fetched whole before they are shown.'],
  android: ['Many apps refuse self-signed certificates even when the phone trusts them.', 'Large files are fetched whole before they are shown.'],
  ken: ['The machine must have joined the cluster (see Nodes › Add a machine).', 'It is no mount: other programs do not see the files.'],
};

export const en = {
  systems: {
    windows: 'Windows',
    macos: 'macOS',
    gnome: 'GNOME',
    kde: 'KDE',
    davfs2: 'Linux (davfs2)',
    rclone: 'rclone',
    cadaver: 'cadaver',
    ios: 'iPhone and iPad',
    android: 'Android',
    ken: 'ken itself',
  } as Record<System, string>,
  label: 'Systems',
  title: (system: string) => `Mount the drive on ${system}`,
  gateway: 'Gateway',
  gatewayOption: (name: string, url: string) => `${name}: ${url}`,
  address: 'Address',
  asUser: (user: string) => `The commands name the user ${user}. Any user with the role Reader or more may sign in.`,
  none: 'No gateway is running',
  noneDetail: 'The drive can be mounted as soon as a machine has the role webdav.',
  addMachine: 'Add a machine',
  loopback: 'Only its own machine reaches this gateway',
  loopbackDetail: (name: string) => `It listens on 127.0.0.1 of ${name}. Let it listen on the network: set listen under [webdav] in ken.toml and start ken again.`,
  plain: 'This gateway does not encrypt',
  plainDetail: 'Names, passwords and files cross the network readable. Start it with --tls-self-signed, or with a certificate of your own.',
  selfSigned: 'This gateway’s certificate is its own',
  selfSignedDetail: 'Your computer does not know it. Fetch it once, compare the fingerprint with the one that the machine shows, and trust it:',
  limits: limits,
  limitsTitle: 'What this system cannot do',
  steps,
  step: (n: number) => `Step ${n}`,
};

export type Messages = typeof en;
