// How each system mounts the drive: the commands, with this cluster's address
// in them. The words around them are in the dictionary, by the same keys.
import type { Schemas } from '../../api/client';

export type Gateway = Schemas['Gateway'];

export const systems = ['windows', 'macos', 'gnome', 'kde', 'davfs2', 'rclone', 'cadaver', 'ios', 'android', 'ken'] as const;
export type System = (typeof systems)[number];

// Step is one thing to do: `say` names the sentence, `code` is to be pasted.
export type Step = { say: string; code?: string; http?: boolean; trust?: boolean };

// parts takes an address apart; a gateway's address always is one.
function parts(url: string): { host: string; port: string; tls: boolean; path: string } {
  const u = new URL(url);
  const tls = u.protocol === 'https:';
  return { host: u.hostname, port: u.port || (tls ? '443' : '80'), tls, path: u.pathname };
}

// quoted makes a word of a POSIX shell: zsh takes the brackets of an IPv6 address for a pattern.
export function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

// withUser writes a user name into an address.
function withUser(scheme: string, url: string, user: string): string {
  const u = new URL(url);
  return `${scheme}://${encodeURIComponent(user)}@${u.host}${u.pathname}`;
}

// unc is how Windows writes the address as a share.
export function unc(url: string): string {
  const { host, port, tls } = parts(url);
  const name = host.includes(':') ? host.replace(/[[\]]/g, '').replaceAll(':', '-') + '.ipv6-literal.net' : host;
  return `\\\\${name}${tls ? '@SSL' : ''}@${port}\\DavWWWRoot`;
}

const webClient = 'HKLM\\SYSTEM\\CurrentControlSet\\Services\\WebClient\\Parameters';
const reg = (name: string, value: string): string => `reg add ${webClient} /v ${name} /t REG_DWORD /d ${value} /f`;

export function steps(system: System, gateway: Gateway, user: string): Step[] {
  const { url } = gateway;
  const { tls } = parts(url);
  const name = quoted(user);
  const at = quoted(url);
  const all: Record<System, () => Step[]> = {
    windows: () => [
      { say: 'service', code: 'sc.exe config webclient start= auto\nnet start webclient' },
      { say: 'basic', code: `${reg('BasicAuthLevel', '2')}\nnet stop webclient\nnet start webclient`, http: true },
      { say: 'trust', code: 'certutil -addstore -f Root ken.crt', trust: true },
      { say: 'map', code: `net use K: "${unc(url)}" /user:"${user.replaceAll('"', '')}" * /persistent:yes` },
      { say: 'explorer', code: unc(url) },
      { say: 'size', code: `${reg('FileSizeLimitInBytes', '0xffffffff')}\nnet stop webclient\nnet start webclient` },
      { say: 'attributes', code: `${reg('FileAttributesLimitInBytes', '0x1312d00')}\nnet stop webclient\nnet start webclient` },
    ],
    macos: () => [
      { say: 'trust', code: 'sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ken.crt', trust: true },
      { say: 'finder', code: url },
      { say: 'shell', code: `mkdir -p ~/KenDFS\nmount_webdav -i -v KenDFS ${at} ~/KenDFS` },
      { say: 'dsstore', code: 'defaults write com.apple.desktopservices DSDontWriteNetworkStores -bool true' },
    ],
    gnome: () => [
      { say: 'trust', code: 'sudo cp ken.crt /usr/local/share/ca-certificates/\nsudo update-ca-certificates', trust: true },
      { say: 'files', code: withUser(tls ? 'davs' : 'dav', url, user) },
      { say: 'shell', code: `gio mount ${quoted(withUser(tls ? 'davs' : 'dav', url, user))}` },
    ],
    kde: () => [
      { say: 'trust', code: 'sudo cp ken.crt /usr/local/share/ca-certificates/\nsudo update-ca-certificates', trust: true },
      { say: 'dolphin', code: withUser(tls ? 'webdavs' : 'webdav', url, user) },
    ],
    davfs2: () => [
      { say: 'install', code: 'sudo apt install davfs2' },
      { say: 'trust', code: 'sudo cp ken.crt /etc/davfs2/certs/\necho "trust_server_cert /etc/davfs2/certs/ken.crt" | sudo tee -a /etc/davfs2/davfs2.conf', trust: true },
      { say: 'secret', code: `echo ${quoted(`${url} ${user}`)} | sudo tee -a /etc/davfs2/secrets\nsudo chmod 600 /etc/davfs2/secrets` },
      { say: 'mount', code: `sudo mkdir -p /mnt/ken\nsudo mount -t davfs -o uid=$(id -u),gid=$(id -g) ${at} /mnt/ken` },
      { say: 'fstab', code: `${url} /mnt/ken davfs rw,user,noauto,_netdev 0 0` },
    ],
    rclone: () => [
      { say: 'config', code: `rclone config create ken webdav url=${at} vendor=owncloud user=${name}` },
      { say: 'password', code: 'read -rs PASS && rclone config password ken pass "$PASS"' },
      { say: 'trust', code: 'rclone lsd ken: --ca-cert ken.crt', trust: true },
      { say: 'copy', code: 'rclone copy ~/Photos ken:Photos --progress' },
      { say: 'mount', code: 'mkdir -p ~/ken && rclone mount ken: ~/ken --vfs-cache-mode full' },
    ],
    cadaver: () => [
      { say: 'install', code: 'sudo apt install cadaver' },
      { say: 'open', code: `cadaver ${at}` },
    ],
    ios: () => [{ say: 'app' }, { say: 'address', code: url }, { say: 'trust', trust: true }],
    android: () => [{ say: 'app' }, { say: 'address', code: url }, { say: 'trust', trust: true }],
    ken: () => [
      { say: 'list', code: 'ken fs ls -l /' },
      { say: 'copy', code: 'ken fs put -r ~/Photos /' },
      { say: 'shell', code: 'ken shell' },
    ],
  };
  return all[system]().filter((s) => (!s.http || !tls) && (!s.trust || gateway.self_signed));
}

// fetchCertificate saves the certificate that a gateway shows, to be compared and trusted.
export function fetchCertificate(url: string): string {
  const { host, port } = parts(url);
  return `openssl s_client -connect ${quoted(`${host}:${port}`)} -servername ${host.replace(/[[\]]/g, '')} </dev/null | openssl x509 -outform PEM > ken.crt\nopenssl x509 -in ken.crt -noout -fingerprint -sha256`;
}

// own is the system that the browser runs on, to begin with.
export function own(agent: string): System {
  if (/Windows/.test(agent)) return 'windows';
  if (/iPhone|iPad/.test(agent)) return 'ios';
  if (/Android/.test(agent)) return 'android';
  if (/Mac OS X|Macintosh/.test(agent)) return 'macos';
  return 'gnome';
}

// best is the gateway to show first: one that others reach, and encrypted.
export function best(gateways: readonly Gateway[]): Gateway | undefined {
  const rank = (g: Gateway): number => (g.loopback ? 0 : 4) + (g.tls ? 2 : 0) + (g.self_signed ? 0 : 1);
  return [...gateways].sort((a, b) => rank(b) - rank(a))[0];
}
